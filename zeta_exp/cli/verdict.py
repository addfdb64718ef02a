"""`zeta verdict`: does a factor of a study matter?"""

import argparse
import json
from typing import Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser
from zeta_exp.errors import UserError

_DESCRIPTION = """\
Compares the runs of a sweep that differ in one factor alone, pair by pair, and says for each group
of pairs whether the factor is essential (the error without it is larger by more than the margin),
helps, harms, makes no difference (within the margin), or is undecided, and what would decide it.
Seeds and origins (first zeros) are crossed random effects; a verdict takes 10 seeds and 5 origins
at least.  Every verdict exits with 0; an unfair comparison is refused with 2.
"""

_EXAMPLES = """\
examples:
  zeta verdict multirun/2026-01-01/12-00-00
  zeta verdict gs://bucket/sweep --json
  zeta verdict SWEEP --factor loss.weights.gue_mmd --margin 0.1 --markdown
  zeta verdict SWEEP --allow versions unpaired
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "verdict",
        help="decide whether a factor of a sweep matters, with intervals",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("sweep", metavar="SWEEP", help="directory of a sweep, local or remote")
    add("--factor", metavar="KEY", help="setting that decides (default: the study's, else rg)")
    add("--without", metavar="VALUE", default="0", help="its value when absent (default 0)")
    add("--metric", metavar="NAME", help="an error of result.json (default: over the next 10%%)")
    add("--margin", type=_margin, metavar="M", help="ratio that is no difference (default 0.05)")
    add("--json", action="store_true", help="everything, as JSON")
    add("--markdown", action="store_true", help="the tables as Markdown")
    add("--allow", nargs="+", action="extend", default=[], metavar="REASON", help=_reasons())
    parser.set_defaults(command=verdict)


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


def verdict(arguments: argparse.Namespace) -> int:
    """Read the sweep, decide and show it; returns 0 for every verdict."""
    from zeta_exp.verdict.document import document
    from zeta_exp.verdict.judge import MARGIN, METRIC, Request, judge
    from zeta_exp.verdict.problems import REASONS
    from zeta_exp.verdict.table import report

    for reason in arguments.allow:
        if reason not in REASONS:
            raise UserError(f"--allow {reason} is unknown: known are {', '.join(REASONS)}")
    if arguments.json and arguments.markdown:
        raise UserError("--json and --markdown are two forms of one answer: choose one")
    judgement = judge(
        Request(
            folder=arguments.sweep,
            factor=arguments.factor,
            without=_value(arguments.without),
            metric=arguments.metric or METRIC,
            margin=arguments.margin or MARGIN,
            allow=tuple(arguments.allow),
        )
    )
    if arguments.json:
        tell(json.dumps(document(judgement), indent=2, allow_nan=False))
    else:
        tell(report(judgement, markdown=arguments.markdown))
    return 0


def _value(text: str) -> Any:
    """0, null, false, or a word."""
    try:
        return json.loads(text)
    except ValueError:
        return text
