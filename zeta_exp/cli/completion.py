"""`zeta completion`: what makes a shell complete the command on TAB."""

import argparse
from collections.abc import Iterator
from typing import Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser

SHELLS = ("bash", "zsh", "fish")
_PATHS = frozenset({"PATH", "SRC", "DST", "SWEEP", "RUN", "DIR", "FILE"})  # metavars of files

_DESCRIPTION = """\
Prints a script for the shell that completes commands, options and files on TAB.  The script is
static: nothing runs on TAB, and after an update it is printed again.
"""

_EXAMPLES = """\
examples:
  eval "$(zeta completion bash)"                       in this shell, or in ~/.bashrc
  zeta completion zsh > ~/.zfunc/_zeta                 a folder of $fpath
  zeta completion fish > ~/.config/fish/completions/zeta.fish
  eval "$(python run.py -sc install=bash)"             the same for the experiments, by Hydra
"""


def add_to(groups: Any, root: Parser) -> None:
    """Enter the command.  groups: what `add_subparsers` of `root` gives."""
    parser: Parser = groups.add_parser(
        "completion",
        help="print what makes a shell complete zeta on TAB",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(command=lambda arguments: _complete(arguments, root))


def _complete(arguments: argparse.Namespace, root: Parser) -> int:
    import shtab

    for parser in parsers(root):
        for action in parser._actions:
            if action.metavar in _PATHS:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    tell(shtab.complete(root, arguments.shell))
    return 0


def parsers(root: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its commands, each before its own."""
    yield root
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            for parser in dict.fromkeys(action.choices.values()):
                yield from parsers(parser)
