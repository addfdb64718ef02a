"""Wigner's surmise: its closed forms agree with one another."""

import numpy as np
import pytest
from scipy.integrate import quad

from zeta_exp.theory.gue import (
    gaudin_law,
    surmise_cdf,
    surmise_characteristic,
    surmise_density,
    surmise_expectation,
    surmise_nll,
)


def test_the_moments_are_their_closed_forms():
    assert surmise_expectation(np.ones_like) == pytest.approx(1, abs=1e-14)
    assert surmise_expectation(lambda s: s) == pytest.approx(1, abs=1e-14)
    assert surmise_expectation(np.square) == pytest.approx(3 * np.pi / 8, abs=1e-14)


@pytest.mark.parametrize("s", [0.3, 1.0, 2.2])
def test_density_integrates_to_the_distribution_function(s):
    assert quad(surmise_density, 0, s)[0] == pytest.approx(float(surmise_cdf(s)), abs=1e-10)


def test_the_distribution_function_is_monotone_and_saturates():
    value = surmise_cdf(np.linspace(-1, 9, 2001))
    assert np.all(np.diff(value) >= 0)
    assert value[0] == 0
    assert value[-1] == pytest.approx(1, abs=1e-12)


def test_surmise_is_within_two_thousandths_of_gaudin():
    s = np.linspace(0, 5, 1001)
    distance = np.max(np.abs(surmise_cdf(s) - gaudin_law().cdf(s)))
    assert 0.001 < distance < 0.002


@pytest.mark.parametrize("omega", [-4.0, 0.0, 0.5, 2.0, 11.0])
def test_characteristic_function_is_the_fourier_integral(omega):
    found = surmise_expectation(lambda s: np.exp(1j * omega * s))
    assert complex(found) == pytest.approx(complex(surmise_characteristic(omega)), abs=1e-14)


def test_nll_is_minus_log_density_and_forbids_crossings():
    s = np.array([0.2, 1.0, 2.5])
    assert surmise_nll(s) == pytest.approx(-np.log(surmise_density(s)))
    assert np.all(np.isinf(surmise_nll([0.0, -0.3])))
