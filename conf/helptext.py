"""python run.py --help: what can be chosen, read from the YAML files without composing them.

Hydra's own help takes seconds to list the groups, and lists those of the schema too.
"""

import argparse
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from conf.describe import CONF, Group, Key, Option, groups, program
from zeta_exp.errors import UserError

_WIDTH = 100
_USAGE = "usage: python run.py [GROUP=OPTION …] [KEY=VALUE …] [FLAG …]\n"
_FLAGS = """\
flags:
  --help GROUP=OPTION …   what the option is, and the keys that it has
  -m                      a sweep: GROUP=OPTION,OPTION and KEY=VALUE,VALUE, all combinations
  --cfg job               print the config as it is composed, and run nothing
  --config-name=zeros     another program: a table of zeros, made by a sweep
  --hydra-help            all that Hydra takes

On TAB a shell completes groups, options and keys after
  eval "$(python run.py -sc install=bash)"        (or zsh, fish)
"""


def asked(arguments: list[str]) -> bool:
    """Whether the command line asks for help with the experiment; not --hydra-help."""
    return not {"-h", "--help"}.isdisjoint(arguments)


def text(arguments: list[str]) -> str:
    """The help for a command line; raises `UserError` for an option that is not there."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-name", "-cn", default="config")
    parser.add_argument("--config-dir", "-cd", type=Path)
    given, others = parser.parse_known_args(arguments)
    if given.config_dir and not given.config_dir.is_dir():
        raise UserError(f"--config-dir={given.config_dir} is no folder: check it")
    folders = (CONF, given.config_dir) if given.config_dir else (CONF,)
    main = program(given.config_name.removesuffix(".yaml"), folders)
    offered = groups(main, folders)
    if chosen := list(_chosen(others, {group.name: group for group in offered})):
        return "\n".join(_of_option(group, option) for group, option in chosen)
    return _of_program(main, offered)


def _chosen(arguments: list[str], known: dict[str, Group]) -> Iterator[tuple[Group, Option]]:
    """The options that the command line names, several where it sweeps over them."""
    for argument in arguments:
        name, _, value = argument.partition("=")
        if group := known.get(name.lstrip("+~")):
            for option in value.strip("[]").split(","):
                if option not in group.elsewhere:
                    yield group, group.option(option)


def _of_program(main: Option, offered: list[Group]) -> str:
    parts = [_USAGE, *main.head, "", "groups, the option of each where none is given, the others:"]
    parts += [_line(group, max(len(group.name) for group in offered)) for group in offered]
    return "\n".join([*parts, "", "keys:", *_table(main.keys), "", _FLAGS])


def _line(group: Group, width: int) -> str:
    """A group: its name, what it is for and its options, the default first."""
    others = sorted({*group.options, *group.elsewhere} - {group.default})
    options = f"{group.default}; {', '.join(others)}".removesuffix("; ")
    return textwrap.fill(
        f"{group.name:<{width}}  {group.summary}: {options}",
        _WIDTH,
        initial_indent="  ",
        subsequent_indent=" " * (width + 4),
        break_on_hyphens=False,
    )


def _of_option(group: Group, option: Option) -> str:
    """An option: its comment, and its keys or, where it sets those of others, the whole file."""
    title = f"{group.name}={option.name}"
    lines = [title, *(f"  {line}" for line in option.head)]
    if group.name == "experiment":
        return "\n".join([*lines, *(f"  {line}" for line in option.body)])
    return "\n".join([*lines, *_table(option.keys), ""])


def _table(keys: Iterable[Key]) -> list[str]:
    """Keys, values and comments in columns."""
    rows = [(f"{key.name}={key.value}", key.comment) for key in keys]
    width = min(max((len(row[0]) for row in rows), default=0), 44)
    return [
        textwrap.fill(
            f"{setting:<{width}}  {comment}",
            _WIDTH,
            initial_indent="  ",
            subsequent_indent=" " * (width + 4),
            break_on_hyphens=False,
        ).rstrip()
        for setting, comment in rows
    ]
