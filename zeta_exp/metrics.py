"""metrics.csv: one row an epoch."""

import csv
import io
import math
from pathlib import Path

from zeta_exp.files import write_atomically

COLUMNS = (
    "epoch",
    "updates",
    "node_visits",
    "wall_s",
    "lr",
    "train_loss",
    "val_loss",
    "val_rmse",
    "extrapolation_error",
    "mse",
    "gue_nll",
    "gue_nll_matched",
    "gue_mmd",
    "rg",
)
Row = dict[str, float]


class Metrics:
    """metrics.csv, one row an epoch, whole after every row."""

    def __init__(self, path: Path, epochs: int) -> None:
        """Keeps the rows of the first `epochs` epochs of an earlier part of the run."""
        self._path = path
        self.rows = [row for row in read_metrics(path) if row["epoch"] <= epochs]
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(map(_format, self.rows))
        write_atomically(path, text.getvalue().encode())

    def append(self, row: Row) -> None:
        """Adds a row."""
        self.rows.append(row)
        with self._path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(_format(row))


def read_metrics(path: Path) -> list[Row]:
    """The rows of metrics.csv; none where there is no file."""
    return parse_metrics(path.read_text()) if path.exists() else []


def parse_metrics(text: str) -> list[Row]:
    """The rows of what metrics.csv holds, but for a torn last one."""
    rows = [row for row in csv.DictReader(io.StringIO(text, newline="")) if all(row.values())]
    return [{key: float(value) for key, value in row.items()} for row in rows]


def _format(row: Row) -> dict[str, str]:
    whole = ("epoch", "updates", "node_visits")
    # a run may have begun before there was a column
    return {k: str(int(row[k])) if k in whole else f"{row.get(k, math.nan):.9g}" for k in COLUMNS}
