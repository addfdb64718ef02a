"""What the arms of a study are shown beside: the baselines of its results, and reference runs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeta_exp.report.runs import Run
from zeta_exp.verdict.pairs import heights
from zeta_exp.verdict.problems import listed, usable
from zeta_exp.verdict.study import Study

WINDOWS = {"extrapolation_error_next10pct": "next10pct", "extrapolation_error": "next100"}
BASELINES = ("smooth", "ar2", "linear", "explicit_formula", "prime_tail", "riemann_siegel")


@dataclass(frozen=True)
class Baselines:
    """Errors without training on the origins of one height, geometric means in mean spacings."""

    N: int
    max_prime: int | None  # of the explicit formula and the prime tail
    starts: list[int]
    errors: dict[str, float | None]  # by name; None where it has none, as no prime is left out


@dataclass(frozen=True)
class Reference:
    """Runs that are compared with nothing."""

    name: str
    runs: int
    error: float  # geometric mean of the metric
    lowest: float
    highest: float
    median_error: float | None  # over the next 10%, median over the runs
    lost_share: float | None  # of the predictions there, mean over the runs


def baselines_of(runs: Sequence[Run], metric: str) -> list[Baselines]:
    """The baselines of every N, features and height; none where the metric has none of them."""
    window = WINDOWS.get(metric)
    groups: dict[tuple[Any, ...], dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for run in runs:
        found = run.result.get("baselines")
        if window is not None and isinstance(found, Mapping):
            features = run.config.get("features") or {}
            place = (run.config.get("evaluation") or {}).get("max_prime")
            key = (int(run.config["N"]), place, str(features.get("_target_")))
            groups[key].setdefault(int(run.config["start"]), found)
    return [
        Baselines(
            N=key[0],
            max_prime=key[1],
            starts=starts,
            errors={
                name: _mean([of_start[start].get(name, {}).get(window) for start in starts])
                for name in BASELINES
            },
        )
        for key, of_start in groups.items()
        for starts in heights(of_start, key[0])
    ]


def _mean(errors: Sequence[float | None]) -> float | None:
    """The geometric mean; None where one is missing or zero."""
    if not all(errors):
        return None
    return float(np.exp(np.mean(np.log(np.array(errors, dtype=np.float64)))))


def references_of(runs: Sequence[Run], study: Study, metric: str) -> list[Reference]:
    """One row a name, of the runs that have finished."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if usable(run, metric):
            groups[study.arm(run) or run.name].append(run)
    return [_reference(name, members, metric) for name, members in groups.items()]


def _reference(name: str, runs: Sequence[Run], metric: str) -> Reference:
    errors = np.array([float(run.result[metric]) for run in runs])
    medians, lost = (
        [run.result[key] for run in runs if isinstance(run.result.get(key), int | float)]
        for key in ("next10pct_median_error", "next10pct_lost_share")
    )
    return Reference(
        name=name,
        runs=len(runs),
        error=float(np.exp(np.log(errors).mean())),
        lowest=float(errors.min()),
        highest=float(errors.max()),
        median_error=float(np.median(medians)) if medians else None,
        lost_share=float(np.mean(lost)) if lost else None,
    )


def missing(runs: Sequence[Run], metric: str) -> list[str]:
    """Of the references that have no result, a note."""
    lost = [f"{run.name} ({run.status})" for run in runs if not usable(run, metric)]
    return [f"{len(lost)} references are not shown, not finished: {listed(lost)}"] if lost else []
