"""Errors at other heights: of the model as it is, and never where it was trained."""

import numpy as np
import pytest

from tests.conftest import make_line, make_model
from zeta_exp.errors import UserError
from zeta_exp.evaluation import Evaluation
from zeta_exp.evaluation.prime_sum import prime_tail_scale
from zeta_exp.evaluation.statistics import r_squared, rmse
from zeta_exp.evaluation.transfer import MOST, transfer_count, transfer_errors
from zeta_exp.evaluation.window import Piece, Window
from zeta_exp.split import Split
from zeta_exp.zeros import ComputedZeros

SOURCE = ComputedZeros()
SPLIT = Split(start=5_001, N=2_000)


def test_errors_are_those_of_the_predictions_there(monkeypatch):
    monkeypatch.setattr("zeta_exp.evaluation.window.BLOCK", 70)
    line = make_line()
    model = make_model("relational", line)
    starts, count = (8_000, 10**9), 200
    found = transfer_errors(
        lambda start, stop: Window(line, start, stop, 4).evaluate(model),
        SOURCE.residuals,
        starts,
        count,
        7,
    )
    assert list(found) == ["8000", "1000000000"]
    for start in starts:
        true = SOURCE.residuals(start, start + count)
        pieces = Window(line, start, start + count, 4).evaluate(model)
        predicted = np.concatenate([piece.residuals for piece in pieces])
        row = found[str(start)]
        assert row["rmse"] == pytest.approx(rmse(predicted, true), rel=1e-12)
        assert row["r2"] == pytest.approx(r_squared(predicted, true), rel=1e-9)
        assert row["smooth"] == pytest.approx(rmse(np.zeros(count), true), rel=1e-12)
        assert row["prime_tail"] == prime_tail_scale(row["height"], 7)
        assert row["ordinals"] == count
    assert found["1000000000"]["height"] == pytest.approx(371_870_203.8, rel=1e-6)


def test_a_perfect_prediction_transfers_perfectly():
    def oracle(start, stop):
        yield Piece(start, SOURCE.residuals(start, stop), {})

    (row,) = transfer_errors(oracle, SOURCE.residuals, [10**6], 100, 30).values()
    assert (row["rmse"], row["r2"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("start", "target", "sentence"),
    [
        (0, "residual", "start=0 is no ordinal"),
        (10**14, "residual", "pass the last one of the engine"),
        (5_001, "residual", "meet those that are trained on, 5001 to 6800, where"),
        (4_900, "residual", "meet those"),
        (6_800, "residual", "meet those"),
        (10**12, "ordinate", "target=ordinate has no digits left"),
    ],
)
def test_what_can_not_be_measured_is_refused(start, target, sentence):
    with pytest.raises(UserError, match=f"evaluation.transfer: .*{sentence}"):
        Evaluation(30, (10**6, start)).check(SPLIT, target)


def test_beside_the_trained_ordinals_all_is_allowed():
    count = transfer_count(SPLIT)
    Evaluation(30, (1, 5_001 - count, 6_801, 10**12)).check(SPLIT, "residual")
    assert count == 200
    assert transfer_count(Split(1, 10**8)) == MOST
