"""What a model says of zeros beyond those it has seen: residuals, and the error by distance."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from zeta_exp.evaluation.statistics import r_squared, rmse
from zeta_exp.report.evidence import Arm, Source, evidence_of, one_of
from zeta_exp.report.plots.style import (
    GREY,
    PREDICTION,
    TRUTH,
    drawn_arms,
    grid,
    label_outer,
    legend_below,
    log_axis,
    log_errors,
    look,
    styled,
    titles,
)
from zeta_exp.report.run_directory import Residuals, read_window
from zeta_exp.split import HEADLINE

SCATTERED = 2_000  # points of the scatter at most; more only darken it
BINS_A_DECADE = 4  # of the distance beyond the range
NEAREST = 10  # ordinals of the first bin: an RMSE of fewer is noise


@styled
def extrapolation(source: Source) -> Figure:
    """Predicted against true residual beyond the range: the next 100 ordinals and all of them."""
    evidence = evidence_of(source)
    run = one_of(evidence.panels[0].arms)
    window = read_window(run.path, "ext")
    near = window.first(HEADLINE)
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    panels = figure.add_gridspec(2, 2, width_ratios=(1.7, 1), height_ratios=(2, 1))
    line = figure.add_subplot(panels[0, 0])
    error = figure.add_subplot(panels[1, 0], sharex=line)
    scatter = figure.add_subplot(panels[:, 1])
    _draw_residuals(line, near)
    _draw_errors(error, near)
    _draw_scatter(scatter, window)
    line.tick_params(labelbottom=False)
    return figure


@styled
def horizon(source: Source) -> Figure:
    """RMSE by the distance beyond the last ordinal seen, beside that of the smooth count."""
    panels = evidence_of(source).panels
    title = "Error by distance beyond the last zero seen"
    figure, axes = grid(titles(panels, title))
    for panel, place in zip(panels, axes, strict=False):
        for number, arm in enumerate(drawn_arms(panel)):
            _draw_horizon(place, arm, number)
        smooth = [by_distance(read_window(run.path, "ext"), 0) for run in panel.arms[0].runs]
        _draw_band(place, smooth, GREY, ":", "smooth count, no fluctuation predicted")
        place.set_xscale("log")
        log_axis(place.xaxis)
        log_errors(place)
    label_outer(axes, "ordinals beyond the range", "RMSE (mean spacings)")
    legend_below(figure, axes)
    return figure


def by_distance(
    window: Residuals, share: float = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RMSE in bins of distance from the range, equal on a logarithmic scale: (B,) middles, (B,).

    share: of the prediction, 0 for the smooth count, which predicts δ = 0.  The first bin holds
    NEAREST ordinals.
    """
    distance = np.arange(1, len(window) + 1)
    decades = np.log10(max(len(window) / NEAREST, 1))
    count = max(int(np.ceil(decades * BINS_A_DECADE)), 1)
    inner = np.geomspace(NEAREST, max(len(window), NEAREST), count + 1)
    edges = np.unique(np.concatenate([[0], np.round(inner)]))
    place = np.searchsorted(edges, distance, side="left") - 1
    squares = (share * window.predicted - window.true) ** 2
    held = np.bincount(place, minlength=edges.size - 1).astype(np.float64)
    sums = np.bincount(place, squares, minlength=edges.size - 1)
    middles = np.sqrt(np.maximum(edges[:-1], 1) * edges[1:])
    full = held > 0
    return middles[full], np.sqrt(sums[full] / held[full])


def _draw_horizon(axes: Axes, arm: Arm, number: int) -> None:
    style = look(arm.role, number)
    curves = [by_distance(read_window(run.path, "ext")) for run in arm.runs]
    _draw_band(axes, curves, style.colour, style.dash, arm.label or "this model", style.marker)


def _draw_band(
    axes: Axes,
    curves: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    colour: str,
    dash: object,
    label: str,
    marker: str = "",
) -> None:
    """Root mean square over runs, and their range; of the bins that all of them have."""
    bins = min(x.size for x, _ in curves)
    x = curves[0][0][:bins]
    values = np.array([y[:bins] for _, y in curves])
    middle = np.sqrt((values**2).mean(axis=0))
    axes.plot(x, middle, color=colour, linestyle=dash, marker=marker, ms=4, lw=1.5, label=label)
    if len(curves) > 1 and marker:
        low, high = values.min(axis=0), values.max(axis=0)
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def _draw_residuals(axes: Axes, window: Residuals) -> None:
    axes.plot(window.n, window.true, color=TRUTH, linewidth=1, label="zeros, δ")
    axes.plot(
        window.n,
        window.predicted,
        color=PREDICTION,
        linestyle="none",
        marker="o",
        markersize=4.5,
        markerfacecolor="none",
        label="prediction",
    )
    axes.set_title(f"The next {len(window)} ordinals, {window.span}")
    axes.set_ylabel("residual δ (mean spacings)")
    axes.legend(ncols=2, loc="upper right")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.14 * (high - low))  # room for the legend


def _draw_errors(axes: Axes, window: Residuals) -> None:
    error = window.predicted - window.true
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.vlines(window.n, 0, error, color=PREDICTION, linewidth=1.2)
    axes.plot(window.n, error, "o", color=PREDICTION, markersize=2.5)
    rms = rmse(window.predicted, window.true)
    axes.set_title(f"Prediction − truth: RMSE {rms:.3g} mean spacings", fontsize=10)
    axes.set_ylabel("error (spacings)")
    axes.set_xlabel("ordinal n")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _draw_scatter(axes: Axes, window: Residuals) -> None:
    rms, r2 = rmse(window.predicted, window.true), r_squared(window.predicted, window.true)
    ends = np.array([window.true.min(), window.true.max()])
    axes.plot(ends, ends, color=GREY, linewidth=1, label="exact")
    each = slice(None, None, -(-len(window) // SCATTERED))
    axes.plot(
        window.true[each],
        window.predicted[each],
        ".",
        color=PREDICTION,
        markersize=3,
        alpha=0.6,
    )
    axes.set_title(f"All {len(window):,} ordinals beyond the range")
    axes.set_xlabel("true residual δ (mean spacings)")
    axes.set_ylabel("predicted residual (mean spacings)")
    axes.annotate(
        f"RMSE {rms:.3g}\nR² = {r2:.4g}", (0.05, 0.95), xycoords="axes fraction", va="top"
    )
    axes.legend(loc="lower right")
