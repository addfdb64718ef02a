"""A comparison: what differs in the configs first, then in the numbers, then in circumstances."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zeta_exp.overrides import shown
from zeta_exp.report.board_text import NOTHING, heading
from zeta_exp.report.changes import LEVEL, Change, change
from zeta_exp.report.differences import ABSENT, Difference, differences, overrides
from zeta_exp.report.leaderboard import Mean
from zeta_exp.report.sheet import Sheet
from zeta_exp.report.sides import Side, same_zeros

MEASURES = (
    *("extrapolation_error_next10pct", "extrapolation_error", "val_rmse", "next10pct_r2"),
    "profile_worst_over_best",
    *("n_parameters", "updates", "node_visits", "wall_s", "nodes_per_s", "peak_rss_mb"),
)
_OF_ZEROS = "zeros"  # what begins so differs where other zeros were asked for


@dataclass(frozen=True)
class Comparison:
    """Two or more sides; all are compared with the first."""

    sides: Sequence[Side]
    settings: list[Difference]
    circumstances: list[Difference]
    measures: dict[
        str, tuple[list[Mean | None], list[Change | None]]
    ]  # of each side; of the others


def comparison(sides: Sequence[Side]) -> Comparison:
    """All that differs."""
    told = [side.settings for side in sides]
    around = [side.circumstances for side in sides]
    if not same_zeros(told):
        around = [
            {key: value for key, value in each.items() if not key.startswith(_OF_ZEROS)}
            for each in around
        ]
    keys = list(dict.fromkeys(key for each in around for key in each))
    circumstances = [
        Difference(key, tuple(each.get(key, ABSENT) for each in around)) for key in keys
    ]
    measures = {}
    for name in MEASURES:
        means = [side.row.measure(name) for side in sides]
        if any(means):
            measures[name] = means, [change(sides[0], other, name) for other in sides[1:]]
    return Comparison(
        sides,
        differences(told),
        [each for each in circumstances if any(v != each.values[0] for v in each.values)],
        measures,
    )


def text(found: Comparison) -> str:
    """For a terminal."""
    return _drawn(found, Sheet.text)


def markdown(found: Comparison) -> str:
    """For a page."""
    return _drawn(found, Sheet.markdown)


def _drawn(found: Comparison, draw: Any) -> str:
    parts = ["\n".join(side.title for side in found.sides)]
    if found.settings:
        parts += [draw(_sheet("Config", "setting", found, found.settings)), pasteable(found)]
    else:
        parts.append("The configs are the same.")
    parts += [draw(_measures(found)), _of_intervals(found)]
    if found.circumstances:
        parts.append(draw(_sheet("Provenance", "", found, found.circumstances)))
    else:
        parts.append("Code, versions, device and zeros are the same.")
    return "\n\n".join(parts)


def pasteable(found: Comparison) -> str:
    """The overrides that make each side of any other, a line each."""
    lines = ["as overrides:"]
    for place, side in enumerate(found.sides):
        lines.append(f"  {side.letter}: {overrides(found.settings, place)}")
    return "\n".join(lines)


def _sheet(title: str, first: str, found: Comparison, told: Sequence[Difference]) -> Sheet:
    headings = [first, *(side.letter for side in found.sides)]
    return Sheet(title, headings, [[each.key, *map(_word, each.values)] for each in told])


def _measures(found: Comparison) -> Sheet:
    first, *others = (side.letter for side in found.sides)
    headings = ["", first, *others, *(f"{other} against {first}" for other in others)]
    rows = [
        [heading(name), *(NOTHING if m is None else str(m) for m in means), *map(_changed, changes)]
        for name, (means, changes) in found.measures.items()
    ]
    return Sheet("Results", headings, rows)


def _of_intervals(found: Comparison) -> str:
    """What the numbers in brackets are, or why there are none."""
    changes = [c for _, each in found.measures.values() for c in each if c is not None]
    with_interval = [c for c in changes if c.low is not None and c.low == c.low]
    unit = "errors are RMSE in mean spacings"
    if not with_interval:
        return f"{unit}; one seed says nothing about chance: no interval"
    how = "paired by seed and origin" if all(c.paired for c in with_interval) else "by Welch's t"
    return f"{unit}: mean ± standard deviation over seeds; in brackets {LEVEL:.0%} intervals, {how}"


def _changed(found: Change | None) -> str:
    return NOTHING if found is None else str(found)


def _word(value: Any) -> str:
    return NOTHING if value is ABSENT else shown(value)


def as_json(found: Comparison) -> str:
    """Everything."""
    answer = {
        "sides": {
            side.letter: {"path": side.path, "runs": [e.name for e in side.row.entries]}
            for side in found.sides
        },
        "config": {each.key: _by_side(found, each) for each in found.settings},
        "overrides": {
            side.letter: overrides(found.settings, place) for place, side in enumerate(found.sides)
        },
        "results": {
            name: {
                side.letter: None if mean is None else vars(mean)
                for side, mean in zip(found.sides, means, strict=True)
            }
            | {
                f"{side.letter}/{found.sides[0].letter}": None if c is None else vars(c)
                for side, c in zip(found.sides[1:], changes, strict=True)
            }
            for name, (means, changes) in found.measures.items()
        },
        "provenance": {each.key: _by_side(found, each) for each in found.circumstances},
    }
    return json.dumps(answer, indent=2)


def _by_side(found: Comparison, told: Difference) -> dict[str, Any]:
    """A side that has no such key is left out."""
    pairs = zip(found.sides, told.values, strict=True)
    return {side.letter: value for side, value in pairs if value is not ABSENT}


FORMATS = {"table": text, "markdown": markdown, "json": as_json}
