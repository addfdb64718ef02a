"""θ and N̄ near a height against ball arithmetic."""

import math

import flint
import numpy as np
import pytest

from zeta_exp.theory.counting import smooth_height, unfold
from zeta_exp.theory.local import SPAN, centres, common_phase, smooth_heights

ORDINALS = [1, 2, 5, SPAN, SPAN + 1, 10**6, 10**9, 10**12, 10**13]


def exact_theta(t: flint.arb) -> flint.arb:
    return flint.arb_series([t], 1).riemann_siegel_theta()[0]


def exact_count(*heights: float) -> flint.arb:
    """N̄ at the exact sum of the heights."""
    return exact_theta(sum(map(flint.arb, heights), flint.arb(0))) / flint.arb.pi() + 1


def kappa(u, centre):
    return common_phase(np.array([u]), centre.height)[0]


@pytest.mark.parametrize("height", [15.0, 19_800.25, 4.1e7, 2.6e11, 2.4e12, 267653395648.84753])
def test_phase_of_the_centre(height):
    """2π·turns + common_phase(0) is θ(t_c) modulo a turn, to rounding, however high."""
    (centre,) = centres([height])
    with flint.ctx.workprec(200):
        true = exact_theta(flint.arb(height)) / (2 * flint.arb.pi())
        difference = true - flint.arb(centre.turns + kappa(0.0, centre) / math.tau)
        distance = float((difference - (difference + flint.arb(0.5)).floor()).mid())
    assert abs(distance) < 1e-15


@pytest.mark.parametrize(("height", "reach"), [(19_800.0, 300.0), (4e7, 700.0), (2.4e12, 75_000.0)])
def test_phase_away_from_the_centre(height, reach):
    (centre,) = centres([height])
    for u in (-reach, 0.25, reach):
        with flint.ctx.workprec(200):
            there = exact_theta(flint.arb(height) + flint.arb(u))
            true = float((there - exact_theta(flint.arb(height))).mid())
        turned = centre.bandwidth * u + kappa(u, centre)
        assert turned - kappa(0.0, centre) == pytest.approx(true, rel=1e-15, abs=1e-13)


@pytest.mark.parametrize("height", [15.0, 19_800.0, 4e7, 2.6e11, 2.4e12])
def test_slope_in_double_double(height):
    (centre,) = centres([height])
    with flint.ctx.workprec(200):
        turn = 2 * flint.arb.pi()
        true = (flint.arb(height) / turn).log() / (2 * turn)
        wrong = true - flint.arb(centre.slope_hi) - flint.arb(centre.slope_lo)
        assert abs(float(wrong.mid())) < 1e-31
    assert centre.bandwidth == pytest.approx(math.tau * centre.slope_hi, rel=1e-15)


@pytest.mark.parametrize("n", ORDINALS)
def test_smooth_heights(n):
    t = smooth_heights(np.array([n]))
    with flint.ctx.workprec(200):
        count = exact_count(t.centres[t.which[0]].height, float(t.offsets[0]))
        assert abs(float((count - n + flint.arb(0.5)).mid())) < 1e-12
    assert t.heights == pytest.approx(smooth_height([n]), rel=1e-12)


def test_smooth_heights_do_not_depend_on_the_request():
    n = np.arange(10**12, 10**12 + 9000)
    whole, some = smooth_heights(n), smooth_heights(n[[7, 8000, 3]].reshape(3, 1))
    assert np.array_equal(some.offsets.ravel(), whole.offsets[[7, 8000, 3]])
    assert np.array_equal(some.heights.ravel(), whole.heights[[7, 8000, 3]])


@pytest.mark.parametrize(("n", "count"), [(1, 200), (10**6, 50_000), (10**13, 50_000)])
def test_offsets_invert_residuals(n, count):
    ordinals = np.arange(n, n + count)
    (centre,) = centres([round(float(smooth_height(n + count // 2)))])
    delta = np.random.default_rng(0).uniform(-0.4, 0.4, count)
    u = centre.offsets(ordinals, delta)
    assert centre.residuals(u, ordinals) == pytest.approx(delta, abs=1e-10)


def test_residuals_are_those_of_float64_where_it_has_the_digits():
    (centre,) = centres([5000.0])
    u = np.linspace(-4980.0, 4980.0, 999)
    n = np.arange(1, 1000)
    assert centre.residuals(u, n) == pytest.approx(unfold(5000.0 + u, n), abs=1e-10)


@pytest.mark.parametrize("u", [-5e4, 0.0, 5e4])
def test_residuals_near_the_last_zero(u):
    n = 10**13
    (centre,) = centres([round(float(smooth_height(n)))])
    with flint.ctx.workprec(200):
        true = float((exact_count(centre.height, u) - n + flint.arb(0.5)).mid())
    assert centre.residuals(np.array([u]), np.array([n]))[0] == pytest.approx(true, abs=1e-10)
