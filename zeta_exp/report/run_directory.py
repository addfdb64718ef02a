"""Reading what a run left in its directory: `result.json`, `metrics.csv`, `predictions.npz`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zeta_exp import metrics
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

    def followed_by(self, other: "Residuals") -> "Residuals":
        """This window, then `other`."""
        return Residuals(
            np.concatenate([self.n, other.n]),
            np.concatenate([self.predicted, other.predicted]),
            np.concatenate([self.true, other.true]),
        )


def read_result(run: Path) -> dict[str, Any]:
    """The contents of `result.json`."""
    result: dict[str, Any] = json.loads(_existing(run, "result.json").read_text())
    return result


def read_metrics(run: Path) -> dict[str, NDArray[np.float64]]:
    """Columns of `metrics.csv`, one value an epoch: (E,) float64, NaN where not measured."""
    rows = metrics.read_metrics(_existing(run, "metrics.csv"))
    return {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}


def read_window(run: Path, name: Literal["val", "ext"]) -> Residuals:
    """The validation (`val`) or extrapolation (`ext`) window of `predictions.npz`."""
    with np.load(_existing(run, "predictions.npz"), allow_pickle=False) as arrays:
        return Residuals(
            arrays[f"{name}_n"],
            arrays[f"{name}_pred"].astype(np.float64),
            arrays[f"{name}_true"].astype(np.float64),
        )


def _existing(run: Path, name: str) -> Path:
    path = Path(run) / name
    if not path.is_file():
        raise UserError(f"{path} does not exist: give the directory of a run that has finished")
    return path
