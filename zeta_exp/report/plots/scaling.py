"""How error, memory and time go with the number of zeros and with their height."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zeta_exp.errors import UserError
from zeta_exp.report.evidence import Evidence, Role, Source, evidence_of, is_told
from zeta_exp.report.plots.style import (
    GREY,
    MOST_ARMS,
    legend_below,
    log_axis,
    log_errors,
    look,
    single,
    styled,
)
from zeta_exp.report.runs import Run
from zeta_exp.theory.counting import smooth_height
from zeta_exp.verdict import labels
from zeta_exp.verdict.pairs import heights

Reading = Callable[[Run], float | None]
# role, level of the factor, the other of stretch and N, settings
Key = tuple[Role | None, str, int, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Series:
    """Runs that differ in N, or in the height, and in what goes with it."""

    label: str
    role: Role | None
    points: dict[float, list[Run]]  # by the place on the axis, ascending


@styled
def size(source: Source) -> Figure:
    """Error over the next 10% against the number of zeros seen."""
    return _errors(source, "N", "number of zeros seen", "zeros seen, N")


@styled
def height(source: Source) -> Figure:
    """Error over the next 10% against the height where the zeros seen end."""
    return _errors(source, "height", "height of the zeros", "height t of the last zero seen")


def _errors(source: Source, place: str, against: str, label: str) -> Figure:
    """Errors by a place that `_series` knows."""
    evidence = evidence_of(source)
    figure, axes = single(f"Error against the {against}")
    _draw_errors(axes, _series(evidence, place), evidence)
    axes.set_xlabel(label)
    legend_below(figure, [axes], columns=2)
    return figure


@styled
def cost(source: Source) -> Figure:
    """Peak memory and training time of a run against the number of zeros seen."""
    series = _series(evidence_of(source), "N")
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots(1, 2).ravel()
    columns: list[tuple[str, str, Reading]] = [
        ("Peak memory of the process", "memory (MiB)", lambda run: run.result.get("peak_rss_mb")),
        ("Training time", "time (s)", lambda run: run.result.get("wall_s")),
    ]
    for place, (title, unit, reading) in zip(axes, columns, strict=True):
        for number, one in enumerate(series):
            _draw_series(place, one, number, reading)
        place.set_title(title)
        place.set_ylabel(unit)
        place.set_xlabel("zeros seen, N")
        place.loglog()
        log_axis(place.xaxis)
        log_axis(place.yaxis)
    legend_below(figure, axes, columns=2)
    return figure


def _draw_errors(axes: Axes, series: Sequence[Series], evidence: Evidence) -> None:
    metric = evidence.request.metric
    for number, one in enumerate(series):
        _draw_series(axes, one, number, lambda run: run.result.get(metric))
    for baseline, label, dash in (
        ("smooth", "smooth count, no fluctuation predicted", ":"),
        ("linear", "linear (ridge)", "-."),
        ("prime_tail", "prime-tail scale (a scale, not an error)", "--"),
    ):
        _draw_baseline(axes, series, baseline, label, dash)
    axes.set_xscale("log")
    log_axis(axes.xaxis)
    log_errors(axes)
    axes.set_ylabel("RMSE over the next 10% (mean spacings)")


def _draw_series(axes: Axes, series: Series, number: int, reading: Reading) -> None:
    """Geometric means over runs, and their range."""
    points = {
        at: [value for run in runs if (value := reading(run))] for at, runs in series.points.items()
    }
    points = {at: values for at, values in points.items() if values}
    if not points:
        return
    middle = np.array([np.exp(np.log(values).mean()) for values in points.values()])
    style = look(series.role, number)
    least = np.array([min(values) for values in points.values()])
    most = np.array([max(values) for values in points.values()])
    axes.errorbar(
        list(points),
        middle,
        np.maximum([middle - least, most - middle], 0),
        color=style.colour,
        linestyle=style.dash,
        marker=style.marker,
        markersize=4.5,
        capsize=2,
        elinewidth=1,
        label=series.label,
    )


def _draw_baseline(axes: Axes, series: Sequence[Series], name: str, label: str, dash: str) -> None:
    """The baseline at each place, a mean over the runs there."""
    found: dict[float, list[float]] = defaultdict(list)
    for one in series:
        for at, runs in one.points.items():
            for run in runs:
                value = run.result.get("baselines", {}).get(name, {}).get("next10pct")
                found[at] += [value] if value else []
    found = {at: found[at] for at in sorted(found) if found[at]}
    if found:
        means = [float(np.mean(values)) for values in found.values()]
        axes.plot(list(found), means, color=GREY, linestyle=dash, lw=1.2, label=label)


def _series(evidence: Evidence, against: str) -> list[Series]:
    """Arms that differ in N alone, or in height alone, those at most places first.

    against: N or height.  Raises UserError where all runs are at one place.
    """
    panels = evidence.panels
    if not all(map(is_told, evidence.shown)):
        raise UserError(
            f"the run in {evidence.request.folder} has left no config in its result.json: wait for "
            "its end"
        )
    stretches = _stretches(evidence)
    points: dict[Key, dict[float, list[Run]]] = defaultdict(lambda: defaultdict(list))
    settings: dict[Key, dict[str, str]] = {}
    for arm in (arm for panel in panels for arm in panel.arms):
        told = evidence.question.settings_of(arm.runs[0])
        asked = dict(setting.split("=", 1) for setting in labels.asked(told.shared))
        who = (arm.role, _level(evidence, arm.role, told.level))
        for run in arm.runs:
            N, stretch = int(run.config["N"]), stretches[int(run.config["start"])]
            other, place = (stretch, N) if against == "N" else (N, _height(stretch + N))
            key = (*who, other, tuple(asked.items()))
            points[key][place].append(run)
            settings[key] = asked
    distinct = {int(run.config["N"]) for run in evidence.shown}
    if len(distinct if against == "N" else set(stretches.values())) < 2:
        raise UserError(
            f"all runs have one {against}, so there is nothing to draw against it: give a sweep "
            f"over {'N' if against == 'N' else 'start'}"
        )
    names = labels.labels([settings[key] for key in points])
    made = [
        Series(", ".join(filter(None, (key[1], name))) or "model", key[0], _ascending(one))
        for (key, one), name in zip(points.items(), names, strict=True)
    ]
    return sorted(made, key=lambda series: -len(series.points))[:MOST_ARMS]


def _level(evidence: Evidence, role: Role | None, level: object) -> str:
    """With the factor or without it; its value, where it has several and nothing is compared."""
    if role is not None:
        return f"{role} {evidence.factor}"
    levels = {str(evidence.question.settings_of(run).level) for run in evidence.shown}
    return f"{evidence.factor} = {level}" if len(levels) > 1 else ""


def _stretches(evidence: Evidence) -> dict[int, int]:
    """The lowest start among those of one height, for each start."""
    starts = {int(run.config["start"]) for run in evidence.shown}
    longest = max(int(run.config["N"]) for run in evidence.shown)
    return {start: group[0] for group in heights(starts, longest) for start in group}


def _height(ordinal: int) -> float:
    return float(smooth_height(ordinal))


def _ascending(points: Mapping[float, list[Run]]) -> dict[float, list[Run]]:
    return {place: points[place] for place in sorted(points)}
