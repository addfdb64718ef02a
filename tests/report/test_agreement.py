"""Two runs have the same numbers, or are as far apart as is said."""

import pytest

from tests.report.conftest import make_result, make_windows, write_run
from zeta_exp.errors import UserError
from zeta_exp.report.agreement import agreement
from zeta_exp.report.runs import read_runs


@pytest.fixture
def made(tmp_path):
    """Makes run directories whose predictions, results and metrics may be changed."""

    def call(name, *, shift=0.0, first=0, metrics="", **changes):
        windows = make_windows(noise=0.01)
        windows = {
            key: values + (shift if key.endswith("_pred") else 0) + (first * key.endswith("_n"))
            for key, values in windows.items()
        }
        result = make_result(make_windows(noise=0.01)) | changes
        directory = write_run(tmp_path / name, result, windows)
        with (directory / "metrics.csv").open("a") as file:
            file.write(metrics)
        (run,) = read_runs(str(directory))
        return run

    return call


def test_equal_runs_agree_to_the_bit_however_long_they_took(made):
    found = agreement(made("one", wall_s=1.0), made("other", wall_s=2.0, provenance={"N": 1}))
    assert found.identical
    assert found.sentence() == "the numbers are the same to the bit"


def test_the_largest_distances_are_told(made):
    other = made("other", shift=1e-3, val_rmse=1.01 * made("one").result["val_rmse"])
    found = agreement(made("again"), other)
    assert not found.identical
    assert found.predictions == pytest.approx(1e-3)
    assert found.errors == pytest.approx(0.01)
    assert (
        "predictions agree within 1.0e-03 mean spacings, errors within 1.0e-02" in found.sentence()
    )


def test_the_last_bit_counts(made):
    found = agreement(made("one"), made("other", shift=1e-16))
    assert not found.identical
    assert found.predictions <= 3e-16


def test_every_epoch_counts(made):
    found = agreement(made("one"), made("other", metrics="61,99,0.5,0.5\n"))
    assert not found.identical
    assert "the predictions are the same to the bit, other numbers are not" in found.sentence()


def test_other_ordinals_can_not_be_compared(made):
    found = agreement(made("one"), made("other", first=1))
    assert found.predictions is None
    assert "other ordinals" in found.sentence()


def test_lost_predictions_are_named(made, tmp_path):
    one, other = made("one"), made("other")
    (tmp_path / "other" / "predictions.npz").write_bytes(b"PK torn")
    with pytest.raises(UserError, match=r"other/predictions\.npz holds no predictions"):
        agreement(one, other)
    (tmp_path / "other" / "predictions.npz").unlink()
    with pytest.raises(UserError, match=r"predictions\.npz does not exist"):
        agreement(one, other)


def test_a_number_that_is_missing_equals_itself(made):
    """NaN in metrics.csv, null in result.json."""
    assert agreement(made("one", val_r2=None), made("other", val_r2=None)).identical
