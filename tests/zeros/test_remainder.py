"""The remainder against the exact Z(t) less the exact main sum, in ball arithmetic."""

import math

import flint
import numpy as np
import pytest

from zeta_exp.zeros.remainder import COEFFICIENTS, remainder


def exact_remainder(t: float, terms: int) -> float:
    """Z(t) − 2 Σ_{n ≤ terms} cos(θ(t) − t log n)/√n."""
    with flint.ctx.workprec(200):
        height = flint.arb_series([flint.arb(t)], 1)
        theta = height.riemann_siegel_theta()[0]
        total = height.riemann_siegel_z()[0]
        for n in range(1, terms + 1):
            log = flint.arb(n).log()
            total -= 2 * (theta - flint.arb(t) * log).cos() / flint.arb(n).sqrt()
        return float(total.mid())


def one_remainder(t: float, terms: int) -> float:
    return remainder(np.array([t]), terms, COEFFICIENTS)[0]


@pytest.mark.parametrize("order", [3, 12, 56, 57, 130])
@pytest.mark.parametrize("place", [0.0, 0.11, 0.5, 0.83, 0.999])
def test_error_is_within_gabckes_bound(order, place):
    t = 2 * math.pi * (order + place) ** 2
    error = abs(one_remainder(t, order) - exact_remainder(t, order))
    assert error <= 0.017 * t**-2.75 + 4e-15  # the bound, and rounding of x


@pytest.mark.parametrize("beyond", [-0.004, 1.004])
def test_a_little_outside_its_range(beyond):
    """The grid of a block runs over the edge, where the sum keeps its number of terms."""
    t = 2 * math.pi * (400 + beyond) ** 2
    assert one_remainder(t, 400) == pytest.approx(exact_remainder(t, 400), abs=1e-14)


def test_leading_coefficient():
    # C₀(½) = cos(3π/8) at x = 0; Edwards §7.4
    assert COEFFICIENTS[0, 0] == pytest.approx(math.cos(3 * math.pi / 8), abs=1e-16)
