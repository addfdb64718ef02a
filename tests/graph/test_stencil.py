"""The compiled loop gives the sums of shifted copies, however a run is cut."""

import pytest
import torch

from zeta_exp.graph import stencil

WIDTH = 5
LENGTH = 600  # several chunks


def shifted_sums(h, offsets, factor):
    """The same by copies of the whole array (R, L, H)."""
    reach, length = max(offsets), h.shape[1]
    padded = torch.nn.functional.pad(h, (0, 0, reach, reach))
    places = [0, *offsets, *(-o for o in offsets)]
    return factor * sum(padded[:, reach + o : reach + o + length] for o in places)


@pytest.mark.parametrize("offsets", [(1,), (1, 2), (2, 3, 9), (1, 2, 3, 5, 7, 11, 13)], ids=str)
@pytest.mark.parametrize("cut", [(0, LENGTH), (0, 3), (4, 5), (10, 590), (300, LENGTH)], ids=str)
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
def test_sums_are_those_of_shifted_copies(offsets, cut, dtype, error):
    h = torch.randn(2, LENGTH, WIDTH, dtype=dtype, generator=torch.Generator().manual_seed(0))
    start, stop = cut
    sums = stencil.neighbour_sums(h, start, stop, offsets, 0.3)
    expected = shifted_sums(h, offsets, 0.3)[:, start:stop].reshape(-1, WIDTH)
    torch.testing.assert_close(sums, expected, atol=error, rtol=error)


@pytest.mark.parametrize("length", [1, 2, 5, 25, 27])
def test_runs_shorter_than_the_offsets_have_only_ends(length):
    h = torch.randn(3, length, WIDTH, dtype=torch.float64)
    sums = stencil.neighbour_sums(h, 0, length, (1, 13), 1.0)
    torch.testing.assert_close(sums, shifted_sums(h, (1, 13), 1.0).reshape(-1, WIDTH))


def test_what_it_can_not_take_is_left_to_torch(monkeypatch):
    assert stencil.serves(torch.zeros(1))
    assert not stencil.serves(torch.zeros(1, dtype=torch.bfloat16))
    assert not stencil.serves(torch.zeros(1, device="meta"))
    monkeypatch.setattr(stencil, "THREADS", 0)
    assert not stencil.serves(torch.zeros(1))
