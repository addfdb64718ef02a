"""The figures of a run: learning curves, extrapolation, and the spacing histogram.

Each function reads a run directory and returns a matplotlib Figure; `write_plots` saves them all.
Colours are those of Okabe and Ito (2008), distinct to colour-blind readers.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from zeta_exp.evaluation.statistics import r_squared, rmse, spacings
from zeta_exp.report.run_directory import Residuals, read_metrics, read_result, read_window
from zeta_exp.split import HEADLINE
from zeta_exp.theory.gue import gaudin_law

TRUTH = "#000000"
PREDICTION = "#D55E00"  # vermillion
REFERENCE = "#0072B2"  # blue
GREY = "#767676"

DOTS_PER_INCH = 160
HISTOGRAM_EDGES = np.linspace(0, 3.2, 41)  # (41,) gaps in mean spacings


def learning_curves(run: Path) -> Figure:
    """RMSE of validation and of the next ordinals against updates, beside the smooth count."""
    metrics = read_metrics(run)
    smooth = read_result(run)["baselines"]["smooth"]["next10pct"]
    figure, axes = _single_panel("Learning curves")
    curves = [
        ("val_rmse", REFERENCE, "o", "validation (last 10%)"),
        ("extrapolation_error", PREDICTION, "s", f"next {HEADLINE} (never used to choose)"),
    ]
    for column, colour, marker, label in curves:
        x, y = _finite(metrics["updates"], metrics[column])
        last = f": {y[-1]:#.3g} at last" if y.size else ""
        axes.plot(
            x, y, color=colour, marker=marker, markersize=3, linewidth=1.4, label=label + last
        )
    _mark_level(axes, smooth, rf"smooth count, $\hat\delta_n = 0$: {smooth:#.3g}")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.margins(y=0.1)
    axes.set_ylabel("RMSE (mean spacings)")
    axes.set_xlabel("optimiser updates")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def extrapolation(run: Path) -> Figure:
    """Predicted against true residual beyond the range: the next 100 ordinals and all of them."""
    window = read_window(run, "ext")
    near = window.first(HEADLINE)
    figure = Figure(figsize=(11, 5), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.7, 1), height_ratios=(2, 1))
    line = figure.add_subplot(grid[0, 0])
    error = figure.add_subplot(grid[1, 0], sharex=line)
    scatter = figure.add_subplot(grid[:, 1])
    _draw_residuals(line, near)
    _draw_errors(error, near)
    _draw_scatter(scatter, window)
    for axes in (line, error, scatter):
        _tidy(axes)
    line.tick_params(labelbottom=False)
    return figure


def spacing_histogram(run: Path) -> Figure:
    """Gaps of prediction and truth over all ordinals not trained on, beside the GUE limit law."""
    window = read_window(run, "val").followed_by(read_window(run, "ext"))
    figure, axes = _single_panel(f"Unfolded gaps for {_range(window)}, none of them trained on")
    truth, prediction = _gaps(window.n, window.true), _gaps(window.n, window.predicted)
    axes.stairs(
        _density(truth),
        HISTOGRAM_EDGES,
        fill=True,
        color=TRUTH,
        alpha=0.18,
        label=_legend("zeros", truth),
    )
    axes.stairs(
        _density(prediction),
        HISTOGRAM_EDGES,
        color=PREDICTION,
        linewidth=1.6,
        label=_legend("prediction", prediction),
    )
    s = np.linspace(HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1], 321)
    axes.plot(
        s, gaudin_law().density(s), color=REFERENCE, linewidth=1.6, label="GUE limit (Gaudin law)"
    )
    axes.set_xlim(HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel(r"gap $s_n = 1 + \delta_{n+1} - \delta_n$ (mean spacings)")
    axes.set_ylabel("probability density (per mean spacing)")
    axes.legend(frameon=False, fontsize=9)
    return figure


FIGURES: dict[str, Callable[[Path], Figure]] = {
    "learning_curves": learning_curves,
    "extrapolation": extrapolation,
    "spacing_histogram": spacing_histogram,
}


def write_plots(run: Path) -> list[Path]:
    """Save every figure as `run/plots/<name>.png`; the paths written."""
    folder = Path(run) / "plots"
    folder.mkdir(exist_ok=True)
    paths = []
    for name, draw in FIGURES.items():
        path = folder / f"{name}.png"
        draw(Path(run)).savefig(path, dpi=DOTS_PER_INCH)
        paths.append(path)
    return paths


def _draw_residuals(axes: Axes, window: Residuals) -> None:
    axes.plot(window.n, window.true, color=TRUTH, linewidth=1, label=r"zeros, $\delta_n$")
    axes.plot(
        window.n,
        window.predicted,
        color=PREDICTION,
        linestyle="none",
        marker="o",
        markersize=4.5,
        markerfacecolor="none",
        label=r"prediction, $\hat\delta_n$",
    )
    axes.set_title(f"The next {len(window)} ordinals, {_range(window)}")
    axes.set_ylabel("residual (mean spacings)")
    axes.legend(frameon=False, fontsize=9, ncols=2, loc="upper right")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.14 * (high - low))  # room for the legend


def _draw_errors(axes: Axes, window: Residuals) -> None:
    error = window.predicted - window.true
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.vlines(window.n, 0, error, color=PREDICTION, linewidth=1.2)
    axes.plot(window.n, error, "o", color=PREDICTION, markersize=2.5)
    rms = rmse(window.predicted, window.true)
    axes.set_title(f"Error: RMSE {rms:.3g} mean spacings", fontsize=10)
    axes.set_ylabel(r"$\hat\delta_n - \delta_n$ (spacings)")
    axes.set_xlabel(r"ordinal $n$")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _draw_scatter(axes: Axes, window: Residuals) -> None:
    rms, r2 = rmse(window.predicted, window.true), r_squared(window.predicted, window.true)
    ends = np.array([window.true.min(), window.true.max()])
    axes.plot(ends, ends, color=GREY, linewidth=1, label="exact")
    axes.plot(
        window.true,
        window.predicted,
        ".",
        color=PREDICTION,
        markersize=3,
        alpha=0.6,
        rasterized=True,
    )
    axes.set_title(f"All {len(window):,} ordinals beyond the range")
    axes.set_xlabel(r"true residual $\delta_n$ (mean spacings)")
    axes.set_ylabel(r"predicted residual $\hat\delta_n$ (mean spacings)")
    axes.annotate(
        f"RMSE {rms:.3g}\n$R^2$ = {r2:.4g}",
        (0.05, 0.95),
        xycoords="axes fraction",
        va="top",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )
    axes.legend(frameon=False, fontsize=9, loc="lower right")


def _mark_level(axes: Axes, level: float, label: str) -> None:
    axes.axhline(level, color=GREY, linestyle="--", linewidth=1.4)
    axes.annotate(
        label,
        (1, level),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        color=GREY,
        fontsize=9,
    )


def _single_panel(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    _tidy(axes)
    return figure, axes


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def _finite(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    measured = np.isfinite(y)
    return x[measured], y[measured]


def _gaps(n: NDArray[np.int64], residual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unfolded gaps 1 + δ_{n+1} − δ_n wherever n + 1 follows n."""
    return spacings(residual)[np.diff(n) == 1]


def _density(gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Histogram over all gaps, those outside the drawn range included in the total: (40,)."""
    counts, _ = np.histogram(gaps, HISTOGRAM_EDGES)
    return counts / (gaps.size * np.diff(HISTOGRAM_EDGES))


def _legend(name: str, gaps: NDArray[np.float64]) -> str:
    outside = np.mean((gaps < HISTOGRAM_EDGES[0]) | (gaps > HISTOGRAM_EDGES[-1]))
    remark = f", {outside:.1%} outside the figure" if outside else ""
    return f"{name}: variance {gaps.var():#.3g}{remark}"


def _range(window: Residuals) -> str:
    return f"$n$ = {window.n[0]:,} to {window.n[-1]:,}"
