"""`zeta predict`: a trained model put to use."""

import argparse
from typing import Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser, whole
from zeta_exp.errors import UserError

FORMATS = ("text", "csv", "json", "npy")

_DESCRIPTION = """\
Predicts zeros with the model that a run has left, at any height to n = 10^13.  Each comes with the
error to expect: the RMSE that the run measured over its validation range or, beyond what it had
seen, over the next tenth, times the mean gap at that height.  Beside it stands the true zero, which
takes the engine a second for a million.
"""

_EXAMPLES = """\
examples:
  zeta predict outputs/2026-01-31/12-00-00 --start 20001 --count 10
  zeta predict RUN --start 1e9 --count 1e5 --out predicted.csv      also .json and .npy
  zeta predict gs://bucket/runs/RUN --start 1 --count 100 --json
  zeta predict RUN --start 1e6 --count 5 --no-truth                 predictions alone
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "predict",
        help="predict zeros with a trained model, beside the true ones",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="directory of a run, local or remote")
    add("--start", type=whole, required=True, metavar="N", help="first ordinal")
    add("--count", type=whole, required=True, metavar="K", help="how many zeros, up to 1e6")
    add("--no-truth", action="store_true", help="leave out the true zeros")
    add("--out", metavar="FILE", help="write it there, as .txt, .csv, .json or .npy")
    add("--overwrite", action="store_true", help="replace a file that is there")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="CSV, heights with all digits")
    form.add_argument("--json", action="store_true", help="JSON, heights as strings")
    parser.set_defaults(command=predict)


def predict(arguments: argparse.Namespace) -> int:
    """Predict and tell or write it; returns 0.  Raises UserError before anything is computed."""
    form = _format(arguments)
    if not arguments.run.strip("/"):
        raise UserError("RUN is empty: give the directory of a run")
    if arguments.out:
        _check_target(arguments.out, arguments.overwrite)

    from zeta_exp.report import prediction, prediction_text

    run = arguments.run.rstrip("/")
    found = prediction.predict(run, arguments.start, arguments.count, not arguments.no_truth)
    content = getattr(prediction_text, f"as_{form}")(run, found)
    if not arguments.out:
        tell(content.rstrip("\n"))
        return 0
    _write(arguments.out, content)
    tell(f"{arguments.out}: {arguments.count:,} zeros from ordinal {arguments.start} as {form}")
    return 0


def _format(arguments: argparse.Namespace) -> str:
    """The form that is asked for, by option or by the name of the file."""
    asked = "csv" if arguments.csv else "json" if arguments.json else None
    if not arguments.out:
        return asked or "text"
    ending = arguments.out.rpartition(".")[2].replace("txt", "text")
    if ending not in FORMATS:
        raise UserError(f"--out {arguments.out}: end the name in .txt, .csv, .json or .npy")
    if asked not in (None, ending):
        raise UserError(f"--{asked} and --out {arguments.out} are two formats: leave out --{asked}")
    return ending


def _write(target: str, content: str | bytes) -> None:
    from zeta_exp import files

    with files.explained(target), files.writing(target) as file:
        file.write(content if isinstance(content, bytes) else content.rstrip("\n").encode() + b"\n")


def _check_target(target: str, overwrite: bool) -> None:
    from zeta_exp import files
    from zeta_exp.cli.sources import check_target

    check_target(target, "--out")
    if files.is_folder(target):
        raise UserError(f"--out {target} is a folder: give a file")
    if files.exists(target) and not overwrite:
        raise UserError(f"{target} is there already: add --overwrite or choose another name")
