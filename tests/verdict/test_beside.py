"""What a verdict shows beside the arms, and does not compare."""

import pytest

from tests.verdict.sweeps import Sweep, noisy
from zeta_exp.verdict.document import document
from zeta_exp.verdict.judge import Request, judge
from zeta_exp.verdict.table import report

REFERENCE = "reference/hardy"
HARDY = {"model": {"_target_": "zeta_exp.models.Hardy"}, "loss.weights.gue_mmd": 0.0}


@pytest.fixture
def sweep(tmp_path):
    made = Sweep(tmp_path / "sweep")
    made.pairs(noisy(0.0, seeds=2, origins=2))
    return made


def baselines(scale):
    """Those of a result; no prime is left out of the window of a hundred."""
    errors = {"smooth": 0.3, "linear": 0.07, "riemann_siegel": 0.0002}
    found = {
        name: {"next100": 2 * scale * error, "next10pct": scale * error}
        for name, error in errors.items()
    }
    return found | {"prime_tail": {"next100": 0.0, "next10pct": 0.01}}


def judged(sweep, **request):
    return judge(Request(str(sweep.folder), **request))


def add_reference(sweep, start=1_000_000, **result):
    provenance = {"git": "0123456789"}  # references may be added by later code
    name = f"{REFERENCE}-{start}"
    sweep.add(0, start, 0.0, name=name, changes=HARDY, provenance=provenance, **result)
    return name


def test_references_change_no_verdict(sweep):
    alone = judged(sweep)
    names = [
        add_reference(
            sweep, start, error=error, next10pct_median_error=1e-5, next10pct_lost_share=share
        )
        for start, error, share in ((1_000_000, 0.01, 0.0), (1_020_000, 0.04, 0.002))
    ]
    sweep.study(dict.fromkeys(names, "reference"))
    for run in sweep.plan["runs"].values():
        run["arm"] = "hardy" if run["phase"] == "reference" else "an_arm"
    sweep.study(runs=sweep.plan["runs"])
    both = judged(sweep)
    assert [f.effect.estimate for f in both.findings] == [f.effect.estimate for f in alone.findings]
    assert len(both.arms) == len(alone.arms)
    (hardy,) = both.references
    assert (hardy.name, hardy.runs) == ("hardy", 2)
    assert hardy.error == pytest.approx(0.02)
    assert (hardy.lowest, hardy.highest) == (0.01, 0.04)
    assert (hardy.median_error, hardy.lost_share) == (1e-5, 0.001)
    assert document(both)["references"][0]["error"] == hardy.error
    assert "hardy         2   0.02  0.01  0.04   1e-05  0.1%" in report(both)


def test_a_reference_that_has_not_finished_is_a_note(sweep):
    lost = add_reference(sweep, status="failed")
    sweep.study({lost: "reference", f"{REFERENCE}-2": "reference"})
    found = judged(sweep)
    assert found.references == []
    (note,) = [note for note in found.notes if "references" in note]
    assert f"{lost} (failed)" in note
    assert f"{REFERENCE}-2 (unfinished)" in note


def test_baselines_are_means_over_origins(tmp_path):
    sweep = Sweep(tmp_path / "sweep")
    for seed in (0, 1):
        for start, scale in ((1_000_000, 1.0), (1_020_000, 4.0)):
            for rg in (0.0, 0.1):
                sweep.add(seed, start, rg, baselines=baselines(scale))
                sweep.add(seed, start, rg, changes={"N": 400}, baselines=baselines(1.0))
    large, small = judged(sweep).baselines
    assert (large.N, large.max_prime, large.starts) == (10_000, 300, [1_000_000, 1_020_000])
    assert large.errors["smooth"] == pytest.approx(2 * 0.3)
    assert large.errors["riemann_siegel"] == pytest.approx(2 * 0.0002)
    assert large.errors["ar2"] is None
    assert small.errors["linear"] == pytest.approx(0.07)
    shown = report(judged(sweep))
    assert "N = 10,000, P = 300, from 1,000,000     0.6      –    0.14" in shown


def test_baselines_are_of_the_metric_that_is_asked_for(tmp_path):
    sweep = Sweep(tmp_path / "sweep")
    for rg in (0.0, 0.1):
        sweep.add(0, 1, rg, extrapolation_error=0.02, baselines=baselines(1.0))
    (found,) = judged(sweep, metric="extrapolation_error").baselines
    assert found.errors["smooth"] == pytest.approx(0.6)
    assert found.errors["prime_tail"] is None
    assert judged(sweep, metric="val_rmse").baselines == []


def test_without_either_nothing_is_shown(sweep):
    found = judged(sweep)
    assert found.references == found.baselines == []
    shown = report(found)
    assert "Arms" in shown
    assert "References" not in shown
    assert "Baselines" not in shown
