"""A leaderboard as text, Markdown, CSV or JSON."""

import csv
import io
import json
from typing import Any

from zeta_exp.overrides import override, shown
from zeta_exp.report.leaderboard import Board, Mean
from zeta_exp.report.sheet import Sheet

HEADINGS = {
    "extrapolation_error_next10pct": "next 10%",
    "extrapolation_error": "next 100",
    "val_rmse": "validation",
    "val_r2": "R² validation",
    "next10pct_r2": "R² next 10%",
    "profile_worst_over_best": "worst/best tenth",
    "features.max_prime": "P",
    "wall_s": "s",
    "n_parameters": "parameters",
    "node_visits": "node visits",
    "nodes_per_s": "nodes/s",
    "peak_rss_mb": "MB",
    "cost_usd": "$",
}
# settings worth a word where all rows share them
TOLD = ("N", "start", "target", "zeros", "features", "features.max_prime", "model", "strategy")
NOTHING = "–"


def heading(column: str) -> str:
    """What stands above a column: an error by its range, a weight of the loss by its term."""
    return HEADINGS.get(column, column.removeprefix("loss.weights."))


def sheet(board: Board) -> Sheet:
    """The board before it is drawn, with a first column for the place in the order."""
    rows = [[str(place), *map(_cell, cells)] for place, cells in enumerate(board.cells(), start=1)]
    return Sheet("", ["#", *map(heading, board.columns)], rows, left=0)


def text(board: Board) -> str:
    """For a terminal."""
    return "\n".join([caption(board), "", sheet(board).text()])


def markdown(board: Board) -> str:
    """For a page."""
    return "\n".join([caption(board), "", sheet(board).markdown()])


def caption(board: Board) -> str:
    """What all rows share, and how to read an error."""
    common = [
        override(key, board.shared[key])
        for key in TOLD
        if key in board.shared and key not in board.columns
    ]
    unit = "errors are RMSE in mean spacings: mean ± standard deviation over seeds"
    return "\n".join([*([f"all rows: {' '.join(common)}"] if common else []), unit])


def as_csv(board: Board) -> str:
    """Numbers in full, each measure beside its standard deviation (…_sd) and seeds (…_n)."""
    flat = [_flat(board, cells) for cells in board.cells()]
    fields = list(dict.fromkeys(name for row in flat for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, fields or list(board.columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue().rstrip("\n")


def as_json(board: Board) -> str:
    """Everything: the rows with all their settings, and the settings that all share."""
    rows = [
        {
            "values": dict(zip(board.columns, map(_plain, cells), strict=True)),
            "settings": {k: v for k, v in row.settings.items() if k not in board.shared},
            "runs": [entry.name for entry in row.entries],
        }
        for row, cells in zip(board.rows, board.cells(), strict=True)
    ]
    answer = {"columns": board.columns, "rows": rows, "shared": board.shared}
    return json.dumps(answer | {"unfinished": board.left_out}, indent=2)


def _cell(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value) if isinstance(value, Mean) else shown(value)


def _plain(value: Any) -> Any:
    return vars(value) if isinstance(value, Mean) else value


def _flat(board: Board, cells: list[Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for column, value in zip(board.columns, cells, strict=True):
        if isinstance(value, Mean):
            flat |= {column: value.mean, f"{column}_sd": value.sd, f"{column}_n": value.n}
        else:
            flat[column] = shown(value) if isinstance(value, list) else value
    return flat


FORMATS = {"table": text, "markdown": markdown, "csv": as_csv, "json": as_json}
