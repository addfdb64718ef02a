"""Reading what a run left in its directory: `result.json`, `metrics.csv`, `predictions.npz`."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zeta_exp import files, metrics
from zeta_exp.errors import UserError


@dataclass(frozen=True)
class Residuals:
    """Predicted and true residuals of ascending ordinals, in mean spacings."""

    n: NDArray[np.int64]  # (W,) ordinals
    predicted: NDArray[np.float64]  # (W,) δ̂_n
    true: NDArray[np.float64]  # (W,) δ_n

    def __len__(self) -> int:
        return self.n.size

    def first(self, count: int) -> "Residuals":
        """The lowest `count` ordinals, or all where there are fewer."""
        return Residuals(self.n[:count], self.predicted[:count], self.true[:count])

    @property
    def span(self) -> str:
        """The first and the last ordinal, in words."""
        return f"n = {self.n[0]:,} to {self.n[-1]:,}"

    def followed_by(self, other: "Residuals") -> "Residuals":
        """This window, then `other`."""
        return Residuals(
            np.concatenate([self.n, other.n]),
            np.concatenate([self.predicted, other.predicted]),
            np.concatenate([self.true, other.true]),
        )


def read_result(run: str | Path) -> dict[str, Any]:
    """The contents of `result.json`."""
    result: dict[str, Any] = json.loads(_content(run, "result.json"))
    return result


def read_metrics(run: str | Path) -> dict[str, NDArray[np.float64]]:
    """Columns of `metrics.csv`, one value an epoch: (E,) float64, NaN where not measured."""
    rows = metrics.parse_metrics(_content(run, "metrics.csv").decode())
    return {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}


def read_window(run: str | Path, name: Literal["val", "ext"]) -> Residuals:
    """The validation (`val`) or extrapolation (`ext`) window of `predictions.npz`."""
    with np.load(io.BytesIO(_content(run, "predictions.npz")), allow_pickle=False) as arrays:
        return Residuals(
            arrays[f"{name}_n"],
            arrays[f"{name}_pred"].astype(np.float64),
            arrays[f"{name}_true"].astype(np.float64),
        )


def _content(run: str | Path, name: str) -> bytes:
    """A file of a run directory, local or remote.  Raises UserError where it is missing."""
    path = files.join(str(run), name)
    if not files.exists(path):
        raise UserError(f"{path} does not exist: give the directory of a run that has finished")
    with files.explained(path):
        return files.contents([path])[0]
