"""How much training a run needs to come near its final validation error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeta_exp.errors import UserError
from zeta_exp.metrics import Row
from zeta_exp.report.runs import Run, read_metrics_of
from zeta_exp.verdict.effects import Array, effect_of
from zeta_exp.verdict.pairs import Comparison

NEAR = 1.1  # times the final validation error
CURRENCIES = ("updates", "node_visits", "wall_s")


@dataclass(frozen=True)
class Speed:
    """What it costs the arms to come near their final error, in one currency."""

    without: float  # geometric mean over the runs
    with_it: float
    ratio: float  # without / with; above 1: with the factor training is faster
    low: float | None  # 95% interval of the ratio; None where one pair alone was measured
    high: float | None


def spent(rows: Sequence[Row], final: float) -> dict[str, float]:
    """Updates, node visits and seconds at the first epoch with `val_rmse` ≤ 1.1 × `final`.

    The resolution is one epoch; where no epoch comes so near, the whole training counts.
    """
    near = (row for row in rows if row["val_rmse"] <= NEAR * final)
    row = next(near, rows[-1])
    return {name: row[name] for name in CURRENCIES}


def speeds(comparison: Comparison) -> dict[str, Speed]:
    """The speed in each currency, over a complete table of pairs.

    Raises UserError where a run has no metrics.csv, or an empty one.
    Each run is held against its own final error: an arm that ends worse may get there sooner.
    """
    arms = [_costs([pair[arm] for pair in comparison.pairs.values()]) for arm in (0, 1)]
    shape = (len(comparison.seeds), len(comparison.origins))
    found = {}
    for name in CURRENCIES:
        logs = [np.log(np.maximum([run[name] for run in arm], 1e-9)) for arm in arms]
        ratio = effect_of((logs[0] - logs[1]).reshape(shape))
        low, high = (float(np.exp(bound)) for bound in ratio.interval(0.95))
        bounded = ratio.scope != "none"
        found[name] = Speed(
            without=float(np.exp(logs[0].mean())),
            with_it=float(np.exp(logs[1].mean())),
            ratio=float(np.exp(ratio.estimate)),
            low=low if bounded else None,
            high=high if bounded else None,
        )
    return found


def _costs(runs: list[Run]) -> list[dict[str, float]]:
    rows = read_metrics_of(runs)
    for run, epochs in zip(runs, rows, strict=True):
        if not epochs:
            raise UserError(f"{run.path} has no epoch in its metrics.csv: run it again")
    return [spent(epochs, _final(run, epochs)) for run, epochs in zip(runs, rows, strict=True)]


def _final(run: Run, rows: Sequence[Row]) -> float:
    return float(run.result.get("val_rmse") or rows[-1]["val_rmse"])


def table_of(comparison: Comparison, metric: str) -> Array:
    """(S, O) log ratios of the metric, without / with, of a complete comparison."""
    ratios = [
        np.log(without.result[metric] / with_it.result[metric])
        for without, with_it in comparison.pairs.values()
    ]
    return np.reshape(ratios, (len(comparison.seeds), len(comparison.origins)))
