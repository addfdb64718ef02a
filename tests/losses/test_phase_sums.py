"""Sums of phases piece by piece are the sums, and their gradient the derivative."""

import pytest
import torch

from zeta_exp.losses import phase_sums as module
from zeta_exp.losses.phase_sums import phase_sums

OMEGA = torch.tensor([0.3, 1.0, 7.5, 40.0], dtype=torch.float64)


def plain(s):
    phase = s[:, None] * OMEGA
    return torch.cat([phase.cos().sum(0), phase.sin().sum(0)])


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(module, "PIECE", 16)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 100])
def test_any_number_of_pieces_gives_the_sums_and_their_gradient(count):
    torch.manual_seed(count)
    s = torch.randn(count, dtype=torch.float64, requires_grad=True)
    cotangent = torch.randn(8, dtype=torch.float64)
    torch.testing.assert_close(phase_sums(s, OMEGA), plain(s), rtol=1e-13, atol=1e-13)
    found, expected = (
        torch.autograd.grad(f(s) @ cotangent, s)[0] for f in (lambda s: phase_sums(s, OMEGA), plain)
    )
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_the_gradient_is_the_derivative():
    s = torch.rand(20, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: phase_sums(s, OMEGA), s)


def test_sums_of_float32_are_float64():
    s = torch.rand(1000, requires_grad=True)
    sums = phase_sums(s, OMEGA)
    assert sums.dtype == torch.float64
    torch.testing.assert_close(sums, plain(s.double()), rtol=0, atol=2e-3)
    sums.sum().backward()
    assert s.grad.dtype == torch.float32


def test_no_phase_is_kept_for_the_backward_pass():
    kept = []
    s = torch.rand(1000, dtype=torch.float64, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: kept.append(tensor.numel()) or tensor, lambda tensor: tensor
    ):
        phase_sums(s, OMEGA)
    assert sum(kept) == 1000 + len(OMEGA)
