"""Whether two runs have the same numbers: to the bit, or within what tolerance."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.report.runs import Run, flattened, read_metrics_of

PREDICTIONS = "predictions.npz"
# of result.json: where and how fast, and what was asked for
_NOT_NUMBERS = (
    *("wall_s", "total_s", "nodes_per_s", "peak_rss_mb", "peak_vram_mb", "memory", "cost_usd"),
    *("provenance", "config", "config_sha256", "ranks", "notes", "status", "replay"),
)
_TIME = "wall_s"  # of metrics.csv


@dataclass(frozen=True)
class Agreement:
    """How far the numbers of two runs are apart."""

    identical: bool  # all of them: predictions, metrics of every epoch, measures of the result
    predictions: float | None  # largest |Δδ̂_n| in mean spacings; None for other ordinals
    errors: float | None  # largest relative difference of an error of the result

    def sentence(self) -> str:
        """For the user."""
        if self.identical:
            return "the numbers are the same to the bit"
        if self.predictions is None:
            return "the numbers are not the same: the predictions are for other ordinals"
        if self.predictions == 0 == self.errors:
            return "the predictions are the same to the bit, other numbers are not"
        return (
            f"the numbers are not the same to the bit: predictions agree within "
            f"{self.predictions:.1e} mean spacings, errors within {self.errors or 0:.1e} of "
            "themselves"
        )


def agreement(before: Run, after: Run) -> Agreement:
    """Compare two finished runs, local or remote.  Raises UserError where files are missing."""
    one, other = _predictions(before.path), _predictions(after.path)
    same = one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    rows, measures = (
        [_rows(run) for run in (before, after)],
        [_measures(run.result) for run in (before, after)],
    )
    return Agreement(
        identical=same and rows[0] == rows[1] and measures[0] == measures[1],
        predictions=_distance(one, other),
        errors=_relative(*measures),
    )


def _predictions(run: str) -> dict[str, NDArray[Any]]:
    path = files.join(run, PREDICTIONS)
    with files.explained(path), files.reading(path) as file:
        content = file.read()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path} holds no predictions ({error}): restore it") from None


def _alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return (one.dtype, one.shape) == (other.dtype, other.shape) and one.tobytes() == other.tobytes()


def _distance(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> float | None:
    """max |Δδ̂_n| over both windows; None where these are not of the same ordinals."""
    windows = [key.removesuffix("_n") for key in one if key.endswith("_n")]
    if any(not np.array_equal(one[f"{w}_n"], other.get(f"{w}_n", ())) for w in windows):
        return None
    return max(
        float(np.abs(one[f"{w}_pred"].astype(float) - other[f"{w}_pred"]).max()) for w in windows
    )


def _rows(run: Run) -> list[dict[str, str]]:
    """metrics.csv without its times; as text, for a number that is missing equals itself."""
    (rows,) = read_metrics_of([run])
    return [{key: repr(value) for key, value in row.items() if key != _TIME} for row in rows]


def _measures(result: Mapping[str, Any]) -> dict[str, Any]:
    return flattened({key: result[key] for key in result if key not in _NOT_NUMBERS})


def _relative(one: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    """The largest |a − b| / |a| over the errors that both have; None where there is none."""
    found = [
        abs(value - other[key]) / abs(value)
        for key, value in one.items()
        if key.startswith(("extrapolation_error", "val_rmse")) and value and other.get(key)
    ]
    return max(found, default=None)
