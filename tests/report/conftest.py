"""A run directory as a run leaves it, with residuals that have the zeros' statistics."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from zeta_exp.evaluation.profile import Profile
from zeta_exp.evaluation.statistics import r_squared, rmse, spacing_statistics
from zeta_exp.split import Split
from zeta_exp.theory.gue import sample_cue_residuals


@pytest.fixture
def result():
    return make_result(make_windows(noise=0.012))


@pytest.fixture
def run(tmp_path):
    windows = make_windows(noise=0.012)
    return write_run(tmp_path / "run", make_result(windows), windows)


@pytest.fixture(scope="session")
def small_study(tmp_path_factory):
    """A study that nothing changes."""
    from tests.report.studies import study

    return study(tmp_path_factory.mktemp("made") / "study")


@pytest.fixture(scope="session")
def study_page(small_study):
    """Its page: drawing it takes seconds."""
    from tests.report.studies import rendered

    return rendered(small_study)


def make_windows(noise: float) -> dict[str, np.ndarray]:
    """Validation and extrapolation windows of N = 10,000; the error is white, of spread `noise`."""
    rng = np.random.default_rng(0)
    true = sample_cue_residuals(2000, 10, rng)
    predicted = true + noise * rng.standard_normal(2000)
    n = np.arange(9001, 11001)
    return {
        f"{name}_{key}": values[half]
        for name, half in (("val", slice(0, 1000)), ("ext", slice(1000, 2000)))
        for key, values in (("n", n), ("pred", predicted), ("true", true))
    }


def make_profile(error: float) -> Profile:
    """Of N = 10,000: a third as large in the eighth tenth as in the others."""
    rmse = np.full(55, error)
    rmse[35:40] /= 3
    return Profile.over(Split(1, 10_000), rmse)


def make_result(windows: dict[str, np.ndarray]) -> dict:
    predicted, true = windows["ext_pred"], windows["ext_true"]
    smooth = rmse(0 * true, true)
    return {
        "status": "completed",
        "extrapolation_error": rmse(predicted[:100], true[:100]),
        "extrapolation_error_next10pct": rmse(predicted, true),
        "val_rmse": rmse(windows["val_pred"], windows["val_true"]),
        "val_r2": r_squared(windows["val_pred"], windows["val_true"]),
        "next10pct_r2": r_squared(predicted, true),
        **make_profile(0.012).as_result(),
        "predicted_next": 9878.6531,
        "actual_next": 9878.6547,
        "next_error": 0.0012,
        "baselines": {
            "smooth": {"next100": rmse(0 * true[:100], true[:100]), "next10pct": smooth},
            "linear": {"next100": 0.0694, "next10pct": 0.0739},
            "explicit_formula": {"next100": 0.0518, "next10pct": 0.0542},
            "ar2": {"next100": 0.2831, "next10pct": 0.2893},
            "riemann_siegel": {"next100": 1.5e-4, "next10pct": 1.63e-4},
            "prime_tail": {"next100": 0.0, "next10pct": 0.0},
        },
        "spacing": {
            "prediction": spacing_statistics(predicted),
            "truth": spacing_statistics(true),
        },
        "epochs": 60,
        "provenance": {"start": 1, "N": 10_000},
    }


def write_run(run: Path, result: dict, windows: dict[str, np.ndarray]) -> Path:
    run.mkdir()
    (run / "result.json").write_text(json.dumps(result))
    np.savez(run / "predictions.npz", **windows)
    with (run / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["epoch", "updates", "val_rmse", "extrapolation_error"])
        writer.writeheader()
        for epoch in range(1, 61):
            wobble = 1 + 0.06 * np.sin(7 * epoch)
            error = (0.3 * np.exp(-epoch / 8) + 0.012) * wobble
            writer.writerow(
                {
                    "epoch": epoch,
                    "updates": 36 * epoch,
                    "val_rmse": error,
                    "extrapolation_error": "nan" if epoch == 3 else 0.9 * error * wobble,
                }
            )
    return run
