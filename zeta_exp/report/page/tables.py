"""The tables of a report: cells that can be sorted, with everything that is behind them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from zeta_exp.overrides import shown
from zeta_exp.report.board_text import caption, heading
from zeta_exp.report.differences import ABSENT, differences
from zeta_exp.report.evidence import Evidence
from zeta_exp.report.leaderboard import ERROR, Board, Entry, Mean, board
from zeta_exp.report.provenance import circumstances
from zeta_exp.report.runs import Run
from zeta_exp.report.settings import settings
from zeta_exp.report.sheet import Sheet
from zeta_exp.report.table import BASELINES, SCALE
from zeta_exp.verdict.judge import CONTROL_R2
from zeta_exp.verdict.pairs import heights
from zeta_exp.verdict.problems import usable
from zeta_exp.verdict.study import CONTROL, TUNING

NOTHING = "–"
MOST_ROWS = 200  # of a leaderboard on a page
MOST_COLUMNS = 8  # of differences between arms
MOST_VALUES = 4  # of a provenance, before "and n more"


@dataclass(frozen=True)
class Cell:
    """What is shown, and what is sorted by."""

    text: str
    value: float | None = None  # None: by the text


@dataclass(frozen=True)
class Table:
    """Headings and rows of as many cells."""

    headings: list[str]
    rows: list[list[Cell]]
    caption: str = ""
    left: int = 1  # columns aligned to the left, from the first on


def of_sheet(sheet: Sheet) -> Table:
    """A table of the verdict."""
    rows = [[Cell(text) for text in row] for row in sheet.rows]
    return Table(sheet.headings, rows, sheet.title)


def leaderboard(evidence: Evidence) -> Table | None:
    """The finished runs that confirm, one row a configuration; None where there is none."""
    apart = {
        run.name
        for phase in (TUNING, CONTROL)
        for run in evidence.study.of_phase(evidence.runs, phase)
    }
    told = [run for run in evidence.runs if run.name not in apart]
    kept = [run for run in told if usable(run, ERROR) and run.config]
    if not kept:
        return None
    made = board([Entry.of(run) for run in kept], over=_over(kept))
    left = len(told) - len(kept)
    remark = f"; {left:,} without an error over the next 10% are left out" if left else ""
    return Table(
        ["#", *map(heading, made.columns)],
        [
            [Cell(str(place), place), *map(_cell, cells)]
            for place, cells in enumerate(made.cells()[:MOST_ROWS], start=1)
        ],
        f"{caption(made)}{remark}{_cut(made)}",
        left=1 + made.columns.index("runs"),
    )


def _over(runs: Sequence[Run]) -> tuple[str, ...]:
    """Seeds are merged, and origins where all of them are at one height."""
    starts = {int(run.config["start"]) for run in runs if "start" in run.config}
    longest = max((int(run.config["N"]) for run in runs if "N" in run.config), default=0)
    return ("seed", "start") if len(heights(starts, longest)) <= 1 else ("seed",)


def _cut(made: Board) -> str:
    return (
        f"; the best {MOST_ROWS} of {len(made.rows):,} rows" if len(made.rows) > MOST_ROWS else ""
    )


def _cell(value: Any) -> Cell:
    if value is None:
        return Cell(NOTHING)
    if isinstance(value, Mean):
        return Cell(str(value), value.mean)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Cell(f"{value:,}" if isinstance(value, int) else shown(value), value)
    return Cell(shown(value))


def config_differences(evidence: Evidence) -> Table | None:
    """The settings in which arms differ; None where they differ in nothing.

    A column an arm, or of more than MOST_COLUMNS of them all values in one.
    """
    arms = [arm for panel in evidence.panels for arm in panel.arms]
    arms = arms[: len(evidence.panels[0].arms)] if evidence.judgement else arms
    if len(arms) < 2:
        return None
    told = [settings(arm.runs[0].config) for arm in arms]
    found = differences(told)
    kept = [one for one in found if one.key not in ("seed", "start")]
    if not kept:
        return None
    words = {
        one.key: [str(ABSENT) if v is ABSENT else shown(v) for v in one.values] for one in kept
    }
    if len(arms) > MOST_COLUMNS:
        listed = [[Cell(key), Cell(", ".join(dict.fromkeys(words[key])))] for key in words]
        return Table(["setting", "values"], listed, left=2)
    rows = [[Cell(key), *map(Cell, values)] for key, values in words.items()]
    return Table(["setting", *(arm.label for arm in arms)], rows)


def controls(evidence: Evidence) -> Table | None:
    """What the controls reached, where there must be nothing to reach."""
    runs = [run for run in evidence.study.of_phase(evidence.runs, CONTROL) if run.result]
    if not runs:
        return None
    rows = []
    for run in runs:
        r2 = run.result.get("next10pct_r2")
        measured = Cell(NOTHING), Cell(run.status)
        if isinstance(r2, int | float):
            measured = Cell(f"{r2:.4f}", r2), Cell("yes" if r2 > CONTROL_R2 else "no")
        rows.append([Cell(run.name), *measured])
    return Table(["control", "R² next 10%", f"above {CONTROL_R2}?"], rows)


def provenance(runs: Iterable[Run]) -> Table:
    """What the numbers depend on beside the config: each value with the number of runs it has."""
    told = [circumstances(run.result) for run in runs if run.provenance]
    names = dict.fromkeys(name for one in told for name in one)
    rows = [[Cell(name), Cell(_values(one.get(name) for one in told))] for name in names]
    return Table(["", "value"], [row for row in rows if row[1].text], left=2)


def baselines(run: Run) -> Table | None:
    """The model beside its baselines; None where none was measured."""
    measured = run.result.get("baselines") or {}
    own = {"next100": run.result.get("extrapolation_error"), "next10pct": run.result.get(ERROR)}
    errors = [("this model", own), *((BASELINES[n], measured.get(n)) for n in BASELINES)]
    if (scale := measured.get("prime_tail") or {}).get("next10pct"):
        errors.append((SCALE, scale))
    rows = [
        [Cell(label), *(_error(each.get(window)) for window in ("next100", "next10pct"))]
        for label, each in errors
        if each
    ]
    headings = ["", "next 100", "next 10%"]
    return Table(headings, rows, "RMSE in mean spacings") if len(rows) > 1 else None


def _error(value: Any) -> Cell:
    known = isinstance(value, int | float)
    return Cell(f"{value:#.3g}", float(value)) if known else Cell(NOTHING)


def _values(values: Iterable[Any]) -> str:
    counts = Counter(_word(value) for value in values if value is not None)
    if len(counts) <= 1:
        return next(iter(counts), "")
    if all(count == 1 for count in counts.values()):
        return f"{len(counts)} different ones"
    listed = [f"{value} ({count} runs)" for value, count in counts.most_common(MOST_VALUES)]
    more = len(counts) - MOST_VALUES
    return ", ".join(listed) + (f" and {more} more" if more > 0 else "")


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
