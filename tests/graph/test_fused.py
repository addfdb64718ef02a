"""What is compiled for a GPU, here without the compiler: the same sums."""

import pytest
import torch

from zeta_exp.graph import LineGraph, fused, operators


@pytest.mark.parametrize(
    ("first", "runs", "length"), [(1, 1, 50), (1000, 1, 9000), (-3, 2, 40), (500, 3, 33)]
)
@pytest.mark.parametrize("offsets", [(1,), (1, 2, 3, 5)])
def test_fused_sums_are_those_of_one_kernel_a_shift(monkeypatch, first, runs, length, offsets):
    ordinals = first + torch.arange(runs * length).view(runs, length)
    graph = LineGraph(ordinals, ordinals >= 1, offsets)
    torch.manual_seed(0)
    h = torch.randn(runs, length, 4, dtype=torch.float64)
    results = []
    for fuses in (False, True):
        monkeypatch.setattr(operators, "fuses", lambda device, answer=fuses: answer)
        monkeypatch.setattr(operators, "fused_shifted_sum", lambda: fused.shifted_sum)
        leaf = h.clone().requires_grad_()
        out = graph.propagate(leaf)
        out.backward(h.flip(1))
        results.append((out.detach(), leaf.grad))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=1e-14, rtol=0)
