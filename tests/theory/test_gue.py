"""Laws of the spacing distributions, the distance to them and the samplers."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from zeta_exp.theory import gue
from zeta_exp.theory.gue import (
    characteristic_mmd,
    gap_probability,
    gaudin_law,
    gauss_hermite_frequencies,
    sample_cue_residuals,
    sample_poisson_residuals,
    surmise_cdf,
    surmise_characteristic,
    surmise_density,
    surmise_nll,
)


def moment(density, power):
    return quad(lambda s: s**power * density(s), 0, 5.9, limit=200)[0]


def surmise_sample(count, rng):
    """s² is Gamma(3/2) with scale π/4: the radius of a Gaussian vector in three dimensions."""
    return np.sqrt(rng.gamma(1.5, np.pi / 4, count))


@pytest.mark.parametrize("density", [surmise_density, gaudin_law().density])
def test_a_spacing_law_has_mass_and_mean_one(density):
    assert moment(density, 0) == pytest.approx(1, abs=1e-8)
    assert moment(density, 1) == pytest.approx(1, abs=1e-8)


def test_gaudin_variance_is_that_of_the_fredholm_determinant():
    # 2∫E(0; s)ds − 1 in 30-digit mpmath: E by the determinant on 30 Gauss–Legendre nodes, the
    # integral over [0, 7] on 40
    assert moment(gaudin_law().density, 2) - 1 == pytest.approx(0.179993877692, abs=1e-9)


def test_surmise_variance_is_its_closed_form():
    assert moment(surmise_density, 2) == pytest.approx(3 * np.pi / 8, abs=1e-9)


@pytest.mark.parametrize("s", [0.01, 0.05, 0.1])
def test_gap_probability_and_density_follow_their_power_series(s):
    # Mehta, Random Matrices, §6: E = 1 − s + π²s⁴/36 − π⁴s⁶/675 + …, and p = E″.
    series = 1 - s + np.pi**2 * s**4 / 36 - np.pi**4 * s**6 / 675
    assert gap_probability(s) == pytest.approx(series, abs=np.pi**6 * s**8 / 1000 + 1e-14)
    curvature = np.pi**2 * s**2 / 3 - 2 * np.pi**4 * s**4 / 45
    assert gaudin_law().density(s) == pytest.approx(curvature, abs=np.pi**6 * s**6 / 100 + 1e-8)


@pytest.mark.parametrize(
    ("density", "cdf"),
    [(surmise_density, surmise_cdf), (gaudin_law().density, gaudin_law().cdf)],
)
@pytest.mark.parametrize("s", [0.3, 1.0, 2.2])
def test_density_integrates_to_the_distribution_function(density, cdf, s):
    assert quad(density, 0, s)[0] == pytest.approx(float(cdf(s)), abs=1e-10)


def test_distribution_functions_are_monotone_and_saturate():
    s = np.linspace(-1, 9, 2001)
    for cdf in (surmise_cdf, gaudin_law().cdf):
        value = cdf(s)
        assert np.all(np.diff(value) >= -1e-12)
        assert value[0] == 0
        assert value[-1] == pytest.approx(1, abs=1e-12)


def test_surmise_is_within_two_thousandths_of_gaudin():
    s = np.linspace(0, 5, 1001)
    distance = np.max(np.abs(surmise_cdf(s) - gaudin_law().cdf(s)))
    assert 0.001 < distance < 0.002


@pytest.mark.parametrize("omega", [-4.0, 0.0, 0.5, 2.0, 11.0])
def test_characteristic_function_is_the_fourier_integral(omega):
    real = quad(lambda s: surmise_density(s) * np.cos(omega * s), 0, 9, limit=200)[0]
    imaginary = quad(lambda s: surmise_density(s) * np.sin(omega * s), 0, 9, limit=200)[0]
    assert complex(surmise_characteristic(omega)) == pytest.approx(real + 1j * imaginary, abs=1e-9)


def test_nll_is_minus_log_density_and_forbids_crossings():
    s = np.array([0.2, 1.0, 2.5])
    assert surmise_nll(s) == pytest.approx(-np.log(surmise_density(s)))
    assert np.all(np.isinf(surmise_nll([0.0, -0.3])))


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


def test_cue_line_has_gaudin_spacings_and_keating_snaith_variance():
    size = 60
    residual = sample_cue_residuals(6000, size, np.random.default_rng(3))
    spacing = 1 + np.diff(residual)
    assert residual.shape == (6000,)
    assert spacing.min() > 0
    assert kstest(spacing, gaudin_law().cdf).statistic < 1.63 / np.sqrt(spacing.size)
    # Var Im log det/π = (log N + 1 + γ)/2π²; at the levels the sawtooth's 1/12 is missing.
    expected = (np.log(size) + 1 + np.euler_gamma) / (2 * np.pi**2) - 1 / 12
    assert residual.var() == pytest.approx(expected, rel=0.12)


def test_traces_of_cue_matrices_have_the_moments_of_haar_measure():
    # E|Tr U^k|² = min(k, N): Diaconis and Shahshahani, J. Appl. Probab. 31A (1994)
    size, count = 6, 20_000
    angles = gue.cue_circles([np.random.default_rng(7)] * count, size) * (2 * np.pi / size)
    for k in (1, 2, 5, 6, 9):
        trace = np.exp(1j * k * angles).sum(1)
        assert np.mean(np.abs(trace) ** 2) == pytest.approx(min(k, size), rel=0.05)
        assert abs(trace.mean()) < 5 * np.sqrt(size / count)


def test_cayley_transform_and_the_matrix_itself_have_the_same_eigenphases(monkeypatch):
    transformed = gue.cue_circles([np.random.default_rng(8)] * 40, 12)
    monkeypatch.setattr(gue, "LARGEST_TANGENT", 0.0)
    direct = gue.cue_circles([np.random.default_rng(8)] * 40, 12)
    np.testing.assert_allclose(transformed, direct, atol=1e-8)


def test_matrices_solved_at_once_do_not_change_the_levels(monkeypatch):
    together = gue.cue_circles([np.random.default_rng(9)] * 10, 8)
    monkeypatch.setattr(gue, "MATRIX_ENTRIES", 3 * 64)
    assert np.array_equal(gue.cue_circles([np.random.default_rng(9)] * 10, 8), together)


def test_a_chain_of_circles_ends_where_it_began():
    circles = gue.poisson_circles([np.random.default_rng(10)] * 3, 20)
    line = gue.chain(circles)
    assert np.array_equal(line[19::20], np.zeros(3))
    gaps = np.sort(np.diff(circles, axis=1, append=circles[:, :1] + 20))
    steps = 1 + np.diff(np.concatenate([[0.0], line]))
    np.testing.assert_allclose(np.sort(steps.reshape(3, 20)), gaps, atol=1e-12)


def test_cue_spacings_repel_their_neighbours():
    spacing = 1 + np.diff(sample_cue_residuals(6000, 60, np.random.default_rng(4)))
    # Unitary symmetry has −0.308 in the limit, independent spacings 0; the sampling error of
    # 6,000 spacings is about 0.013 and finite size shifts by about 1/size.
    assert -0.37 < np.corrcoef(spacing[:-1], spacing[1:])[0, 1] < -0.25


def test_poisson_line_has_exponential_independent_spacings():
    residual = sample_poisson_residuals(8000, np.random.default_rng(5))
    spacing = 1 + np.diff(residual)
    assert residual.shape == (8000,)
    assert spacing.min() > 0
    assert kstest(spacing, "expon").statistic < 0.025
    assert abs(np.corrcoef(spacing[:-1], spacing[1:])[0, 1]) < 0.05


@pytest.mark.parametrize("count", [0, 1, 59, 60, 61])
def test_samplers_return_what_was_asked_and_repeat_with_the_seed(count):
    first = sample_cue_residuals(count, 60, np.random.default_rng(6))
    again = sample_cue_residuals(count, 60, np.random.default_rng(6))
    assert first.shape == (count,)
    assert np.array_equal(first, again)
    assert sample_poisson_residuals(count, np.random.default_rng(6)).shape == (count,)
