"""Closed forms of two-point statistics: limits, and relations between them."""

import numpy as np
import pytest
from scipy.integrate import quad

from zeta_exp.theory.rigidity import (
    LEAST_HEIGHT,
    gue_form_factor,
    gue_number_variance,
    gue_pair_correlation,
    gue_rigidity,
    rigidity_of,
    zeta_number_variance,
)

LENGTHS = np.array([0.25, 1.0, 3.5, 10.0])


def test_number_variance_is_the_integral_of_the_pair_correlation():
    """Σ²(L) = L − 2∫_0^L (L − r)·(sin πr/πr)² dr."""
    direct = [
        length - 2 * quad(lambda r, x=length: (x - r) * np.sinc(r) ** 2, 0, length, limit=200)[0]
        for length in LENGTHS
    ]
    assert gue_number_variance(LENGTHS) == pytest.approx(direct, abs=1e-10)


def test_number_variance_grows_as_a_logarithm():
    length = 1000.0
    expected = (np.log(2 * np.pi * length) + np.euler_gamma + 1) / np.pi**2
    assert gue_number_variance(length) == pytest.approx(expected, abs=1e-4)
    assert gue_number_variance(50.0) == pytest.approx(0.742, abs=5e-4)


def test_pair_correlation_is_the_mean_over_a_bin():
    for low, high in ((0.0, 0.1), (0.4, 0.9), (3.0, 3.1)):
        mean = quad(lambda u: 1 - np.sinc(u) ** 2, low, high)[0] / (high - low)
        assert gue_pair_correlation(low, high) == pytest.approx(mean, abs=1e-12)


def test_rigidity_of_known_laws():
    """L/15 of independent levels; the asymptote of Mehta for large matrices."""
    assert rigidity_of(lambda r: r, LENGTHS) == pytest.approx(LENGTHS / 15)
    asymptote = (np.log(2 * np.pi * 300) + np.euler_gamma - 1.25) / (2 * np.pi**2)
    assert gue_rigidity(300.0) == pytest.approx(asymptote, abs=1e-4)


@pytest.mark.parametrize("height", [1e4, 1e6, 2.677e11])
def test_zeros_saturate_about_the_value_of_berry(height):
    """(log log(t/2π) + 1.4009)/π², from Berry's abstract; the number comes from all prime powers.

    His sum stops at (t/2π)^¼, where Mertens' theorem has an error of a few hundredths.
    """
    length = np.linspace(2000, 12000, 20_001)
    mean = zeta_number_variance(length, height).mean()
    expected = (np.log(np.log(height / (2 * np.pi))) + 1.4009) / np.pi**2
    assert mean == pytest.approx(expected, abs=0.03 if height < 1e5 else 0.012)


def test_zeros_are_random_matrices_at_short_range():
    gue = gue_number_variance(0.5)
    far = [abs(zeta_number_variance(0.5, height) - gue) for height in (1e4, 1e8, 1e16)]
    assert far[0] > 2 * far[1] > 4 * far[2]
    assert far[2] < 1e-3


def test_heights_below_the_first_prime_are_refused():
    zeta_number_variance(1.0, LEAST_HEIGHT * 1.001)
    with pytest.raises(ValueError, match="no prime below"):
        zeta_number_variance(1.0, LEAST_HEIGHT)


def test_form_factor_saturates_at_one():
    assert gue_form_factor([-0.5, 0.0, 0.3, 1.0, 7.0]).tolist() == [0.5, 0, 0.3, 1, 1]
