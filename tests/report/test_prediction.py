"""Predicted zeros and their errors: the run's own numbers, in every format."""

import csv
import io
import json
from decimal import Decimal

import numpy as np
import pytest

from tests.run.test_trained import left
from zeta_exp.cli import main
from zeta_exp.report.prediction import MOST, measured, predict
from zeta_exp.report.prediction_text import COLUMNS, as_csv, as_json, as_npy, as_text, rows
from zeta_exp.split import Split
from zeta_exp.zeros import ComputedZeros, block


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run on the zeros 1 to 200."""
    return left(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def result(finished):
    return json.loads((finished / "result.json").read_text())


def test_over_its_windows_the_expected_error_is_what_is_found(finished, result):
    for (start, stop), key in (
        (Split(1, 200).validation, "val_rmse"),
        (Split(1, 200).next_tenth, "extrapolation_error_next10pct"),
    ):
        found = predict(str(finished), start, stop - start)
        assert np.unique(found.error) == pytest.approx(result[key])
        assert found.rmse == pytest.approx(result[key], rel=1e-5)


def test_an_error_in_height_is_what_moves_the_zero_so_far(finished):
    found = predict(str(finished), 150, 100)
    small = found.error * 1e-3  # so small that the gap does not change on the way
    moved = type(found)(found.start, found.predicted + small, small, None, ())
    by = moved.heights.ordinates() - found.heights.ordinates()
    np.testing.assert_allclose(by, found.height_error * 1e-3, rtol=1e-2)


def test_the_true_zeros_are_true_and_the_predicted_ones_unfold_to_what_was_said(finished):
    found = predict(str(finished), 10**12, 3)
    truth = block(10**12, 3)
    shown = [row.true for row in rows(found)]
    exact = [Decimal(truth.base) + Decimal(float(offset)) for offset in truth.offsets]
    assert max(abs(a - b) for a, b in zip(shown, exact, strict=True)) < Decimal("1e-8")
    np.testing.assert_allclose(found.heights.residuals(), found.predicted, atol=1e-9)


def test_a_range_is_its_parts(finished):
    whole, first, second = (
        predict(str(finished), start, count) for start, count in ((190, 30), (190, 7), (197, 23))
    )
    joined = np.concatenate([first.predicted, second.predicted])
    np.testing.assert_allclose(whole.predicted, joined, atol=1e-6)
    np.testing.assert_array_equal(whole.error, np.concatenate([first.error, second.error]))


def test_the_true_zeros_of_a_control_are_its_own(tmp_path):
    found = predict(str(left(tmp_path, "zeros=cue")), 150, 10)
    assert np.abs(found.true - ComputedZeros().residuals(150, 160)).max() > 0.1


def test_every_ordinal_has_one_measured_range():
    parts = measured({"val_rmse": 1.0, "extrapolation_error_next10pct": 2.0}, Split(1000, 200))
    assert [part.start for part in parts] == [1, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop is None
    assert [part.rmse for part in parts] == [2.0, 1.0, 1.0, 2.0, 2.0]


def test_all_formats_say_the_same(finished):
    found = predict(str(finished), 195, 30)
    array = np.load(io.BytesIO(as_npy("run", found)))
    table = list(csv.DictReader(io.StringIO(as_csv("run", found))))
    document = json.loads(as_json("run", found))["zeros"]
    assert array.dtype.names == COLUMNS == tuple(table[0]) == tuple(document[0])
    for name in COLUMNS:
        for other in (table, document):
            values = [float(row[name]) for row in other]
            np.testing.assert_allclose(values, array[name], rtol=0, atol=1e-9)
    text = as_text("run", found)
    assert f"{array['predicted'][0]:.2f}" in text
    assert "of these zeros: RMSE" in text
    assert text.count("expected: RMSE") == 3  # validation, the next tenth, and later


def test_without_the_truth_and_unmeasured(finished, tmp_path, result):
    stopped = {key: value for key, value in result.items() if "rmse" not in key}
    (tmp_path / "result.json").write_text(json.dumps(stopped))
    (tmp_path / "checkpoint").symlink_to(finished / "checkpoint")
    found = predict(str(tmp_path), 185, 2, with_truth=False)
    assert (found.true, found.rmse) == (None, None)
    assert "expected: unknown" in as_text("run", found)
    assert "true" not in as_text("run", found)
    (first, _) = csv.DictReader(io.StringIO(as_csv("run", found)))
    assert (first["error"], first["true"]) == ("", "")
    assert json.loads(as_json("run", found))["zeros"][0]["error"] is None


@pytest.mark.parametrize("ending", ["txt", "csv", "json", "npy"])
def test_the_command_writes_what_the_name_says(finished, tmp_path, monkeypatch, capsys, ending):
    monkeypatch.chdir(tmp_path)
    words = ["predict", str(finished), "--start", "201", "--count", "4"]
    assert main([*words, "--out", f"zeros.{ending}"]) == 0
    assert "4 zeros from ordinal 201" in capsys.readouterr().out
    content = (tmp_path / f"zeros.{ending}").read_bytes()
    assert (b"203" in content) == (ending != "npy")
    assert main([*words, "--out", f"zeros.{ending}"]) == 2
    assert "add --overwrite" in capsys.readouterr().err
    assert main([*words, "--out", f"zeros.{ending}", "--overwrite"]) == 0


def test_the_command_says_it(finished, capsys):
    words = ["predict", str(finished), "--start", "201", "--count", "2"]
    assert main(words) == 0
    assert "mean spacings" in capsys.readouterr().out
    for form in ("csv", "json"):
        assert main([*words, f"--{form}"]) == 0
        assert "201" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--start", "1", "--count", str(MOST + 1)], "use 1_000_000 or fewer"),
        (["--start", "0", "--count", "1"], "start=0"),
        (["--start", "1", "--count", "0"], "count=0"),
        (["--start", "1e13", "--count", "2"], "lower the start"),
        (["--start", "1", "--count", "1", "--out", "x.doc"], "end the name in .txt, .csv"),
        (["--start", "1", "--count", "1", "--out", "x.csv", "--json"], "leave out --json"),
        (["--start", "1", "--count", "1", "--out", "memory://x.csv"], "is gone when"),
    ],
)
def test_what_is_refused(finished, capsys, words, said):
    assert main(["predict", str(finished), *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
