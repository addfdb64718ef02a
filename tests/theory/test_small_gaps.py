"""Close pairs of matrices and of zeros are as rare as the law says."""

import numpy as np
import pytest

from zeta_exp.evaluation.statistics import spacings
from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.gue import gaudin_law, sample_cue_residuals
from zeta_exp.theory.small_gaps import (
    LAMBDA,
    SERIES_BELOW,
    small_gap_chance,
    small_gap_factor,
)
from zeta_exp.zeros.engine import stream


def test_series_and_law_meet():
    edge = SERIES_BELOW
    assert small_gap_chance(edge * (1 - 1e-12)) == pytest.approx(gaudin_law().cdf(edge), rel=2e-6)
    assert small_gap_chance(1e-4) == pytest.approx(np.pi**2 * 1e-12 / 9, rel=1e-6)
    assert small_gap_chance([-1.0, 0.0]).tolist() == [0.0, 0.0]
    assert (np.diff(small_gap_chance(np.linspace(0, 1, 500))) > 0).all()


def test_the_factor_is_that_of_matrices_of_log_height():
    """1 − 1/N², N = log(t/2π)/√(12Λ): none below N = 1, all for high zeros."""
    N = np.array([1.0, 2.0, 5.0])
    heights = 2 * np.pi * np.exp(N * np.sqrt(12 * LAMBDA))
    assert small_gap_factor(heights) == pytest.approx(1 - 1 / N**2, abs=1e-12)
    assert small_gap_factor([14.0, 480.0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("size", [2, 3, 6])
def test_small_matrices_have_the_factor(size):
    """Gaps below 0.2 of N rows: (1 − 1/N²)·F to order s², within 4.5 of their Poisson errors."""
    sample = spacings(sample_cue_residuals(60_000, size, np.random.default_rng(size)))
    expected = sample.size * (1 - 1 / size**2) * small_gap_chance(0.2)
    assert np.sum(sample < 0.2) == pytest.approx(expected, abs=4.5 * expected**0.5)


def test_zeros_have_the_factor_of_their_height():
    """10^4 < n ≤ 10^5: a quarter fewer close pairs than large matrices, eight errors away."""
    sample = spacings(np.concatenate([b.residuals for b in stream(10_001, 90_000)]))
    limit = sample.size * small_gap_chance(0.2)
    expected = limit * small_gap_factor(smooth_height(np.arange(10_001, 100_001, 100))).mean()
    found = np.sum(sample < 0.2)
    assert found == pytest.approx(expected, abs=3 * expected**0.5)
    assert found < limit - 6 * limit**0.5
