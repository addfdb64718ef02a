"""A figure inside the page: SVG of small size, in the page's colours, with a text alternative."""

import io
import re
from html import escape

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zeta_exp.report.plots.style import COLOURS, save

_DIGITS = 2  # after the point, of coordinates: a hundredth of a typographic point
_PAPER = "#ffffff"
_VARIABLES = {colour.lower(): f"var(--{name})" for name, colour in COLOURS.items()}
_VARIABLES[_PAPER] = "var(--paper)"
_NUMBERS = re.compile(rf"(\.\d{{{_DIGITS}}})\d+")
_COORDINATES = re.compile(r' (?:d|x|y|points|transform|width|height)="[^"]*"')
# markers of one style, one after another
_ALIKE = re.compile(r'<use [^>]* style="([^"]*)"/>(?:<use [^>]* style="\1"/>)+')
_STYLE = re.compile(r' style="[^"]*"')
_GROUP = re.compile(r'<g id="[^"]*"')
_DROPPED = (
    re.compile(r"<metadata>.*?</metadata>", re.DOTALL),
    re.compile(r"<style[^>]*>.*?</style>", re.DOTALL),  # it would hold for the whole page
    re.compile(r"<!--.*?-->", re.DOTALL),
)


def inline(figure: Figure, name: str, title: str) -> Markup:
    """The figure as an element of HTML.  name: what its ids begin with; title: what it shows."""
    drawn = io.StringIO()
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
    save(figure, drawn, "svg")
    text = drawn.getvalue()
    for dropped in _DROPPED:
        text = dropped.sub("", text)
    opening, body = text[text.index("<svg") :].split(">", 1)
    viewed = re.search(r'viewBox="[^"]*"', opening)
    body = _COORDINATES.sub(lambda found: _NUMBERS.sub(r"\1", found[0]), body)
    body = _GROUP.sub("<g", body)
    body = re.sub(r'(id="|href="#|url\(#)', rf"\1{name}-", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    body = _ALIKE.sub(_together, re.sub(r">\s+<", "><", body))
    return Markup(  # everything of it is made here, or escaped
        f'<svg {viewed[0] if viewed else ""} role="img" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(described(figure))}</desc>{body}'
    )


def _together(alike: re.Match[str]) -> str:
    """The style once, for all of them."""
    return f'<g style="{alike[1]}">{_STYLE.sub("", alike[0])}</g>'


def described(figure: Figure) -> str:
    """What a reader who can't see the figure is told: titles, axes and their ranges, and labels."""
    parts = [_panel(axes) for axes in figure.axes]
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    if labels:
        parts.append(f"Shown are {'; '.join(labels)}.")
    return " ".join(" ".join(parts).split())


def _panel(axes: Axes) -> str:
    title = axes.get_title(loc="left").rstrip(".")
    told = [f"{title}."] if title else []
    for name, label, ticks in (
        ("across", axes.get_xlabel(), axes.xaxis),
        ("upwards", axes.get_ylabel(), axes.yaxis),
    ):
        low, high = ticks.get_view_interval()
        if label:
            told.append(f"{label} {name}, from {low:.3g} to {high:.3g}.")
    legend = axes.get_legend()
    if legend is not None:
        told.append(f"Shown are {'; '.join(text.get_text() for text in legend.get_texts())}.")
    told += [text.get_text() for text in axes.texts if text.get_text()]
    return " ".join(told)
