"""`zeta leaderboard`: one row a configuration, the best first."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser
from zeta_exp.errors import UserError

if TYPE_CHECKING:
    from zeta_exp.report.leaderboard import Entry

_FORMATS = ("table", "markdown", "csv", "json")
_DESCRIPTION = """\
Shows the finished runs in and below folders, local or remote, one row a configuration: runs that
differ in their seed alone are one row, mean ± standard deviation.  Team 1 trains full-batch, team 2
with mini-batches; a streamed run, which is both, has no team.
"""
_EXAMPLES = """\
examples:
  zeta leaderboard outputs multirun
  zeta leaderboard outputs --where strategy=streamed 'N>=1e5' --sort val_rmse
  zeta leaderboard gs://bucket/sweep --columns team model features.max_prime val_rmse --format csv
  zeta leaderboard SWEEP --over seed start      origins merged too
  zeta leaderboard --vertex zeta-exp --project my-project
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "leaderboard",
        help="show runs in the order of their error, one row a configuration",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    lists: dict[str, Any] = {"nargs": "+", "action": "extend", "metavar": "KEY"}
    add("paths", metavar="PATH", nargs="*", help="folder of runs, local or remote")
    add("--columns", **lists, help="settings or measures of result.json, team, runs")
    add("--where", **lists | {"metavar": "KEY=VALUE"}, help="keep these: = != < <= > >=")
    add("--sort", **lists, help="columns, the smallest first (default: error over the next 10%%)")
    add("--descending", action="store_true", help="the largest first")
    add("--over", **lists, help="settings that are merged (default: seed)")
    add("--format", choices=_FORMATS, default="table", help="default: table")
    vertex = parser.add_argument_group("instead of PATH, Vertex AI Experiments")
    vertex.add_argument(
        "--vertex", metavar="EXPERIMENT", help="its name, tracking.vertex.experiment"
    )
    vertex.add_argument("--project", help="default: $GOOGLE_CLOUD_PROJECT")
    vertex.add_argument("--region", default="us-central1", help="default: us-central1")
    vertex.add_argument("--endpoint", help="another server than Google's for the region")
    parser.set_defaults(command=leaderboard)


def leaderboard(arguments: argparse.Namespace) -> int:
    """Read the runs and show them; returns 0."""
    from zeta_exp.report.board_text import FORMATS
    from zeta_exp.report.leaderboard import ERROR, OVER, board

    if bool(arguments.paths) == bool(arguments.vertex):
        raise UserError("give folders of runs or --vertex EXPERIMENT, one of the two")
    entries = _of_vertex(arguments) if arguments.vertex else _of_folders(arguments.paths)
    shown = board(
        entries,
        columns=arguments.columns or (),
        where=arguments.where or (),
        sort=arguments.sort or (ERROR,),
        descending=arguments.descending,
        over=arguments.over or OVER,
    )
    tell(FORMATS[arguments.format](shown))
    if shown.left_out:
        print(f"{shown.left_out} runs have not finished and are left out", file=sys.stderr)
    return 0


def _of_folders(paths: list[str]) -> "list[Entry]":
    """Each run once, however many of the paths lead to it."""
    from zeta_exp.files import is_remote
    from zeta_exp.report.leaderboard import Entry
    from zeta_exp.report.runs import read_runs

    runs = {
        run.path if is_remote(run.path) else os.path.abspath(run.path): run
        for path in paths
        for run in read_runs(path)
    }
    # a slice of a table of zeros is made by a run too, and is no experiment
    return [Entry.of(run) for run in runs.values() if "slice" not in run.result]


def _of_vertex(arguments: argparse.Namespace) -> "list[Entry]":
    from zeta_exp.report.leaderboard import Entry
    from zeta_exp.report.runs import COMPLETED
    from zeta_exp.report.settings import of_parameters
    from zeta_exp.tracking.vertex_runs import tracked_runs

    project = arguments.project or os.environ.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        raise UserError("no project is given: use --project, or set GOOGLE_CLOUD_PROJECT")
    runs = tracked_runs(arguments.vertex, project, arguments.region, arguments.endpoint)
    return [
        Entry(
            run.name,
            of_parameters(run.parameters),
            run.metrics,
            COMPLETED if run.state == "COMPLETE" else run.state,
        )
        for run in runs
    ]
