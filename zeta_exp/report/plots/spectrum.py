"""Spacings of prediction and zeros, beside random matrices and Berry's formula."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.evaluation.statistics import spacings
from zeta_exp.report.evidence import Panel, Source, evidence_of
from zeta_exp.report.plots.style import (
    GREEN,
    PURPLE,
    TRUTH,
    drawn_arms,
    legend_below,
    log_axis,
    look,
    single,
    styled,
)
from zeta_exp.report.run_directory import read_window
from zeta_exp.report.runs import Run
from zeta_exp.theory.gue import gaudin_law
from zeta_exp.theory.rigidity import LEAST_HEIGHT, gue_number_variance, zeta_number_variance

Values = NDArray[np.float64]

HISTOGRAM_EDGES = np.linspace(0, 3.2, 41)  # (41,) gaps in mean spacings
POOLED = 20  # runs of an arm whose gaps are counted together
# (670,) lengths L at which laws are drawn: the shortest wave of Berry's formula is about 2 long
CURVE = np.concatenate([np.geomspace(0.5, 5, 70), np.linspace(5, 100, 601)[1:]])


@styled
def spacing_histogram(source: Source) -> Figure:
    """Gaps of prediction and truth over all ordinals not trained on, beside the GUE limit law."""
    panel = evidence_of(source).panels[0]
    figure, axes = single(_titled("Unfolded gaps, none of them trained on", panel))
    truth = np.concatenate([_gaps(run)[0] for run in _origins(panel)])
    axes.stairs(
        _density(truth),
        HISTOGRAM_EDGES,
        fill=True,
        color=TRUTH,
        alpha=0.18,
        label=_legend("zeros", truth),
    )
    for number, arm in enumerate(drawn_arms(panel)):
        style = look(arm.role, number)
        gaps = np.concatenate([_gaps(run)[1] for run in arm.runs[:POOLED]])
        axes.stairs(
            _density(gaps),
            HISTOGRAM_EDGES,
            color=style.colour,
            linestyle=style.dash,
            linewidth=1.6,
            label=_legend(arm.label or "prediction", gaps),
        )
    s = np.linspace(HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1], 161)
    axes.plot(
        s, gaudin_law().density(s), color=GREEN, linewidth=1.4, label="GUE limit (Gaudin law)"
    )
    axes.set_xlim(HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("gap between neighbouring levels (mean spacings)")
    axes.set_ylabel("probability density (per mean spacing)")
    axes.legend()
    return figure


@styled
def pair_correlation(source: Source) -> Figure:
    """Pairs by their distance, of prediction and zeros, beside Montgomery's 1 − sinc²."""
    panel = evidence_of(source).panels[0]
    spectra = _spectra(panel)
    edges = np.array(spectra[0]["axes"]["pair_correlation"])
    figure, axes = single(_titled("Pair correlation on the validation range", panel))
    u = np.linspace(0, edges[-1], 241)
    axes.plot(u, 1 - np.sinc(u) ** 2, color=GREEN, lw=1.6, label="GUE: 1 − (sin πu / πu)²")
    truth, _ = _mean(_origins(panel), "truth", "pair_correlation")
    axes.stairs(truth, edges, fill=True, color=TRUTH, alpha=0.18, label="zeros")
    middles = (edges[:-1] + edges[1:]) / 2
    _draw_arms(axes, panel, "pair_correlation", middles)
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("distance u (mean spacings)")
    axes.set_ylabel("pairs per level and mean spacing")
    axes.legend(loc="lower right")
    return figure


@styled
def number_variance(source: Source) -> Figure:
    """Variance of the count of levels in an interval, with Berry's saturation at the height."""
    panel = evidence_of(source).panels[0]
    spectra = _spectra(panel)
    lengths = np.array(spectra[0]["axes"]["number_variance"])
    height = float(np.median([spectrum["height"] for spectrum in spectra]))
    figure, axes = single(_titled("Number variance on the validation range", panel))
    axes.plot(CURVE, gue_number_variance(CURVE), color=GREEN, lw=1.6, label="GUE: grows like log L")
    if height > LEAST_HEIGHT:
        berry = zeta_number_variance(CURVE, height)
        label = f"zeros near t = {height:,.0f}, Berry 1988: saturates"
        axes.plot(CURVE, berry, color=PURPLE, lw=1.6, label=label)
    truth, error = _mean(_origins(panel), "truth", "number_variance")
    axes.errorbar(lengths, truth, error, fmt="_", ms=9, color=TRUTH, elinewidth=1, label="zeros")
    _draw_arms(axes, panel, "number_variance", lengths)
    axes.set_xscale("log")
    log_axis(axes.xaxis)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("length L of the interval (mean spacings)")
    axes.set_ylabel("variance of the count, Σ²(L)")
    legend_below(figure, [axes], columns=2)
    return figure


def _draw_arms(axes: Axes, panel: Panel, statistic: str, x: Values) -> None:
    """The mean over the runs of each arm; of a single run with standard errors."""
    for number, arm in enumerate(drawn_arms(panel)):
        style = look(arm.role, number)
        known = [run for run in arm.runs if _spectrum(run).get("prediction")]
        if not known:
            continue
        values, error = _mean(known, "prediction", statistic)
        axes.errorbar(
            x,
            values,
            error,
            color=style.colour,
            fmt=style.marker,
            markersize=4,
            markerfacecolor="none",
            elinewidth=1,
            label=arm.label or "prediction",
        )


def _mean(runs: Sequence[Run], whose: str, statistic: str) -> tuple[Values, Values | None]:
    """A statistic's mean over runs and, of a single one, its standard errors where measured."""
    found = [_spectrum(run)[whose] for run in runs if _spectrum(run).get(whose)]
    values = np.array([one[statistic] for one in found], dtype=np.float64)
    if len(found) > 1:
        return values.mean(axis=0), None
    error = np.array(found[0]["errors"][statistic], dtype=np.float64)
    return values[0], error if np.isfinite(error).all() else None


def _spectrum(run: Run) -> Mapping[str, Any]:
    return run.result.get("spectrum") or {}


def _spectra(panel: Panel) -> list[Mapping[str, Any]]:
    """Those of the runs.  Raises UserError where none has one."""
    found = [_spectrum(run) for run in panel.runs if _spectrum(run)]
    if not found:
        raise UserError(
            "no run has spectral statistics in its result.json, as runs of older versions: run it "
            "again"
        )
    return found


def _origins(panel: Panel) -> list[Run]:
    """A run for each stretch of zeros, whose truth is the same in all runs."""
    first: dict[object, Run] = {}
    for run in panel.runs:
        provenance = run.provenance
        key = (provenance.get("start"), provenance.get("N"), provenance.get("zeros_sha256"))
        first.setdefault(key, run)
    return list(first.values())[:POOLED]


def _titled(title: str, panel: Panel) -> str:
    return f"{title}\n{panel.label}" if panel.label else title


def _gaps(run: Run) -> tuple[Values, Values]:
    """Unfolded gaps 1 + δ_{n+1} − δ_n wherever n + 1 follows n: of the zeros, of the prediction."""
    window = read_window(run.path, "val").followed_by(read_window(run.path, "ext"))
    follows = np.diff(window.n) == 1
    return spacings(window.true)[follows], spacings(window.predicted)[follows]


def _density(gaps: Values) -> Values:
    """Histogram over all gaps, those outside the drawn range included in the total: (40,)."""
    counts, _ = np.histogram(gaps, HISTOGRAM_EDGES)
    return counts / (gaps.size * np.diff(HISTOGRAM_EDGES))


def _legend(name: str, gaps: Values) -> str:
    outside = np.mean((gaps < HISTOGRAM_EDGES[0]) | (gaps > HISTOGRAM_EDGES[-1]))
    remark = f", {outside:.1%} outside the figure" if outside else ""
    return f"{name}: variance {gaps.var():#.3g}{remark}"
