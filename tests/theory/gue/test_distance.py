"""MMD² over characteristic functions is its integral, and sees what a likelihood does not."""

import numpy as np
import pytest
from scipy.integrate import quad

from zeta_exp.theory.gue import (
    characteristic_mmd,
    gauss_hermite_frequencies,
    surmise_characteristic,
    surmise_nll,
)


def surmise_sample(count, rng):
    """s² is Gamma(3/2) with scale π/4: the radius of a Gaussian vector in three dimensions."""
    return np.sqrt(rng.gamma(1.5, np.pi / 4, count))


def test_quadrature_reproduces_even_gaussian_moments():
    omega, weight = gauss_hermite_frequencies(64, sigma=3.0)
    assert omega.shape == weight.shape == (32,)
    assert weight @ omega**2 == pytest.approx(9)
    assert weight @ omega**4 == pytest.approx(3 * 81)
    assert weight @ np.cos(omega) == pytest.approx(np.exp(-4.5))


def test_mmd_of_the_surmise_itself_is_sampling_noise():
    omega, weight = gauss_hermite_frequencies()
    noise = weight @ (1 - np.abs(surmise_characteristic(omega)) ** 2)
    rng = np.random.default_rng(1)
    values = [characteristic_mmd(surmise_sample(500, rng)) for _ in range(100)]
    assert np.mean(values) == pytest.approx(noise / 500, rel=0.3)


def test_mmd_matches_its_defining_integral():
    s = np.array([0.4, 0.9, 1.7])

    def integrand(omega):
        gap = abs(np.exp(1j * omega * s).mean() - surmise_characteristic(omega)) ** 2
        return gap * np.exp(-(omega**2) / 18) / np.sqrt(18 * np.pi)

    assert characteristic_mmd(s) == pytest.approx(quad(integrand, -25, 25, limit=400)[0], abs=1e-7)


def test_mmd_sees_the_picket_fence_that_nll_prefers():
    rng = np.random.default_rng(2)
    fence, sample = np.full(2000, np.sqrt(np.pi) / 2), surmise_sample(2000, rng)
    assert surmise_nll(fence).mean() < surmise_nll(sample).mean()
    assert characteristic_mmd(fence) > 100 * characteristic_mmd(sample)
