"""How much a measure changes from one side of a comparison to another, with an interval."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeta_exp.report.leaderboard import Entry
from zeta_exp.report.sides import Side

LEVEL = 0.95
SIGNED = ("val_r2", "next10pct_r2")  # may be negative: told by their difference, not their ratio
Cell = tuple[Any, Any]  # seed, start


@dataclass(frozen=True)
class Change:
    """From one side to another: of a ratio its logarithm, else the difference."""

    value: float
    low: float | None  # of the interval at LEVEL; None where there are too few seeds
    high: float | None
    paired: bool  # by seed and origin
    ratio: bool

    def __str__(self) -> str:
        if self.value == 0 and not self.high:
            return "="
        if self.low is None or self.high is None or self.low == self.high:
            return self._word(self.value)
        low, high = (self._word(bound).removesuffix("%") for bound in (self.low, self.high))
        return f"{self._word(self.value)} ({low} to {high})"

    def _word(self, value: float) -> str:
        return f"{100 * np.expm1(value):+.1f}%" if self.ratio else f"{value:+.4f}"


def change(one: Side, other: Side, name: str) -> Change | None:
    """How much a measure changes; None where a side lacks it, or a ratio is of no sense.

    Where the two have two or more seeds (and origins) in common, these are paired and seeds and
    origins count as drawn at random (`verdict.effects`); else the interval is Welch's (1947).
    """
    ratio = name not in SIGNED
    cells, others = (_cells(side, name, logarithms=ratio) for side in (one, other))
    if not cells or not others:
        return None
    common = _common(cells, others)
    if common.size > 1:
        return _paired(common, ratio)
    return _unpaired(list(cells.values()), list(others.values()), ratio)


def _cells(side: Side, name: str, *, logarithms: bool) -> Mapping[Cell, float]:
    """The measure, or its logarithm, of each seed and origin; runs made twice count once."""
    found: dict[Cell, list[float]] = defaultdict(list)
    for entry in side.row.entries:
        value = entry.measure(name)
        if value is None or (logarithms and value <= 0):
            return {}
        found[_cell(entry)].append(float(np.log(value)) if logarithms else value)
    return {cell: float(np.mean(values)) for cell, values in found.items()}


def _cell(entry: Entry) -> Cell:
    return entry.settings.get("seed"), entry.settings.get("start")


def _common(one: Mapping[Cell, float], other: Mapping[Cell, float]) -> NDArray[np.float64]:
    """(S, O) differences in the cells that both have; (0, 0) where these are no full table."""
    cells = one.keys() & other.keys()
    seeds, starts = ({cell[axis] for cell in cells} for axis in (0, 1))
    if len(cells) != len(seeds) * len(starts) or not cells:
        return np.empty((0, 0))
    table = [[other[s, o] - one[s, o] for o in sorted(starts)] for s in sorted(seeds)]
    return np.array(table)


def _paired(differences: NDArray[np.float64], ratio: bool) -> Change:
    from zeta_exp.verdict.effects import effect_of

    effect = effect_of(differences)
    low, high = effect.interval(LEVEL)
    return Change(float(effect.estimate), float(low), float(high), True, ratio)


def _unpaired(one: list[float], other: list[float], ratio: bool) -> Change:
    value = float(np.mean(other) - np.mean(one))
    if min(len(one), len(other)) < 2 or np.ptp(one) == np.ptp(other) == 0:
        return Change(value, None, None, False, ratio)
    from scipy import stats

    interval = stats.ttest_ind(other, one, equal_var=False).confidence_interval(LEVEL)
    return Change(value, float(interval.low), float(interval.high), False, ratio)
