"""Reading what a run left in its directory: `result.json`, `metrics.csv`, `predictions.npz`."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError


@dataclass(frozen=True)
class Window:
    """Residuals over a window of ascending ordinals, in mean spacings."""

    n: NDArray[np.int64]  # (W,) ordinals
    predicted: NDArray[np.float64]  # (W,) δ̂_n
    true: NDArray[np.float64]  # (W,) δ_n

    def __len__(self) -> int:
        return self.n.size

    def first(self, count: int) -> "Window":
        """The lowest `count` ordinals, or all where there are fewer."""
        return Window(self.n[:count], self.predicted[:count], self.true[:count])

    def followed_by(self, other: "Window") -> "Window":
        """This window, then `other`."""
        return Window(
            np.concatenate([self.n, other.n]),
            np.concatenate([self.predicted, other.predicted]),
            np.concatenate([self.true, other.true]),
        )


def read_result(run: Path) -> dict[str, Any]:
    """The contents of `result.json`."""
    result: dict[str, Any] = json.loads(_existing(run, "result.json").read_text())
    return result


def read_metrics(run: Path) -> dict[str, NDArray[np.float64]]:
    """Columns of `metrics.csv`, one value an epoch: (E,) float64, NaN where a cell is empty."""
    with _existing(run, "metrics.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        names = reader.fieldnames or []
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def read_window(run: Path, name: Literal["val", "ext"]) -> Window:
    """The validation (`val`) or extrapolation (`ext`) window of `predictions.npz`."""
    with np.load(_existing(run, "predictions.npz"), allow_pickle=False) as arrays:
        return Window(
            arrays[f"{name}_n"],
            arrays[f"{name}_pred"].astype(np.float64),
            arrays[f"{name}_true"].astype(np.float64),
        )


def _existing(run: Path, name: str) -> Path:
    path = Path(run) / name
    if not path.is_file():
        raise UserError(f"{path} does not exist: give the directory of a run that has finished")
    return path
