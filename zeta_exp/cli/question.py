"""What a command asks of a sweep: the factor that decides, the metric, and what is put up with."""

import argparse
import json
import shlex
from typing import TYPE_CHECKING, Any

from zeta_exp.cli.parser import Parser
from zeta_exp.errors import UserError

if TYPE_CHECKING:
    from zeta_exp.verdict.judge import Request

_OPTIONS = ("factor", "without", "metric", "margin", "allow")
_ABSENT = "0"  # the factor's value that stands for its absence


def add_question(parser: Parser) -> None:
    """Enter the options."""
    add = parser.add_argument
    add("--factor", metavar="KEY", help="setting that decides (default: the study's, else rg)")
    add("--without", metavar="VALUE", default=_ABSENT, help="its value when absent (default 0)")
    add("--metric", metavar="NAME", help="an error of result.json (default: over the next 10%%)")
    add("--margin", type=_margin, metavar="M", help="ratio that is no difference (default 0.05)")
    add("--allow", nargs="+", action="extend", default=[], metavar="REASON", help=_reasons())


def _reasons() -> str:
    return "accept a fault that is refused, by the name that the refusal gives it"


def _margin(text: str) -> float:
    """A ratio between 0 and 1."""
    try:
        margin = float(text)
    except ValueError:
        margin = 0.0
    if not 0 < margin < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no margin (write 0.05 for 5%)")
    return margin


def asked(folder: str, arguments: argparse.Namespace) -> "Request":
    """The question of these arguments.  Raises UserError for a reason that is unknown."""
    from zeta_exp.verdict.judge import MARGIN, METRIC, Request
    from zeta_exp.verdict.problems import REASONS

    for reason in arguments.allow:
        if reason not in REASONS:
            raise UserError(f"--allow {reason} is unknown: known are {', '.join(REASONS)}")
    return Request(
        folder=folder,
        factor=arguments.factor,
        without=_value(arguments.without),
        metric=arguments.metric or METRIC,
        margin=arguments.margin or MARGIN,
        allow=tuple(arguments.allow),
    )


def as_typed(arguments: argparse.Namespace) -> str:
    """The options of the question, for a shell: those that were given."""
    words = []
    for name in _OPTIONS:
        value = getattr(arguments, name)
        if value and value != (_ABSENT if name == "without" else None):
            values = value if isinstance(value, list) else [value]
            words += [f"--{name}", *(shlex.quote(str(one)) for one in values)]
    return " ".join(words)


def _value(text: str) -> Any:
    """0, null, false, or a word."""
    try:
        return json.loads(text)
    except ValueError:
        return text
