"""Floor 8: the command `zeta`.

What a command needs is imported when it runs, so that `zeta --help` is there at once.
"""

import logging
import sys

from zeta_exp.cli import (
    anomalies,
    compare,
    completion,
    doctor,
    heights,
    leaderboard,
    output,
    plot,
    plugins,
    predict,
    probe,
    report,
    transfer,
    verdict,
    zeros,
)
from zeta_exp.cli.parser import Parser
from zeta_exp.errors import UserError

_USER_ERROR, _INTERRUPTED, _BROKEN_PIPE = 2, 130, 141  # exit codes
_TALKATIVE = ("fsspec", "gcsfs")  # loggers that tell of each failure before it's explained

_EXAMPLES = """\
examples:
  zeta zeros generate --count 1e6 --out zeros      the first million zeros, in the folder zeros
  zeta zeros verify zeros                          are they all there, and right?
  zeta zeros --help                                all that can be done with zeros
  zeta compare RUN RUN                             what differs, and what did it do?
  zeta leaderboard outputs                         which configuration predicts best?
  zeta verdict SWEEP                               does the penalty rg matter?
  zeta report RUN --out run.html                   what came out, as a page for a browser
  zeta predict RUN --start 20001 --count 10        what does the model of a run say?
  zeta doctor                                      what can this machine run?
  eval "$(zeta completion bash)"                   complete all this on TAB
"""


def _parser() -> Parser:
    parser = Parser(
        prog="zeta",
        description="Zeros of the Riemann zeta function, and what surrounds the runs on them.",
        epilog=_EXAMPLES,
    )
    title = "groups of commands, and commands"
    groups = parser.add_subparsers(title=title, metavar="GROUP", required=True)
    zeros.add_to(groups)
    doctor.add_to(groups)
    compare.add_to(groups)
    leaderboard.add_to(groups)
    verdict.add_to(groups)
    report.add_to(groups)
    plot.add_to(groups)
    heights.add_to(groups)
    transfer.add_to(groups)
    anomalies.add_to(groups)
    probe.add_to(groups)
    predict.add_to(groups)
    for add_to in plugins.commands():
        add_to(groups)
    completion.add_to(groups, parser)
    return parser


def _run(argv: list[str] | None) -> int:
    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.command(arguments))
    except SystemExit as end:  # of --help
        return int(end.code or 0)


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns 0, 1 for faults found, 2 for what the user can mend, 130 for Ctrl-C.

    argv: the arguments, by default the process's.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        code = _run(argv)
        output.flush()
        return code
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return _USER_ERROR
    except KeyboardInterrupt as interrupt:
        print(f"interrupted{interrupt}", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        output.silence()
        return _BROKEN_PIPE
