"""`zeta compare`: what differs between runs, and what it did."""

import argparse
import sys
from typing import Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser

_FORMATS = ("table", "markdown", "json")
_DESCRIPTION = """\
Compares runs, or configurations of which there are several runs, with the first one: the settings
that differ, as overrides to paste; then the results, with intervals where there are seeds, paired
where these are the same; then code, versions, device and zeros where they differ.
"""
_EXAMPLES = """\
examples:
  zeta compare outputs/2026-01-01/12-00-00 outputs/2026-01-01/13-00-00
  zeta compare multirun/2026-01-01/12-00-00          each configuration of the sweep is a side
  zeta compare gs://bucket/sweep/0 outputs/run --format json
  zeta compare ONE TWO --over seed start             origins merged too
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "compare",
        help="show what differs between runs: settings, results, provenance",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("paths", metavar="RUN", nargs="+", help="directory of a run or sweep, local or remote")
    add("--over", nargs="+", action="extend", metavar="KEY", help="merged (default: seed)")
    add("--format", choices=_FORMATS, default="table", help="default: table")
    parser.set_defaults(command=compare)


def compare(arguments: argparse.Namespace) -> int:
    """Read the runs and show what differs; returns 0."""
    from zeta_exp.report.comparison import FORMATS, comparison
    from zeta_exp.report.leaderboard import OVER
    from zeta_exp.report.sides import sides_of

    sides, left_out = sides_of(arguments.paths, arguments.over or OVER)
    tell(FORMATS[arguments.format](comparison(sides)))
    if left_out:
        print(f"{left_out} runs have not finished and are left out", file=sys.stderr)
    return 0
