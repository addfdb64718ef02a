"""Statistics of a run and of a table as JSON: complete, small, null where nothing is known."""

import json

import numpy as np

from zeta_exp.evaluation.spectral_table import run_spectrum, spectrum_lines
from zeta_exp.evaluation.statistics import spectral_statistics
from zeta_exp.theory.gue import sample_cue_residuals

RESIDUALS = sample_cue_residuals(1000, 50, np.random.default_rng(0))


def test_a_perfect_prediction_has_the_statistics_of_the_truth():
    found = run_spectrum(RESIDUALS, RESIDUALS, 9001)
    assert found["prediction"] == found["truth"]
    assert set(found["p_values_same"].values()) == {1.0}
    assert len(json.dumps(found, allow_nan=False)) < 12_000


def test_the_smooth_count_is_told_from_the_truth():
    found = run_spectrum(np.zeros(1000), RESIDUALS, 9001)
    assert max(found["p_values_same"].values()) < 0.01
    assert found["prediction"]["variance"] == [0.0]
    assert found["prediction"]["lags"] == [None] * 8  # no correlation where nothing varies


def test_a_prediction_that_diverged_has_none():
    for wild in (np.full(1000, np.nan), RESIDUALS * 1e6):
        found = run_spectrum(wild, RESIDUALS, 9001)
        assert found["prediction"] is found["p_values_same"] is None
        assert found["truth"]["levels"] == 1000


def test_low_heights_have_no_formula():
    assert run_spectrum(RESIDUALS[:20], RESIDUALS[:20], 1)["zeta"] is None
    lines = spectrum_lines(spectral_statistics(RESIDUALS[:20]), 50.0)
    assert any(line.startswith("number variance, L = 100") and "–" in line for line in lines)
