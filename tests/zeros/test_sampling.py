"""Z on the grid of a block against ball arithmetic."""

import math

import flint
import numpy as np
import pytest

from zeta_exp.zeros.blocks import blocks_covering
from zeta_exp.zeros.sampling import centres, common_phase, integers, integers_for, sample


def exact(function: str, t: flint.arb) -> flint.arb:
    return getattr(flint.arb_series([t], 1), function)()[0]


def block_at(height):
    line = blocks_covering(height, height, from_bottom_below=0.0)
    return next(b for b in line if b.lower <= height < b.upper)


def kappa(u, centre):
    return common_phase(np.array([u]), centre.height)[0]


@pytest.mark.parametrize(
    ("height", "allowed"),
    [(15.0, 1e-13), (100.0, 1e-13), (1100.0, 4e-13), (19_000.0, 4e-12), (19_800.0, 1e-12),
     (6e5, 4e-11), (4e7, 2e-10)],
)  # fmt: skip
def test_samples(height, allowed):
    """The error is that of log n, 2^-53·log n·u, summed over the terms: it grows with height."""
    block = block_at(height)
    values = sample(block, centres([block])[0])
    inside = int((block.upper - block.lower) / 2 / block.step)
    for j in (-inside, -inside // 2, 0, 1, inside // 3, inside):
        with flint.ctx.workprec(160):
            t = flint.arb(block.centre) + int(j) * flint.arb(block.step)
            true = float(exact("riemann_siegel_z", t).mid())
        assert values[j + block.reach] == pytest.approx(true, abs=allowed, rel=0)


@pytest.mark.parametrize("height", [15.0, 19_800.0, 4e7, 2.6e11])
def test_phase_of_the_centre(height):
    """2π·turns + common_phase(0) is θ(t_c) modulo a turn, to rounding, however high."""
    block = block_at(height)
    centre = centres([block])[0]
    with flint.ctx.workprec(200):
        true = exact("riemann_siegel_theta", flint.arb(block.centre)) / (2 * flint.arb.pi())
        difference = true - flint.arb(centre.turns + kappa(0.0, centre) / math.tau)
        distance = float((difference - (difference + flint.arb(0.5)).floor()).mid())
    assert abs(distance) < 1e-15


@pytest.mark.parametrize("height", [19_800.0, 4e7])
def test_phase_away_from_the_centre(height):
    block = block_at(height)
    centre = centres([block])[0]
    for u in (block.lower - block.centre, 0.25, block.upper - block.centre):
        with flint.ctx.workprec(200):
            there = exact("riemann_siegel_theta", flint.arb(block.centre) + flint.arb(u))
            here = exact("riemann_siegel_theta", flint.arb(block.centre))
            true = float((there - here).mid())
        turned = centre.bandwidth * u + kappa(u, centre)
        assert turned - kappa(0.0, centre) == pytest.approx(true, rel=1e-15, abs=1e-13)


def test_integers_come_in_few_sizes():
    assert integers_for(5) is integers_for(8000)
    assert integers_for(9000).log.size > 9000
    table = integers(16)
    assert table.log == pytest.approx(np.log(np.maximum(np.arange(16), 1)))
    assert table.turns.hi * math.tau == pytest.approx(table.log)
