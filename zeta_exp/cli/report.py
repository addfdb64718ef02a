"""`zeta report`: the page of a run, a sweep or a study."""

import argparse
from typing import Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser
from zeta_exp.cli.question import add_question, as_typed, asked

_DESCRIPTION = """\
Writes one HTML file about the runs in and below a folder, local or remote, to be opened in a
browser: the answer in one sentence, the figures and tables it rests on, where the numbers come from
and how to make each of them again.  Nothing in it is loaded from elsewhere.
"""
_EXAMPLES = """\
examples:
  zeta report outputs/2026-01-01/12-00-00
  zeta report outputs/studies/rg_essential_small --out rg.html
  zeta report gs://bucket/sweep --allow unfinished unpaired --out sweep.html
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "report",
        help="write a page about a run, a sweep or a study",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument("path", metavar="PATH", help="folder of runs, local or remote")
    parser.add_argument(
        "--out", metavar="FILE", default="report.html", help="default: report.html; may be remote"
    )
    add_question(parser)
    parser.set_defaults(command=report)


def report(arguments: argparse.Namespace) -> int:
    """Read the runs and write the page; returns 0."""
    request = asked(arguments.path, arguments)

    from zeta_exp.files import explained, writing
    from zeta_exp.report.evidence import gather
    from zeta_exp.report.page import render
    from zeta_exp.report.page.commands import commands_of

    evidence = gather(request)
    page = render(evidence, commands_of(evidence, as_typed(arguments), arguments.out)).encode()
    with explained(arguments.out), writing(arguments.out) as file:
        file.write(page)
    runs = "1 run" if len(evidence.runs) == 1 else f"{len(evidence.runs):,} runs"
    tell(f"{arguments.out}: {runs}, {len(page) / 1e6:.1f} MB; open it in a browser")
    return 0
