"""How figures look: colours of Okabe and Ito (2008), distinct to colour-blind readers; panels."""

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, StrMethodFormatter

from zeta_exp.report.evidence import Arm, Panel, Role

INK = "#1a1a1a"
GREY = "#767676"
GRID = "#e6e6e6"
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY = "#CC79A7", "#E69F00", "#56B4E9"
TRUTH, PREDICTION, REFERENCE = INK, VERMILLION, BLUE
P = ParamSpec("P")
COLOURS = {  # all that are used, by name
    "ink": INK,
    "grey": GREY,
    "grid": GRID,
    "blue": BLUE,
    "vermillion": VERMILLION,
    "green": GREEN,
    "purple": PURPLE,
    "orange": ORANGE,
    "sky": SKY,
}
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
CYCLE = (VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY)
MOST_ARMS = len(CYCLE)  # in one panel; more can't be told apart
MOST_PANELS = 12
_TITLE = 34  # characters of a line above a panel
DOTS_PER_INCH = 160
PACKING = {"compress_level": 1}  # of a PNG: a tenth larger than at 6, in a third of the time

STYLE: Any = {  # of matplotlib, whose type is a list of all its keys
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "figure.titlesize": 12,
    "font.size": 10,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "zeta_exp",  # the same figure, the same bytes
    "text.color": INK,
    "text.parse_math": False,  # a name may hold a $
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True)
class Look:
    """How an arm is drawn."""

    colour: str
    dash: Any
    marker: str


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """The figure in this style, whatever the user's is."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def save(figure: Figure, file: Any, kind: str) -> None:
    """Write it, as png, pdf or svg, in the same style; the same figure gives the same bytes."""
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind)
    with mpl.rc_context(STYLE):
        if kind == "png":  # drawn once; savefig draws a figure a first time to lay it out
            figure.set_dpi(DOTS_PER_INCH)
            FigureCanvasAgg(figure).print_png(file, pil_kwargs=PACKING)
        else:
            figure.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata=undated)


def look(role: Role | None, place: int) -> Look:
    """With the factor, without it, or the place among others."""
    if role is not None:
        place = ("with", "without").index(role)
    return Look(CYCLE[place % MOST_ARMS], DASHES[place % MOST_ARMS], MARKERS[place % MOST_ARMS])


def drawn_arms(panel: Panel) -> list[Arm]:
    """As many arms as can be told apart in a panel: those with most runs, then the best."""

    def rank(arm: Arm) -> tuple[int, float]:
        errors = [run.result.get("val_rmse") or math.inf for run in arm.runs]
        return -len(arm.runs), sum(errors) / len(errors)

    return panel.arms if len(panel.arms) <= MOST_ARMS else sorted(panel.arms, key=rank)[:MOST_ARMS]


def single(title: str, size: tuple[float, float] = (7.5, 4.6)) -> tuple[Figure, Axes]:
    """A figure of one panel."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    return figure, axes


def titles(panels: Sequence[Panel], alone: str) -> list[str]:
    """What sets each panel apart from the others, in short lines; `alone` where it has no name."""
    parts = [panel.label.split(", ") for panel in panels]
    shared = set.intersection(*map(set, parts)) if len(parts) > 1 else set()
    apart = [", ".join(part for part in each if part not in shared) for each in parts]
    return [textwrap.fill(each, _TITLE) if each else alone for each in apart]


def grid(titles: Sequence[str], *, share_y: bool = True) -> tuple[Figure, list[Axes]]:
    """Panels of equal axes, at most MOST_PANELS of them, in rows of up to three."""
    count = min(len(titles), MOST_PANELS)
    if count == 1:
        figure, axes = single(titles[0])
        return figure, [axes]
    across = 2 if count in (2, 4) else 3
    down = -(-count // across)
    figure = Figure(figsize=(9, 2.6 * down + 0.8), layout="constrained")
    made = figure.subplots(down, across, sharex=True, sharey=share_y, squeeze=False).ravel()
    for title, axes in zip(titles, made, strict=False):
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelbottom=True)
    for axes in made[count:]:
        axes.remove()
    return figure, list(made[:count])


def label_outer(axes: Sequence[Axes], x: str, y: str) -> None:
    """Names of the axes, where a panel has no neighbour that says them."""
    for panel in axes:
        place = panel.get_subplotspec()
        panel.set_xlabel(x)
        if place is None or place.is_first_col():
            panel.set_ylabel(y)


def legend_below(figure: Figure, axes: Sequence[Axes], columns: int = 3) -> None:
    """One legend for all panels: each label once."""
    handles: dict[str, Any] = {}
    for panel in axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    widest = max((len(label) for label in handles), default=0)
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=1 if widest > 60 else 2 if widest > 28 else columns,
    )


def log_errors(axes: Axes) -> None:
    """A logarithmic axis of errors, marked 1, 2, 5."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def large(value: float, _position: int | None = None) -> str:
    """A number of an axis: 10,000, and 10⁹ where digits can't be counted."""
    exponent = round(math.log10(value)) if value > 0 else 0
    if value < 1e6 or not math.isclose(value, 10.0**exponent):
        return f"{value:,.0f}" if value >= 1 else f"{value:g}"
    return "10" + str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def log_axis(axis: Axis) -> None:
    """A logarithmic axis of counts: decades, and 1, 2, 5 where there are few of them."""
    low, high = axis.get_view_interval()
    steps = (1,) if high > 30 * low else (1, 2, 5)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(large))
    axis.set_minor_formatter(NullFormatter())


def counted(count: int, what: str) -> str:
    """1 seed, 10 seeds."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def mark_level(axes: Axes, level: float, label: str, *, above: bool = True) -> None:
    """A dashed horizontal line that says what it is."""
    axes.axhline(level, color=GREY, linestyle="--", linewidth=1.2)
    axes.annotate(
        label,
        (1, level),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 4 if above else -4),
        textcoords="offset points",
        ha="right",
        va="bottom" if above else "top",
        color=GREY,
        fontsize=9,
    )
