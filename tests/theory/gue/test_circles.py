"""Samplers of unitary and of independent levels have the laws they are drawn from."""

import numpy as np
import pytest
from scipy.stats import kstest

from zeta_exp.theory.gue import circles as gue
from zeta_exp.theory.gue import gaudin_law, sample_cue_residuals, sample_poisson_residuals


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
