"""The leaderboard merges seeds, orders, filters, and shows what sets its rows apart."""

import csv
import json
import statistics

import pytest

from tests.verdict.sweeps import Sweep
from zeta_exp.errors import UserError
from zeta_exp.report.board_text import as_csv, as_json, heading, markdown, text
from zeta_exp.report.leaderboard import Entry, Mean, board
from zeta_exp.report.runs import read_runs

ERROR = "extrapolation_error_next10pct"


@pytest.fixture
def sweep(tmp_path):
    """Two configurations of three seeds, the better one streamed."""
    made = Sweep(tmp_path / "sweep")
    for seed, better, worse in ((0, 0.02, 0.05), (1, 0.022, 0.04), (2, 0.024, 0.06)):
        made.add(seed, 1, 0.1, better)
        made.add(seed, 1, 0.1, worse, changes={"strategy._target_": "x.MiniBatch"})
    return made


@pytest.fixture
def entries(sweep):
    return lambda: [Entry.of(run) for run in read_runs(str(sweep.folder))]


def test_one_row_a_configuration_the_best_first(entries):
    found = board(entries())
    assert [row.value("strategy") for row in found.rows] == ["streamed", "minibatch"]
    assert [row.value("runs") for row in found.rows] == [3, 3]
    assert [row.value("team") for row in found.rows] == [None, 2]
    error = found.rows[1].measure(ERROR)
    assert error.n == 3
    assert error.mean == pytest.approx(0.05)
    assert error.sd == pytest.approx(statistics.stdev([0.04, 0.05, 0.06]))
    assert found.shared["features.max_prime"] == 300
    assert "strategy" not in found.shared


def test_team_one_is_full_batch(sweep, entries):
    sweep.add(0, 1, 0.1, 0.1, changes={"strategy._target_": "x.FullBatch"})
    assert [row.value("team") for row in board(entries()).rows] == [None, 2, 1]


def test_a_run_made_twice_counts_once(sweep, entries):
    sweep.add(2, 1, 0.1, 0.026)
    best = board(entries()).rows[0]
    assert best.value("runs") == 4
    assert best.measure(ERROR).n == 3
    assert best.measure(ERROR).mean == pytest.approx((0.02 + 0.022 + 0.025) / 3)


def test_origins_are_rows_unless_merged(sweep, entries):
    sweep.add(0, 20_000, 0.1, 0.03)
    assert [row.value("start") for row in board(entries()).rows] == [1, 20_000, 1]
    merged = board(entries(), over=("seed", "start")).rows
    assert [row.value("runs") for row in merged] == [4, 3]
    assert merged[0].value("start") is None  # there are several
    assert merged[1].value("start") == 1


def test_unfinished_runs_are_counted_and_left_out(sweep, entries):
    sweep.add(3, 1, 0.1, 0.001, status="interrupted")
    found = board(entries())
    assert found.left_out == 1
    assert [row.value("runs") for row in found.rows] == [3, 3]


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("strategy=streamed", ["streamed"]),
        ("strategy!=streamed", ["minibatch"]),
        ("team=2", ["minibatch"]),
        ("team=null", ["streamed"]),
        (f"{ERROR}<0.03", ["streamed"]),
        (f"{ERROR} >= 0.03", ["minibatch"]),
        ("N>=1e4", ["streamed", "minibatch"]),
        ("N>10_000", []),
        ("loss.rg.scales=[2,4]", ["streamed", "minibatch"]),
        ("team>1", ["minibatch"]),
    ],
)
def test_conditions(entries, condition, kept):
    found = board(entries(), where=[condition])
    assert [row.value("strategy") for row in found.rows] == kept


def test_a_condition_on_what_is_merged_chooses_runs(entries):
    found = board(entries(), where=["seed<2", "strategy=minibatch"])
    assert [row.value("runs") for row in found.rows] == [2]
    assert found.rows[0].measure(ERROR).mean == pytest.approx(0.045)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"where": ["strategy"]}, "is no condition"),
        ({"where": ["N<many"]}, "compares with no number"),
        ({"where": ["stratgy=streamed"]}, "did you mean strategy"),
        ({"sort": ["val_rmsee"]}, "did you mean val_rmse"),
        ({"columns": ["strategy.blok_size"]}, "no finished run has a setting or measure"),
        ({"over": ["sed"]}, "did you mean seed"),
    ],
)
def test_mistakes(entries, keys, said):
    with pytest.raises(UserError, match=said):
        board(entries(), **keys)


def test_any_column_sorts_either_way_what_is_missing_comes_last(sweep, entries):
    sweep.add(9, 1, 0.1, 0.5, changes={"strategy._target_": "x.FullBatch"}, val_r2=0.5)
    down = board(entries(), sort=["strategy"], descending=True).rows
    assert [row.value("strategy") for row in down] == ["streamed", "minibatch", "fullbatch"]
    for descending in (False, True):
        rows = board(entries(), sort=["val_r2", ERROR], descending=descending).rows
        assert rows[0].value("strategy") == "fullbatch"
        errors = [row.measure(ERROR).mean for row in rows[1:]]
        assert errors == sorted(errors, reverse=descending)


def test_columns_show_what_sets_rows_apart(sweep, entries):
    sweep.add(0, 1, 0.3, 0.021)
    columns = board(entries()).columns
    assert columns[:4] == ("team", "strategy", "loss.weights.rg", "runs")
    assert heading("loss.weights.rg") == "rg"


def test_nested_measures(entries, sweep):
    sweep.add(0, 1, 0.3, 0.001, baselines={"linear": {"next10pct": 0.07}})
    found = board(entries(), columns=["baselines.linear.next10pct"])
    assert found.cells()[0] == [Mean(0.07, None, 1)]


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        (Mean(0.05, 0.01, 3), "0.050 ± 0.010"),
        (Mean(2400.0, 0.0, 3), "2,400"),
        (Mean(12345.6, 789.0, 3), "12,346 ± 789"),
        (Mean(0.0123456, None, 1), "0.01235"),
        (Mean(1.5e-7, 2e-8, 2), "0.000000150 ± 0.000000020"),
    ],
)
def test_two_digits_of_the_spread(mean, words):
    assert str(mean) == words


def test_each_form_has_the_same_numbers(entries):
    found = board(entries())
    answer = json.loads(as_json(found))
    rows = list(csv.DictReader(as_csv(found).splitlines()))
    for place, row in enumerate(found.rows):
        error = row.measure(ERROR)
        assert answer["rows"][place]["values"][ERROR] == vars(error)
        assert float(rows[place][ERROR]) == error.mean
        assert float(rows[place][f"{ERROR}_sd"]) == error.sd
    assert len(answer["rows"][0]["runs"]) == 3
    for drawn in (text(found), markdown(found)):
        assert "all rows: N=10000 start=1" in drawn
        assert "0.050 ± 0.010" in drawn
    assert "| 2 | 2 | minibatch | 3 |" in markdown(found)


def test_an_empty_board_is_a_board():
    empty = board([])
    assert json.loads(as_json(empty))["rows"] == []
    assert text(empty)
    assert as_csv(empty).startswith("team,strategy")
