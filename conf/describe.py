"""What the YAML files say of themselves: groups, their options and keys, each with its comment.

A file begins with its summary, one line, and what else is to be said, examples set off by three
spaces.  A key is explained by the comment beside it, or by the lines above.
"""

import dataclasses
import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from conf.schema import SCHEMAS, Config
from zeta_exp.errors import UserError

CONF = Path(__file__).parent
PRIMARY = ("config", "zeros")  # the programs of run.py; --config-name chooses
HYDRA = {  # groups of Hydra's own: what they are for, and the options that packages bring
    "hydra/launcher": (
        "where the jobs of a sweep (-m) run",
        ("basic", "joblib", "submitit_local", "submitit_slurm"),
    ),
    "hydra/sweeper": ("which jobs a sweep has", ("basic", "optuna")),
}
_Pairs = list[tuple[yaml.Node, yaml.Node]]
_COMMENT = re.compile(r"\s*#\s*(.*)")
_INTERPOLATION = re.compile(r"\$\{([\w.]+)\}")


@dataclass(frozen=True)
class Key:
    """A key that can be overridden: its dotted name, value and what is said of it."""

    name: str
    value: str
    comment: str


@dataclass(frozen=True)
class Option:
    """A YAML file: an option of a group, or a program of run.py."""

    group: str
    name: str
    text: str

    @cached_property
    def head(self) -> list[str]:
        """The comment that the file begins with, line by line."""
        head = []
        for line in self.text.splitlines():
            if not line.startswith("#"):
                break
            head.append(line.removeprefix("#").removeprefix(" "))
        return [line for line in head if not line.startswith("@package")]

    @property
    def summary(self) -> str:
        """The first line of it."""
        return self.head[0].rstrip(":") if self.head else ""

    @property
    def body(self) -> list[str]:
        """The lines below that comment."""
        lines = self.text.splitlines()
        return lines[next(i for i, line in enumerate(lines) if not line.startswith("#")) :]

    @property
    def is_global(self) -> bool:
        """Whether its keys are those of the whole config."""
        return "# @package _global_" in self.text

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The keys that the file sets, then those of its type that it leaves as they are."""
        prefix = "" if self.is_global or not self.group else f"{self.group.replace('/', '.')}."
        written = _written(self.text, prefix, self.group in HYDRA)
        names = {key.name for key in written}
        typed = [key for key in self._typed() if key.name not in names]
        return tuple(self._explained(key) for key in (*written, *typed))

    def _explained(self, key: Key) -> Key:
        """What a strategy sets of other groups needs no comment of its own."""
        if key.comment or not self.is_global or key.name.startswith(f"{self.group}."):
            return key
        return dataclasses.replace(key, comment=f"the recipe of {self.group}={self.name}")

    def _typed(self) -> list[Key]:
        """The keys of its type, with the values that hold where no file says otherwise."""
        if not self.group:
            return _of_type(Config, "") if self.name == PRIMARY[0] else []
        node = SCHEMAS.get(f"{self.group}/{self.name}", SCHEMAS.get(self.group))
        nested = f".{self.name}" if self.group == "tracking" and self.name != "none" else ""
        return _of_type(node, f"{self.group}{nested}.") if node else []


@dataclass(frozen=True)
class Group:
    """A group: what it is for, the option chosen where none is given, and all of them."""

    name: str
    summary: str
    default: str
    options: dict[str, Option]
    elsewhere: tuple[str, ...] = ()  # options that other packages bring

    def option(self, name: str) -> Option:
        """The option of that name; raises `UserError` for one that is not there."""
        if name not in self.options:
            known = ", ".join(sorted((*self.options, *self.elsewhere)))
            raise UserError(f"{self.name}={name} is unknown; known: {known}")
        return self.options[name]


def program(name: str, folders: tuple[Path, ...] = (CONF,)) -> Option:
    """The file of --config-name; raises `UserError` where there is none."""
    for folder in folders:
        if (path := folder / f"{name}.yaml").is_file():
            return Option("", name, path.read_text())
    raise UserError(f"--config-name={name} is unknown; known: {', '.join(PRIMARY)}")


def groups(main: Option, folders: tuple[Path, ...] = (CONF,)) -> list[Group]:
    """The groups that a program chooses from, in its order, and Hydra's own."""
    found = [
        Group(key.name, key.comment, key.value, _options(key.name, folders))
        for key in _chosen(main.text)
    ]
    for name, (summary, elsewhere) in HYDRA.items():
        found.append(Group(name, summary, "basic", _options(name, folders), elsewhere))
    return found


def _options(group: str, folders: tuple[Path, ...]) -> dict[str, Option]:
    paths = [path for folder in folders for path in (folder / group).glob("*.yaml")]
    found = {path.stem: Option(group, path.stem, path.read_text()) for path in paths}
    return dict(sorted(found.items()))


def _chosen(text: str) -> list[Key]:
    """The groups of a defaults list, each with its option and comment."""
    root, lines = yaml.compose(text, yaml.SafeLoader), text.splitlines()
    defaults = next(value for key, value in root.value if key.value == "defaults")
    return [
        Key(key.value, value.value, _comment(lines, 0, key, value))
        for entry in defaults.value
        if isinstance(entry, yaml.MappingNode)
        for key, value in entry.value
        if " " not in key.value  # an override
    ]


def _written(text: str, prefix: str, of_hydra: bool) -> list[Key]:
    """The keys that a file sets; those of Hydra only where it is about them."""
    root, lines = yaml.compose(text, yaml.SafeLoader), text.splitlines()
    head = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    skipped = {"defaults"} if of_hydra else {"defaults", "hydra"}
    own = [(key, value) for key, value in root.value if key.value not in skipped]
    return list(_walk(own, lines[head:], head, prefix, ""))


def _walk(
    pairs: _Pairs, lines: list[str], first: int, prefix: str, inherited: str
) -> Iterator[Key]:
    """The keys that have values of their own; `first` is the line of the file that `lines` has."""
    for key, value in pairs:
        if key.value.startswith("_"):
            continue
        comment = _comment(lines, first, key, value) or inherited
        if isinstance(value, yaml.MappingNode) and value.value:
            of_children = comment if value.flow_style else ""
            yield from _walk(value.value, lines, first, f"{prefix}{key.value}.", of_children)
        else:
            yield Key(f"{prefix}{key.value}", _shown(value), comment)


def _comment(lines: list[str], first: int, key: yaml.Node, value: yaml.Node) -> str:
    """What stands beside a key, or in the lines above it that begin where it does."""
    above = []
    for line in reversed(lines[: key.start_mark.line - first]):
        if not line.startswith(" " * key.start_mark.column + "#"):
            break
        above.insert(0, line.strip(" #"))
    end = value.end_mark if isinstance(value, yaml.ScalarNode) or value.flow_style else key.end_mark
    beside = _COMMENT.search(lines[end.line - first], end.column)
    return " ".join([*above, *([beside[1]] if beside else [])])


def _shown(value: yaml.Node) -> str:
    """A value as it is written, lists on one line."""
    if isinstance(value, yaml.SequenceNode):
        return f"[{', '.join(map(_shown, value.value))}]"
    return str(value.value) if isinstance(value, yaml.ScalarNode) else "{}"


def _of_type(node: type, prefix: str) -> list[Key]:
    """The keys of a dataclass and the values that hold where no file sets them."""
    found: list[Key] = []
    for field in dataclasses.fields(node):
        if field.name.startswith("_"):
            continue
        if dataclasses.is_dataclass(field.default_factory):
            found += _of_type(field.default_factory, f"{prefix}{field.name}.")
        elif field.type is not typing.Any:
            source = _INTERPOLATION.fullmatch(str(field.default))
            comment = f"that of the run: follows `{source[1]}`" if source else ""
            default = "null" if field.default is None else str(field.default)
            found.append(Key(f"{prefix}{field.name}", default, comment))
    return found
