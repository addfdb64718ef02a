"""What differs in settings, and how measures change, with intervals where there are seeds."""

import json

import numpy as np
import pytest
from scipy import stats

from tests.verdict.sweeps import Sweep, noisy
from zeta_exp.errors import UserError
from zeta_exp.report.changes import change
from zeta_exp.report.comparison import as_json, comparison, markdown, text
from zeta_exp.report.sides import sides_of
from zeta_exp.verdict.effects import effect_of

ERROR = "extrapolation_error_next10pct"


@pytest.fixture
def sweep(tmp_path):
    return Sweep(tmp_path / "sweep")


def compared(*folders, **options):
    sides, _ = sides_of([str(folder) for folder in folders], **options)
    return comparison(sides)


def test_three_keys_of_two_runs(sweep):
    one = sweep.add(0, 1, 0.1, 0.02)
    other = sweep.add(7, 1, 0.0, 0.03, changes={"P": 100})
    found = compared(one, other)
    answer = json.loads(as_json(found))
    assert answer["config"] == {
        "features.max_prime": {"A": 300, "B": 100},
        "loss.weights.rg": {"A": 0.1, "B": 0.0},
        "seed": {"A": 0, "B": 7},
    }
    assert "  B: seed=7 features.max_prime=100 loss.weights.rg=0\n" in text(found)
    assert answer["results"][ERROR]["B/A"]["value"] == pytest.approx(np.log(1.5))
    assert answer["results"][ERROR]["B/A"]["low"] is None
    assert "+50.0%" in text(found)
    assert "no interval" in text(found)
    assert answer["provenance"] == {}


def test_seeds_in_common_are_paired_as_in_a_verdict(sweep):
    cells = noisy(0.1, seeds=5, origins=1)
    sweep.pairs(cells)
    found = compared(sweep.folder)
    without, with_it = (
        next(s for s in found.sides if s.settings["loss.weights.rg"] == w) for w in (0, 0.1)
    )
    told = change(with_it, without, ERROR)
    low, high = effect_of(cells).interval(0.95)
    assert told.paired
    assert (told.value, told.low, told.high) == pytest.approx((0.1, float(low), float(high)))
    assert "paired by seed and origin" in text(found)
    assert [d.key for d in found.settings] == ["loss.weights.rg"]


def test_origins_are_paired_too_where_they_are_merged(sweep):
    cells = noisy(0.1, seeds=4, origins=3)
    sweep.pairs(cells)
    one, other = compared(sweep.folder, over=("seed", "start")).sides
    told = change(other, one, ERROR)
    low, high = effect_of(cells).interval(0.95)
    assert (told.low, told.high) == pytest.approx((float(low), float(high)))


def test_other_seeds_are_compared_by_welch(tmp_path):
    sides = []
    for name, first in (("one", 0), ("other", 10)):
        made = Sweep(tmp_path / name)
        errors = np.random.default_rng(first).uniform(0.02, 0.03, 4 + first // 5)
        for place, error in enumerate(errors):
            made.add(first + place, 1, 0.1, float(error))
        sides.append(np.log(errors))
    one, other = compared(tmp_path / "one", tmp_path / "other").sides
    told = change(one, other, ERROR)
    expected = stats.ttest_ind(sides[1], sides[0], equal_var=False).confidence_interval(0.95)
    assert not told.paired
    assert (told.low, told.high) == pytest.approx((expected.low, expected.high))
    assert one.settings["seed"] == (0, 1, 2, 3)
    assert "  A: seed=0,1,2,3\n" in text(compared(tmp_path / "one", tmp_path / "other"))


def test_a_measure_that_may_be_negative_is_told_by_its_difference(sweep):
    one = sweep.add(0, 1, 0.1, next10pct_r2=-0.5)
    other = sweep.add(0, 1, 0.0, next10pct_r2=0.25)
    told = change(*compared(one, other).sides, "next10pct_r2")
    assert str(told) == "+0.7500"


def test_equal_measures_are_told_to_be_equal(sweep):
    one, other = (sweep.add(0, 1, rg, 0.02) for rg in (0.1, 0.0))
    assert str(change(*compared(one, other).sides, ERROR)) == "="


def test_circumstances_come_last_the_zeros_only_where_they_were_to_be_the_same(sweep):
    changes = {"git": "0" * 40, "zeros_sha256": "f" * 64}
    one, other = sweep.add(0, 1, 0.1), sweep.add(0, 1, 0.1, provenance=changes)
    found = compared(one, other)
    assert [d.key for d in found.circumstances] == ["commit", "zeros' sha256"]
    assert "The configs are the same." in text(found)
    elsewhere = sweep.add(0, 50_000, 0.1, provenance={"zeros_sha256": "e" * 64})
    assert compared(one, elsewhere).circumstances == []


def test_markdown(sweep):
    drawn = markdown(compared(sweep.add(0, 1, 0.1), sweep.add(1, 1, 0.1)))
    assert "| seed | 0 | 1 |" in drawn


def test_mistakes(sweep, tmp_path):
    one = sweep.add(0, 1, 0.1)
    with pytest.raises(UserError, match="none to compare it with"):
        compared(one)
    with pytest.raises(UserError, match="holds no finished run"):
        compared(one, sweep.add(0, 1, 0.1, status="failed"))
    for place in range(7):
        sweep.add(0, 1, 0.01 * place)
    with pytest.raises(UserError, match="zeta leaderboard"):
        compared(sweep.folder)
