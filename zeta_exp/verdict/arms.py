"""Every arm of a study in one row: a description, from which no verdict follows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeta_exp.report.runs import Run
from zeta_exp.verdict import labels
from zeta_exp.verdict.pairs import Question
from zeta_exp.verdict.study import Study


@dataclass(frozen=True)
class Arm:
    """Runs equal but for seed and start."""

    label: str
    level: str  # of the factor
    runs: int
    error: float  # geometric mean of the metric
    lowest: float
    highest: float
    updates: float | None  # medians
    node_visits: float | None
    wall_s: float | None
    peak_rss_mb: float | None
    cost_usd: float | None  # of all runs together; None where none is known


@dataclass(frozen=True)
class Group:
    """Runs equal but for seed and start."""

    label: str
    level: Any  # of the factor
    runs: list[Run]


def arms_of(runs: Sequence[Run], study: Study, question: Question, metric: str) -> list[Arm]:
    """The arms, by N and then by their error, the smallest first."""
    groups = groups_of(runs, study, question)
    arms = [_arm(group.label, str(group.level), group.runs, metric) for group in groups]
    sizes = [int(group.runs[0].config["N"]) for group in groups]
    order = sorted(range(len(arms)), key=lambda place: (sizes[place], arms[place].error))
    return [arms[place] for place in order]


def groups_of(runs: Sequence[Run], study: Study, question: Question) -> list[Group]:
    """Runs of one arm, told the same but for seed and start, in the order of their first ones."""
    groups: dict[Any, list[Run]] = defaultdict(list)
    levels: dict[Any, Any] = {}
    kept: dict[Any, dict[str, str]] = {}
    for run in runs:
        told = question.settings_of(run)
        settings = {**told.shared, **({} if question.is_without(told.level) else told.own)}
        key = (study.arm(run) or "", str(told.level), tuple(sorted(settings.items())))
        groups[key].append(run)
        levels[key], kept[key] = told.level, settings
    names = labels.labels([kept[key] for key in groups])
    return [
        Group(f"{key[0]}: {name}" if key[0] else name, levels[key], groups[key])
        for key, name in zip(groups, names, strict=True)
    ]


def _arm(label: str, level: str, runs: Sequence[Run], metric: str) -> Arm:
    errors = np.array([float(run.result[metric]) for run in runs])
    costs = _known(runs, "cost_usd")
    return Arm(
        label=label,
        level=level,
        runs=len(runs),
        error=float(np.exp(np.log(errors).mean())),
        lowest=float(errors.min()),
        highest=float(errors.max()),
        updates=_median(runs, "updates"),
        node_visits=_median(runs, "node_visits"),
        wall_s=_median(runs, "wall_s"),
        peak_rss_mb=_median(runs, "peak_rss_mb"),
        cost_usd=sum(costs) if costs else None,
    )


def _known(runs: Sequence[Run], name: str) -> list[float]:
    values = (run.result.get(name) for run in runs)
    return [float(value) for value in values if isinstance(value, int | float)]


def _median(runs: Sequence[Run], name: str) -> float | None:
    values = _known(runs, name)
    return float(np.median(values)) if values else None
