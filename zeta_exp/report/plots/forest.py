"""The effect of the factor in every group of pairs, with its intervals: a forest plot."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from zeta_exp.errors import UserError
from zeta_exp.report.evidence import Source, evidence_of
from zeta_exp.report.plots.style import BLUE, GREY, INK, VERMILLION, counted, styled
from zeta_exp.verdict.decision import ESSENTIAL, HARMS, HELPS, INVALID, UNDECIDED
from zeta_exp.verdict.effects import as_percent
from zeta_exp.verdict.findings import Finding
from zeta_exp.verdict.judge import Judgement

_COLOURS = {ESSENTIAL: VERMILLION, HELPS: VERMILLION, HARMS: BLUE}
_WIDEST = 3.0  # how many times the largest estimate, or the margin, is drawn of the intervals


@styled
def forest(source: Source) -> Figure:
    """How much larger the error is without the factor: a row for each group of pairs, by N."""
    evidence = evidence_of(source)
    judgement = evidence.judgement
    if judgement is None:
        raise UserError(
            evidence.refusal
            or f"{evidence.request.folder} compares no factor, so there is no effect to draw: give "
            "a study, or a sweep in which runs differ in one setting alone"
        )
    findings = sorted(judgement.findings, key=lambda finding: finding.comparison.N)
    figure = Figure(figsize=(9, 1.5 + 0.42 * len(findings)), layout="constrained")
    axes = figure.add_subplot()
    limit = _limit(findings, judgement.request.margin)
    for row, finding in enumerate(findings):
        _draw(axes, row, finding, limit)
    _frame(axes, findings, judgement, limit)
    return figure


def _limit(findings: list[Finding], margin: float) -> float:
    """How far the axis goes either way, in per cent."""
    centre = max([100 * margin, *(abs(_percent(finding.effect.estimate)) for finding in findings)])
    bounds = [
        abs(_percent(bound))
        for finding in findings
        for bound in finding.effect.interval(0.95)
        if np.isfinite(bound)
    ]
    return 1.08 * min(max([centre, *bounds]), _WIDEST * centre)


def _draw(axes: Axes, row: int, finding: Finding, limit: float) -> None:
    """Estimate, 90% and 95% interval; an arrow where the interval goes on."""
    estimate = _percent(finding.effect.estimate)
    colour = _COLOURS.get(finding.verdict, GREY if finding.verdict == INVALID else INK)
    claimed = finding.verdict not in (UNDECIDED, INVALID)
    for level, width in ((0.95, 1.4), (0.9, 3.6)):
        low, high = (_percent(bound) for bound in finding.effect.interval(level))
        if np.isfinite(low):
            axes.plot(
                [max(low, -limit), min(high, limit)],
                [row, row],
                color=colour,
                linewidth=width,
                solid_capstyle="butt",
            )
            for end, sign, mark in ((low, -1, "<"), (high, 1, ">")):
                if abs(end) > limit:
                    axes.plot(
                        0.97 * sign * limit, row, mark, color=colour, markersize=6, clip_on=False
                    )
    axes.plot(
        estimate,
        row,
        "o",
        color=colour,
        markersize=7,
        markerfacecolor=colour if claimed else "white",
        markeredgewidth=1.4,
        zorder=4,
    )
    size = f"{counted(finding.effect.seeds, 'seed')} × {counted(finding.effect.origins, 'origin')}"
    axes.annotate(
        f"{finding.verdict}   ({size})",
        (1.02, row),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=9,
        fontweight="bold" if claimed else "normal",
        annotation_clip=False,
    )


def _frame(axes: Axes, findings: list[Finding], judgement: Judgement, limit: float) -> None:
    """Axes, the margin, and what either side means."""
    factor = judgement.factor.rpartition(".")[2]
    margin = 100 * judgement.request.margin
    low = _percent(-np.log1p(judgement.request.margin))
    axes.axvspan(low, margin, color=GREY, alpha=0.16, linewidth=0)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(findings)), [finding.label for finding in findings])
    axes.set_ylim(len(findings) - 0.5, -0.6)
    axes.set_xlim(-limit, limit)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:+g}%" if x else "0")
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    what = "invalid: a control shows skill" if judgement.invalid else f"margin ±{margin:g}% shaded"
    axes.set_title(f"Change of the error without {factor} ({what})")
    axes.set_xlabel(f"error without {factor}:  ← smaller  |  larger →")


def _percent(log_ratio: ArrayLike) -> float:
    return float(as_percent(log_ratio))
