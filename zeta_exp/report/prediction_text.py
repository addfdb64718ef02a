"""Predicted zeros as text, CSV, JSON or an array."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from zeta_exp.report.prediction import Prediction
from zeta_exp.zeros.stretch import Stretch

DECIMALS = 9  # of heights in files: offsets are right to 1e-11, predictions to a float32
COLUMNS = ("n", "predicted", "error", "true", "residual", "residual_error", "true_residual")


class Row(NamedTuple):
    """A zero; heights as decimals, for from n = 10^10 on no float64 holds them."""

    n: int
    predicted: Decimal
    error: float  # in height
    true: Decimal | None
    residual: float  # δ̂_n
    residual_error: float  # in mean spacings
    true_residual: float | None  # δ_n


def rows(prediction: Prediction) -> Iterator[Row]:
    """One a zero."""
    guessed, actual, residuals = _heights(prediction.heights), None, prediction.true
    if prediction.true_heights is not None:
        actual = _heights(prediction.true_heights)
    for i, n in enumerate(prediction.ordinals.tolist()):
        yield Row(
            n=n,
            predicted=guessed(i),
            error=float(prediction.height_error[i]),
            true=None if actual is None else actual(i),
            residual=float(prediction.predicted[i]),
            residual_error=float(prediction.error[i]),
            true_residual=None if residuals is None else float(residuals[i]),
        )


def _heights(stretch: Stretch) -> Callable[[int], Decimal]:
    """γ of the i-th zero: base and offset are added where nothing is rounded."""
    base, unit = Decimal(stretch.base), Decimal(1).scaleb(-DECIMALS)
    return lambda i: (base + Decimal(float(stretch.offsets[i]))).quantize(unit)


def as_text(run: str, prediction: Prediction) -> str:
    """For people: predicted ± expected error, true, and how far off."""
    found = list(rows(prediction))
    finite = [row.error for row in found if np.isfinite(row.error)]
    # so many decimals that the error has two digits
    decimals = 4 if not finite else max(0, 1 - int(np.floor(np.log10(min(finite)))))
    width = max(len(f"{row.predicted:,.{decimals}f}") for row in found)
    lines = [f"{'n':>20}  {'predicted':>{width}}  {'±':>{decimals + 2}}"]
    if found[0].true is not None:
        lines[0] += f"  {'true':>{width}}  {'off by':>{decimals + 3}}"
    for row in found:
        error = f"{row.error:.{decimals}f}" if np.isfinite(row.error) else "?"
        line = f"{row.n:>20,}  {row.predicted:>{width},.{decimals}f}  {error:>{decimals + 2}}"
        if row.true is not None:
            line += f"  {row.true:>{width},.{decimals}f}  {row.predicted - row.true:+.{decimals}f}"
        lines.append(line)
    return "\n".join([run, *_told(prediction), "", *lines])


def _told(prediction: Prediction) -> list[str]:
    """What the errors are."""
    lines = [
        f"expected: RMSE {part.rmse:.3g} mean spacings, {part.how}"
        for part in prediction.sources
        if np.isfinite(part.rmse)
    ]
    if lines:
        lines.append("±: that times the mean gap 2π/log(t/2π), in height")
    else:
        lines.append("expected: unknown, for the run ended before it was measured")
    if prediction.rmse is not None:
        lines.append(f"of these zeros: RMSE {prediction.rmse:.3g} mean spacings")
    return lines


def as_csv(run: str, prediction: Prediction) -> str:
    """A line a zero, empty where nothing is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows(prediction):
        writer.writerow(["" if _unknown(value) else value for value in row])
    return text.getvalue()


def as_json(run: str, prediction: Prediction) -> str:
    """Everything; heights as strings, for they have more digits than a float64."""
    zeros = [
        {
            key: None if _unknown(value) else str(value) if isinstance(value, Decimal) else value
            for key, value in row._asdict().items()
        }
        for row in rows(prediction)
    ]
    expected = [
        {"residual_error": None if _unknown(part.rmse) else part.rmse, "how": part.how}
        for part in prediction.sources
    ]
    document = {"run": run, "expected": expected, "rmse": prediction.rmse}
    return json.dumps(document | {"zeros": zeros}, indent=2, allow_nan=False) + "\n"


def _unknown(value: object) -> bool:
    return value is None or (isinstance(value, float) and not np.isfinite(value))


def as_npy(run: str, prediction: Prediction) -> bytes:
    """A structured array of `COLUMNS`, NaN where nothing is known; heights rounded to float64."""
    kinds = [(name, "<i8" if name == "n" else "<f8") for name in COLUMNS]
    array = np.zeros(prediction.predicted.size, np.dtype(kinds))
    array["true"] = array["true_residual"] = np.nan
    array["n"], array["predicted"] = prediction.ordinals, prediction.heights.ordinates()
    array["error"], array["residual_error"] = prediction.height_error, prediction.error
    array["residual"] = prediction.predicted
    if prediction.true_heights is not None and prediction.true is not None:
        array["true"], array["true_residual"] = prediction.true_heights.ordinates(), prediction.true
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()
