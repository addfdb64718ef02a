"""The figure of a benchmark: how far each measured number is from its bar."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.harness import Row, number

MET, MISSED, BAR = "#0072B2", "#D55E00", "#000000"  # Okabe and Ito (2008)
ROW_INCHES = 0.3
DOTS_PER_INCH = 160


def margins(rows: Sequence[Row]) -> Figure:
    """For each row with a bar, how many times better than the bar it is; left of 1 it is missed."""
    shown = [row for row in rows if row.margin is not None][::-1]
    figure = Figure(figsize=(11, 1.4 + ROW_INCHES * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    factors = [row.margin or 0.0 for row in shown]
    colours = [MET if row.met else MISSED for row in shown]
    axes.barh(range(len(shown)), [f - 1 for f in factors], left=1, color=colours, height=0.6)
    for place, (row, factor) in enumerate(zip(shown, factors, strict=True)):
        axes.annotate(
            _label(row),
            (max(factor, 1), place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.axvline(1, color=BAR, linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(min([0.5, *factors]) / 1.2, max([2, *factors]) * 3)
    axes.set_yticks(range(len(shown)), [row.name for row in shown], fontsize=8)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("times better than the bar")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.7)
    return figure


def _label(row: Row) -> str:
    """The measured number and the bar."""
    sign = "≤" if row.at_most else "≥"
    unit = f" {row.unit}" if row.ratio is None else ""
    return f"{number(row.measured)}{unit} (bar {sign} {row.bar:g})"


def save(figure: Figure, stem: Path) -> list[Path]:
    """Writes stem.png and stem.svg, the same bytes for the same figure."""
    paths = [stem.with_suffix(suffix) for suffix in (".png", ".svg")]
    with mpl.rc_context({"svg.hashsalt": "zeta_exp", "svg.fonttype": "path"}):
        for path in paths:
            buffer = io.BytesIO()
            kind = path.suffix[1:]
            metadata = {"Date": None} if kind == "svg" else {"Software": None}
            figure.savefig(buffer, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(buffer.getvalue())
    return paths
