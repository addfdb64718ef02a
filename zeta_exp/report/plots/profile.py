"""The error against the ordinal, from the first zero seen to the end of the next tenth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, MultipleLocator, StrMethodFormatter
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.evaluation.profile import Profile
from zeta_exp.report.evidence import Arm, Panel, Source, evidence_of
from zeta_exp.report.plots.style import (
    BLUE,
    GREY,
    MOST_PANELS,
    drawn_arms,
    grid,
    label_outer,
    legend_below,
    log_errors,
    look,
    styled,
    titles,
)
from zeta_exp.report.runs import Run
from zeta_exp.split import Split

EACH = 6  # runs of an arm that are drawn each by itself; of more, their range
TITLE = "Error along the line"


@dataclass(frozen=True)
class Scale:
    """The axis of ordinals: n itself where all runs see the same zeros, else the share of N."""

    split: Split | None  # of all runs; None where they have several

    @property
    def label(self) -> str:
        """The name of the axis."""
        if self.split is None:
            return "place on the line (% of the seen range)"
        return f"ordinal n − {self._origin:,}" if self._origin else "ordinal n"

    @property
    def _origin(self) -> int:
        """Subtracted from ordinals that have too many digits to be told apart; or 0."""
        return self.split.start if self.split and self.split.start > 10 * self.split.N else 0

    def place(self, ordinal: NDArray[np.float64] | int, split: Split) -> NDArray[np.float64]:
        """Where an ordinal of a run with this split is drawn."""
        if self.split is None:
            return np.asarray(100 * (ordinal - split.start) / split.N)
        return np.asarray(ordinal - self._origin, dtype=np.float64)


@styled
def profile(source: Source) -> Figure:
    """RMSE in windows along the line, of each run and their median, with the ranges shaded."""
    panels = evidence_of(source).panels
    shown = panels[:MOST_PANELS]
    splits = {_split(run) for panel in shown for arm in drawn_arms(panel) for run in _told(arm)}
    if not splits:
        raise UserError(
            "no run here has measured its error along the line, which older versions did not: run "
            "one again with this version"
        )
    scale = Scale(next(iter(splits)) if len(splits) == 1 else None)
    figure, axes = grid(titles(panels, _title(shown)))
    for panel, place in zip(shown, axes, strict=True):
        for number, arm in enumerate(drawn_arms(panel)):
            _draw_arm(place, arm, number, scale)
        _draw_levels(place, panel)
        _shade(place, scale, next(iter(splits)))
        _mark_axes(place, scale, 6 if len(axes) == 1 else 4)
    label_outer(axes, scale.label, "RMSE (mean spacings)")
    legend_below(figure, axes)
    return figure


def _title(panels: Sequence[Panel]) -> str:
    """With the ratio, where there is a single run."""
    runs = [run for panel in panels for run in panel.runs]
    only = Profile.of(runs[0].result) if len(runs) == 1 else None
    if only is None or not np.isfinite(only.worst_over_best):
        return TITLE
    return f"{TITLE}: worst tenth {only.worst_over_best:.3g} times the best"


def _told(arm: Arm) -> list[Run]:
    """The runs of the arm that have a profile."""
    return [run for run in arm.runs if Profile.of(run.result) is not None]


def _split(run: Run) -> Split:
    return Split(int(run.provenance["start"]), int(run.provenance["N"]))


def _shade(axes: Axes, scale: Scale, split: Split) -> None:
    """Validation and the range beyond are shaded; what is not was trained on."""
    for (start, stop), colour, label in (
        (split.validation, GREY, "validation (last 10%)"),
        (split.next_tenth, BLUE, "beyond the range (next 10%)"),
    ):
        ends = scale.place(start, split), scale.place(stop, split)
        axes.axvspan(*map(float, ends), color=colour, alpha=0.13, linewidth=0, label=label)


def _draw_arm(axes: Axes, arm: Arm, number: int, scale: Scale) -> None:
    """The median over the runs; beside it each of a few runs thinly, or the range of many."""
    runs = _told(arm)
    profiles = [found for run in runs if (found := Profile.of(run.result)) is not None]
    if not profiles:
        return
    style = look(arm.role, number)
    x = scale.place(profiles[0].middle, _split(runs[0]))
    values = np.array([each.rmse for each in profiles])
    label = arm.label or "this model"
    axes.plot(
        x,
        np.median(values, axis=0),
        color=style.colour,
        linestyle=style.dash,
        marker=style.marker,
        markersize=3,
        linewidth=1.6,
        label=label if len(runs) == 1 else f"{label}, median",
    )
    if 1 < len(runs) <= EACH:
        axes.plot(x, values.T, color=style.colour, linewidth=0.7, alpha=0.5)
    elif len(runs) > EACH:
        low, high = values.min(axis=0), values.max(axis=0)
        axes.fill_between(x, low, high, color=style.colour, alpha=0.15, linewidth=0)


def _draw_levels(axes: Axes, panel: Panel) -> None:
    """Levels over the next 10% to compare with, where the runs of the panel have one N."""
    if len({run.provenance.get("N") for run in panel.runs}) > 1:
        return
    for name, label, dash in (
        ("linear", "linear (ridge), next 10%", "-."),
        ("prime_tail", "prime-tail scale (a scale, not an error), next 10%", "--"),
    ):
        found = [
            level
            for run in panel.runs
            if (level := ((run.result.get("baselines") or {}).get(name) or {}).get("next10pct"))
        ]
        if found:
            axes.axhline(float(np.mean(found)), color=GREY, linestyle=dash, lw=1, label=label)


def _mark_axes(axes: Axes, scale: Scale, ticks: int) -> None:
    """Marks of both axes; more of errors where they span less than a factor of ten."""
    axes.margins(x=0.01, y=0.08)
    log_errors(axes)
    low, high = axes.get_ylim()
    if high < 10 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7)))
    axes.xaxis.set_major_locator(MultipleLocator(20) if scale.split is None else MaxNLocator(ticks))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
