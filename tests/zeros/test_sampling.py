"""Z on the grid of a block against ball arithmetic."""

import math

import flint
import numpy as np
import pytest

from zeta_exp.theory.local import centres
from zeta_exp.zeros.blocks import blocks_from
from zeta_exp.zeros.sampling import integers, integers_for, sample


def exact(function: str, t: flint.arb) -> flint.arb:
    return getattr(flint.arb_series([t], 1), function)()[0]


def block_at(height):
    line = blocks_from(height, from_bottom_below=0.0)
    return next(b for b in line if b.lower <= height < b.upper)


@pytest.mark.parametrize(
    ("height", "allowed"),
    [(15.0, 1e-13), (100.0, 1e-13), (1100.0, 4e-13), (19_000.0, 4e-12), (19_800.0, 1e-12),
     (6e5, 4e-12), (4e7, 2e-11), (2.9e9, 2e-11)],
)  # fmt: skip
def test_samples(height, allowed):
    """The error is that of log n, 2^-53·log n·u, summed over the terms: it grows with height."""
    block = block_at(height)
    values = sample(block, centres([block.centre])[0])
    inside = int((block.upper - block.lower) / 2 / block.step)
    for j in (-inside, -inside // 2, 0, 1, inside // 3, inside):
        with flint.ctx.workprec(160):
            t = flint.arb(block.centre) + int(j) * flint.arb(block.step)
            true = float(exact("riemann_siegel_z", t).mid())
        assert values[j + block.reach] == pytest.approx(true, abs=allowed, rel=0)


def test_integers_come_in_few_sizes():
    assert integers_for(5) is integers_for(8000)
    assert integers_for(9000).log.size > 9000
    table = integers(16)
    assert table.log == pytest.approx(np.log(np.maximum(np.arange(16), 1)))
    assert table.turns.hi * math.tau == pytest.approx(table.log)
