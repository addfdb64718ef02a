"""`zeta verdict`: does a factor of a study matter?"""

import argparse
import json
from typing import Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser
from zeta_exp.cli.question import add_question, asked
from zeta_exp.errors import UserError

_DESCRIPTION = """\
Compares the runs of a sweep that differ in one factor alone, pair by pair, and says for each group
of pairs whether the factor is essential (the error without it is larger by more than the margin),
helps, harms, makes no difference (within the margin), or is undecided, and what would decide it.
Room is the share of the squared error that any loss could have removed; below 20% nothing else than
"no room" follows from arms that end alike.
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
    add("--json", action="store_true", help="everything, as JSON")
    add("--markdown", action="store_true", help="the tables as Markdown")
    add_question(parser)
    parser.set_defaults(command=verdict)


def verdict(arguments: argparse.Namespace) -> int:
    """Read the sweep, decide and show it; returns 0 for every verdict."""
    from zeta_exp.verdict.document import document
    from zeta_exp.verdict.judge import judge
    from zeta_exp.verdict.table import report

    if arguments.json and arguments.markdown:
        raise UserError("--json and --markdown are two forms of one answer: choose one")
    judgement = judge(asked(arguments.sweep, arguments))
    if arguments.json:
        tell(json.dumps(document(judgement), indent=2, allow_nan=False))
    else:
        tell(report(judgement, markdown=arguments.markdown))
    return 0
