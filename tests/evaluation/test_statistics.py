"""What the statistics of spacings and errors can and cannot tell apart."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeta_exp.evaluation.statistics import (
    Errors,
    ks_distance,
    lag_correlation,
    r_squared,
    rmse,
    spacing_statistics,
    spacings,
)
from zeta_exp.theory.counting import unfold
from zeta_exp.theory.gue import gaudin_law, sample_cue_residuals, sample_poisson_residuals
from zeta_exp.zeros import generate

COUNT = 5000
STRICT = 1.63 / np.sqrt(COUNT)  # 1% point of Kolmogorov's distance


def line(sample):
    """Residuals whose spacings are the sample."""
    return np.concatenate([[0.0], np.cumsum(sample - 1)])


@pytest.fixture(scope="module")
def cue():
    return sample_cue_residuals(COUNT, 60, np.random.default_rng(0))


def test_cue_passes_and_poisson_fails(cue):
    poisson = sample_poisson_residuals(COUNT, np.random.default_rng(1))
    passed, failed = spacing_statistics(cue), spacing_statistics(poisson)
    assert passed["ks_gue"] < STRICT < 0.2 < failed["ks_gue"]
    assert passed["mmd_gue"] < 1e-3 < 0.05 < failed["mmd_gue"]
    assert passed["variance"] == pytest.approx(0.18, abs=0.015)
    assert failed["variance"] == pytest.approx(1, abs=0.1)


def test_shuffled_gaps_keep_the_histogram_and_lose_the_correlation(cue):
    shuffled = line(np.random.default_rng(2).permutation(spacings(cue)))
    before, after = spacing_statistics(cue), spacing_statistics(shuffled)
    for name in ("variance", "ks_gue", "mmd_gue"):
        assert after[name] == pytest.approx(before[name], abs=1e-9)
    assert before["lag1"] < -0.22
    assert abs(after["lag1"]) < 0.05


def test_low_zeros_are_stiffer_than_gue():
    """At n ≤ 10^4 the gap variance is 0.154 and KS to Gaudin exceeds its 1% point."""
    n = np.arange(1, 10_001)
    low = spacing_statistics(unfold(generate(1, n.size), n))
    assert low["variance"] == pytest.approx(0.154, abs=0.002)
    assert low["ks_gue"] > 1.63 / np.sqrt(n.size)
    assert low["lag1"] == pytest.approx(-0.37, abs=0.02)


def test_ks_of_the_laws_own_quantiles_is_half_a_step():
    grid = np.linspace(0, 5, 20_001)
    quantiles = np.interp((np.arange(200) + 0.5) / 200, gaudin_law().cdf(grid), grid)
    assert ks_distance(quantiles) == pytest.approx(0.5 / 200, abs=1e-5)


def test_ks_is_two_sided():
    assert ks_distance(np.full(10, 4.9)) == pytest.approx(1, abs=1e-6)
    assert ks_distance(np.full(10, 0.01)) == pytest.approx(1, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-5, 5))
def test_spacings_ignore_a_constant_and_sum_to_the_line(seed, shift):
    residual = np.random.default_rng(seed).normal(size=12)
    assert spacings(residual + shift) == pytest.approx(spacings(residual), abs=1e-12)
    assert spacings(residual).sum() == pytest.approx(11 + residual[-1] - residual[0])


def test_alternating_spacings_have_lag_correlations_minus_and_plus_one():
    sample = np.tile([0.5, 1.5], 50)
    assert lag_correlation(sample) == pytest.approx(-1)
    assert lag_correlation(sample, lag=2) == pytest.approx(1)


def test_errors_of_perfect_mean_and_shifted_predictions():
    truth = np.random.default_rng(3).normal(size=400)
    assert rmse(truth, truth) == 0
    assert rmse(truth + 0.25, truth) == pytest.approx(0.25)
    assert r_squared(truth, truth) == 1
    assert r_squared(np.full(400, truth.mean()), truth) == pytest.approx(0)
    assert r_squared(-truth, truth) < 0


@given(st.lists(st.integers(0, 400), max_size=5), st.floats(-3, 3))
def test_errors_of_pieces_are_those_of_the_whole(cuts, mean):
    rng = np.random.default_rng(4)
    truth = rng.normal(mean, 0.3, size=400)
    prediction = truth + rng.normal(0, 0.1, size=400)
    errors = Errors()
    edges = sorted([0, *cuts, 400])
    for low, high in pairwise(edges):
        errors.add(prediction[low:high], truth[low:high])
    assert errors.rmse == pytest.approx(rmse(prediction, truth), rel=1e-12)
    assert errors.r_squared == pytest.approx(r_squared(prediction, truth), rel=1e-10)
