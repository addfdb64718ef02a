"""The leaderboard: one row a configuration, runs equal but for their seed merged.

A row's measures are means over its seeds, with the standard deviation between them; what was run
twice with one seed counts once, by its mean.  There is no database: results are small files.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from math import floor, fsum, log10, sqrt
from statistics import fmean
from typing import Any

from zeta_exp.errors import UserError
from zeta_exp.report.differences import equal, rank, separating, tells_much
from zeta_exp.report.runs import COMPLETED, Run
from zeta_exp.report.settings import own, settings

OVER = ("seed",)  # what is merged
ERROR = "extrapolation_error_next10pct"  # the first in the order
TEAM, RUNS = "team", "runs"
TEAMS = {"fullbatch": 1, "minibatch": 2}  # by strategy; a streamed run is both, and neither
MEASURES = (ERROR, "extrapolation_error", "val_rmse", "updates", "wall_s")  # shown by default
MOST_SETTINGS = 6  # in which rows differ, shown by default
_NO_SPREAD = 1e-12  # of the mean: what adding up leaves of equal values


@dataclass(frozen=True)
class Mean:
    """What the seeds of a row have of a measure."""

    mean: float
    sd: float | None  # between seeds, with n − 1; None for one seed
    n: int  # seeds

    def __str__(self) -> str:
        if self.sd is None or self.sd <= abs(self.mean) * _NO_SPREAD:
            return number(self.mean)
        places = max(0, 1 - floor(log10(self.sd)))  # two digits of the standard deviation
        return f"{self.mean:,.{places}f} ± {self.sd:,.{places}f}"


@dataclass(frozen=True)
class Entry:
    """A run, wherever it was read from."""

    name: str
    settings: Mapping[str, Any]  # of `settings.settings`
    result: Mapping[str, Any]  # measures by name, nested ones by dotted name
    status: str = COMPLETED

    @classmethod
    def of(cls, run: Run) -> "Entry":
        """A run that was read from its directory."""
        return cls(run.path, settings(run.config), run.result, run.status)

    def measure(self, name: str) -> float | None:
        """A number of the result, or None where it has none by this name."""
        value: Any = dict(self.result)
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        known = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if known else None


@dataclass(frozen=True)
class Row:
    """Runs of one configuration."""

    settings: Mapping[str, Any]  # what they share
    entries: tuple[Entry, ...]
    over: tuple[str, ...]  # the settings in which they may differ

    @cached_property
    def _cells(self) -> list[list[Entry]]:
        """The runs of each seed."""
        cells: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            cells[json.dumps([entry.settings.get(key) for key in self.over])].append(entry)
        return list(cells.values())

    def measure(self, name: str) -> Mean | None:
        """Mean over the seeds that have the measure; None where none has."""
        found = [[v for e in cell if (v := e.measure(name)) is not None] for cell in self._cells]
        values = [fmean(cell) for cell in found if cell]
        if not values:
            return None
        mean, n = fmean(values), len(values)
        # statistics.stdev adds up fractions, which takes half the time of a large board
        sd = sqrt(fsum((value - mean) ** 2 for value in values) / (n - 1)) if n > 1 else None
        return Mean(mean, sd, n)

    def value(self, column: str) -> Any:
        """What the row has in a column: of the team, the number of runs, a setting, or a measure.

        None where it has nothing, and where a setting that was merged has several values.
        """
        if column == TEAM:
            return TEAMS.get(str(self.settings.get("strategy")))
        if column == RUNS:
            return len(self.entries)
        told = [e.settings[column] for e in self.entries if column in e.settings]
        if told:
            return told[0] if all(equal(value, told[0]) for value in told) else None
        return self.measure(column)


@dataclass(frozen=True)
class Board:
    """Rows in their order, and what to show of them."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    shared: Mapping[str, Any]  # settings that are the same in all rows
    left_out: int  # runs that have not finished

    def cells(self) -> list[list[Any]]:
        """Of each row, the value of each column."""
        return [[row.value(column) for column in self.columns] for row in self.rows]


def board(
    entries: Iterable[Entry],
    *,
    columns: Sequence[str] = (),
    where: Sequence[str] = (),
    sort: Sequence[str] = (ERROR,),
    descending: bool = False,
    over: Sequence[str] = OVER,
) -> Board:
    """The leaderboard of runs.

    columns: names of settings (dotted), measures of result.json (dotted), "team" and "runs", by
    default what sets the rows apart and the errors; where: conditions such as strategy=streamed or
    N>=1e5, of which all must hold; sort: columns, the smallest first; over: settings that are
    merged.  Raises UserError for a name that no run has.
    """
    from zeta_exp.report.conditions import Condition

    told = list(entries)
    finished = [entry for entry in told if entry.status == COMPLETED]
    conditions = [Condition.parsed(text) for text in where]
    _check([*columns, *sort, *over, *(c.column for c in conditions)], finished)
    early = [c for c in conditions if c.column in over]  # what a row has no more
    kept = [e for e in finished if all(c.holds(e.settings.get(c.column)) for c in early)]
    late = [c for c in conditions if c.column not in over]
    rows = [
        row
        for row in rows_of(kept, over)
        if all(condition.holds(row.value(condition.column)) for condition in late)
    ]
    rows.sort(key=lambda row: [_order(row.value(name), descending) for name in sort])
    apart, shared = _told_apart(rows)
    shown = tuple(columns) or (TEAM, "strategy", *apart, RUNS, *MEASURES)
    return Board(shown, tuple(rows), shared, len(told) - len(finished))


def rows_of(entries: Iterable[Entry], over: Sequence[str] = OVER) -> list[Row]:
    """The runs of each configuration, in the order in which the first of each comes."""
    groups: dict[str, tuple[dict[str, Any], list[Entry]]] = {}
    for entry in entries:
        kept = {key: value for key, value in own(entry.settings).items() if key not in over}
        groups.setdefault(json.dumps(kept, sort_keys=True), (kept, []))[1].append(entry)
    return [Row(kept, tuple(members), tuple(over)) for kept, members in groups.values()]


def _told_apart(rows: Sequence[Row]) -> tuple[list[str], dict[str, Any]]:
    """The settings worth a column beside the strategy's, and those that all rows share.

    Worth one are those without which two rows would look the same, then what else tells much.
    """
    written = [{key: json.dumps(v) for key, v in row.settings.items()} for row in rows]
    keys = sorted({key for row in rows for key in row.settings}, key=rank)
    differing = [key for key in keys if len({row.get(key) for row in written}) > 1]
    shared = {key: rows[0].settings[key] for key in keys if key not in set(differing)}
    others = [key for key in differing if key != "strategy"]
    apart = separating(written, ["strategy", *others])
    worth = [*apart, *(key for key in others if key not in apart and tells_much(key))]
    return sorted([key for key in worth if key != "strategy"][:MOST_SETTINGS], key=rank), shared


def _check(names: Iterable[str], entries: Sequence[Entry]) -> None:
    """Raise UserError for a name that no run has; where there is no run, none is wrong."""
    known = {TEAM, RUNS}.union(*(entry.settings for entry in entries))
    for name in dict.fromkeys(names):
        has_it = name in known or any(entry.measure(name) is not None for entry in entries)
        if entries and not has_it:
            known.update(*(entry.result for entry in entries))
            close = get_close_matches(name, sorted(known), 1)
            other = f"did you mean {close[0]}?" if close else "give one of config or result.json"
            raise UserError(f"no finished run has a setting or measure {name!r}: {other}")


def _order(value: Any, descending: bool) -> tuple[bool, bool, Any]:
    """A key for sorting: numbers, then words, then what is missing, whichever the direction."""
    value = value.mean if isinstance(value, Mean) else value
    if value is None:
        return True, True, 0
    if isinstance(value, int | float):
        return False, False, -value if descending else value
    return (
        False,
        True,
        [-ord(c) for c in str(value)] if descending else [ord(c) for c in str(value)],
    )


def number(value: float) -> str:
    """Four digits; whole numbers in full up to a billion."""
    if value == round(value) and abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:#.4g}".rstrip(".")
