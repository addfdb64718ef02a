"""What happens while a model is trained: validation error and loss terms against updates."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from zeta_exp.report.evidence import Arm, Source, evidence_of
from zeta_exp.report.plots.style import (
    PREDICTION,
    REFERENCE,
    drawn_arms,
    grid,
    label_outer,
    legend_below,
    log_axis,
    log_errors,
    look,
    mark_level,
    single,
    styled,
    titles,
)
from zeta_exp.report.run_directory import read_metrics
from zeta_exp.report.runs import Run
from zeta_exp.split import HEADLINE

Curve = NDArray[np.float64]
Columns = Mapping[str, Curve]  # of metrics.csv

POINTS = 120  # of a curve; an epoch more or less can't be seen
TERMS = {  # column of metrics.csv: what it is, and whether its axis is logarithmic
    "mse": ("mse: squared error", True),
    "gue_nll": ("gue_nll: spacings' negative log-likelihood", False),
    "gue_nll_matched": ("gue_nll_matched: its square from the law's", True),
    "gue_mmd": ("gue_mmd: distance from random matrices", True),
    "rg": ("rg: disagreement between scales", True),
}


@styled
def learning_curves(source: Source) -> Figure:
    """RMSE of validation against updates; of a single run over the next ordinals too."""
    evidence = evidence_of(source)
    if len(evidence.shown) == 1:
        return _of_one(evidence.shown[0])
    panels = evidence.panels
    title = "Learning curves: median over the runs of an arm, and their range"
    figure, axes = grid(titles(panels, title))
    for panel, place in zip(panels, axes, strict=False):
        for number, arm in enumerate(drawn_arms(panel)):
            _draw_arm(place, arm, number, "val_rmse")
        log_errors(place)
        place.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    label_outer(axes, "optimiser updates", "validation RMSE\n(mean spacings)")
    legend_below(figure, axes)
    return figure


def _of_one(run: Run) -> Figure:
    metrics = read_metrics(run.path)
    figure, axes = single("Learning curves")
    curves = [
        ("val_rmse", REFERENCE, "o", "validation (last 10%)"),
        ("extrapolation_error", PREDICTION, "s", f"next {HEADLINE} (never used to choose)"),
    ]
    for column, colour, marker, label in curves:
        x, y = _finite(metrics, column)
        last = f": {y[-1]:#.3g} at last" if y.size else ""
        axes.plot(
            x, y, color=colour, marker=marker, markersize=3, linewidth=1.4, label=label + last
        )
    smooth = run.result.get("baselines", {}).get("smooth", {}).get("next10pct")
    if smooth:
        mark_level(axes, smooth, f"smooth count, no fluctuation predicted: {smooth:#.3g}")
    log_errors(axes)
    axes.margins(y=0.1)
    axes.set_ylabel("RMSE (mean spacings)")
    axes.set_xlabel("optimiser updates")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    legend_below(figure, [axes], columns=2)
    return figure


@styled
def loss_terms(source: Source) -> Figure:
    """Every loss term on the validation range against updates, whatever its weight is."""
    evidence = evidence_of(source)
    arms = [arm for panel in evidence.panels for arm in drawn_arms(panel)]
    figure = Figure(figsize=(10.5, 6.4), layout="constrained")
    *axes, spare = figure.subplots(2, 3, sharex=True).ravel()
    spare.remove()
    for place, (term, (title, is_log)) in zip(axes, TERMS.items(), strict=True):
        for number, arm in enumerate(arms):
            _draw_arm(place, arm, number, term, band=len(arms) == 1)
        place.set_title(title, fontsize=10)
        if is_log:
            place.set_yscale("log")
            log_axis(place.yaxis)
        place.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        place.tick_params(labelbottom=True)
        place.set_ylabel("value, unweighted")
        place.set_xlabel("optimiser updates")
    if any(arm.label for arm in arms):
        legend_below(figure, axes)
    return figure


def _draw_arm(axes: Axes, arm: Arm, number: int, column: str, *, band: bool = True) -> None:
    """Median of an arm's runs and, where there are several, the range of them."""
    style = look(arm.role, number)
    curves = [_finite(read_metrics(run.path), column) for run in arm.runs]
    curves = [curve for curve in curves if curve[0].size]
    if not curves:
        return
    x, values = _together(curves)
    label = arm.label or None
    axes.plot(
        x, np.median(values, axis=0), color=style.colour, linestyle=style.dash, label=label, lw=1.5
    )
    if band and len(curves) > 1:
        low, high = values.min(axis=0), values.max(axis=0)
        axes.fill_between(x, low, high, color=style.colour, alpha=0.18, linewidth=0)


def _together(curves: Sequence[tuple[Curve, Curve]]) -> tuple[Curve, Curve]:
    """Curves at the same places, from the last first place to the first last one: (P,), (R, P)."""
    first = max(x[0] for x, _ in curves)
    last = max(min(x[-1] for x, _ in curves), first)
    places = np.unique(np.concatenate([x for x, _ in curves]))
    places = places[(places >= first) & (places <= last)]
    if places.size > POINTS:
        places = places[np.linspace(0, places.size - 1, POINTS).astype(int)]
    return places, np.array([np.interp(places, x, y) for x, y in curves])


def _finite(metrics: Columns, column: str) -> tuple[Curve, Curve]:
    """Updates and values of the epochs in which the column was measured."""
    if column not in metrics:
        return np.empty(0), np.empty(0)
    measured = np.isfinite(metrics[column])
    return metrics["updates"][measured], metrics[column][measured]
