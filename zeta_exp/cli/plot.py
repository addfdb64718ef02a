"""`zeta plot`: one figure of a run, a sweep or a study, for a paper."""

import argparse
from typing import Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser
from zeta_exp.cli.question import add_question, asked
from zeta_exp.errors import UserError
from zeta_exp.report import figure_file
from zeta_exp.report.catalogue import CAPTIONS

_DESCRIPTION = """\
Draws one figure of the runs in and below a folder, local or remote, as PNG, PDF or SVG.

figures:
{figures}
"""
_EXAMPLES = """\
examples:
  zeta plot learning_curves outputs/2026-01-01/12-00-00
  zeta plot forest outputs/studies/rg_essential_small --out forest.pdf
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "plot",
        help="draw one figure of a run, a sweep or a study",
        description=_DESCRIPTION.format(figures=_listed()),
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("name", metavar="NAME", help="one of the figures above")
    add("path", metavar="PATH", help="folder of runs, local or remote")
    add("--out", metavar="FILE", help=".png, .pdf or .svg; default: NAME.png")
    add_question(parser)
    parser.set_defaults(command=plot)


def _listed() -> str:
    """A line a figure, and what it needs."""
    return "\n".join(
        f"  {name:<18} {caption.shows}\n{'':21}needs {caption.needs}"
        for name, caption in CAPTIONS.items()
    )


def plot(arguments: argparse.Namespace) -> int:
    """Draw the figure and write it; returns 0."""
    if arguments.name not in CAPTIONS:
        raise UserError(f"no figure is called {arguments.name!r}: known are {', '.join(CAPTIONS)}")
    out = arguments.out or f"{arguments.name}.png"
    figure_file.check_name(out)
    request = asked(arguments.path, arguments)

    from zeta_exp.report.evidence import gather
    from zeta_exp.report.plots import FIGURES

    figure_file.save(FIGURES[arguments.name](gather(request)), out)
    tell(out)
    return 0
