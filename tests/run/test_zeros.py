"""Runs on zeros of every kind and height."""

import json

import pytest

from zeta_exp.theory.counting import mean_gap


@pytest.mark.parametrize("kind", ["cue", "poisson"])
def test_a_run_on_random_levels_says_that_it_is_a_control(run, small, tmp_path, kind):
    ended = run(*small, f"zeros={kind}", "zeros.size=16", "hydra.run.dir=here")
    assert ended.code == 0
    assert "control" in ended.out
    result = json.loads((tmp_path / "here" / "result.json").read_text())
    assert result["provenance"]["zeros"] == {"name": kind, "size": 16, "seed": 0}
    assert result["val_r2"] < 0.2


def test_a_bad_size_is_refused(run, small):
    assert "size=24" in run(*small, "zeros=cue", "zeros.size=24").refused()


def test_a_run_where_float64_is_too_coarse_for_heights(run, small, tmp_path):
    assert run(*small, "start=10000000000", "hydra.run.dir=high").code == 0
    result = json.loads((tmp_path / "high" / "result.json").read_text())
    ceiling = result["baselines"]["riemann_siegel"]
    assert ceiling["next100"] < 1e-6
    assert ceiling["next100_lost"] == 0
    gap = mean_gap(result["actual_next"])
    in_height = result["extrapolation_error_gamma"]
    assert in_height == pytest.approx(result["extrapolation_error"] * gap, rel=1e-6)
    off = result["predicted_next"] - result["actual_next"]
    assert off == pytest.approx(result["next_error"] * gap, abs=2e-6)


def test_ordinates_can_not_be_learnt_there(run, small):
    sentence = run(*small, "start=10000000000", "target=ordinate").refused()
    assert "use target=residual" in sentence
