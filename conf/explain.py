"""Errors of composing, building and running an experiment as one sentence with advice."""

import dataclasses
import errno
import re
import typing

from hydra.errors import (
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import OmegaConfBaseException

from conf.schema import NESTED, SCHEMAS, Slice
from zeta_exp.errors import UserError

# What the operating system says where output can't be written.
STORAGE = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.EIO,
        errno.ENAMETOOLONG,
    }
)
QUOTE = "quote a value that holds = , or brackets, as in 'key=\"value\"'"
# What Hydra says of an override, and what to say instead; {0} is what the pattern found.
OVERRIDES = (
    (r"An item is already at '([^']+)'", "{0} exists already: leave out the +"),
    (r"Multiple values for ([^.]+)\.", "{0} has an option already: leave out the +"),
    (
        r"force-add of config groups is not supported: '\++([^'=]+)",
        "{0} is a group: leave out the +",
    ),
    (
        r"(?:Ambiguous value for argument|Sweep parameters) '(.+?)'(?:$|\n| req)",
        "{0} gives several values, which takes a sweep: add -m, or " + QUOTE,
    ),
    (r"Error merging override ~([^\s=]+)", "{0} can't be left out: every run needs it"),
    (r"You must specify '([^']+)'", "{0} has no option: give {0}=…"),
    (
        r"Sweeping over Hydra's configuration is not supported : '([^']+)'",
        "{0}: hydra.* can't be swept",
    ),
    (
        r"^Config group override must be a string",
        "a group takes the name of one of its options, not null or a number; --help lists them",
    ),
)
# The same of flags and what they name.
FLAGS = (
    (r"Additional config directory '([^']+)' not found", "--config-dir={0} is no folder: check it"),
    (r"Cannot find primary config '([^']+)'", "--config-name={0} is unknown; known: config, zeros"),
    (
        r"Primary config (?:directory|module) .*not found",
        "--config-path names no folder with a config: leave it out, for run.py knows its own",
    ),
    (
        r"Could not load '([^/']+)/([^']+)'",
        "{0}={1} is unknown; python run.py --help lists the options of {0}",
    ),
)
# The same for OmegaConf's words about the value of a key.
VALUES = (
    (
        r"Value '(.*)' of type '\w+' could not be converted to Integer",
        "{key}={0} is not a whole number: write its digits only, such as {key}=100",
    ),
    (
        r"Value '(.*)' of type '\w+' could not be converted to Float",
        "{key}={0} is not a number: give one, such as {key}=0.5",
    ),
    (r"Value '(.*)' is not a valid bool", "{key}={0} is neither true nor false: give one of them"),
    (r"is not Optional", "{key} can't be null: give it a value"),
    (r"is not a ListConfig, list or tuple", "{key} is a list: write it as {key}=[2,3]"),
    (r"Missing mandatory value", "{key} has no value: give {key}=…"),
    (r"is not a subclass of|Cannot merge", "{key} takes no value itself{known}"),
)


def _fields(node: type) -> dict[str, typing.Any]:
    hints = typing.get_type_hints(node)
    return {f.name: hints[f.name] for f in dataclasses.fields(node) if not f.name.startswith("_")}


def known_keys(path: list[str], root: type = SCHEMAS["config"]) -> list[str]:
    """The keys below a dotted path, over all options of its group; none for an unknown path."""
    if path[:1] in ([group] for group in NESTED) and "/".join(path) in SCHEMAS:
        return sorted(_fields(SCHEMAS["/".join(path)]))
    nodes: list[type] = [root]
    for depth, name in enumerate(path):
        children = [_fields(node).get(name) for node in nodes]
        nodes = [child for child in children if dataclasses.is_dataclass(child)]
        if depth == 0 and not nodes:
            nodes = [node for key, node in SCHEMAS.items() if key.split("/")[0] == name]
    return sorted({key for node in nodes for key in _fields(node)})


def _options_with(group: str, key: str) -> list[str]:
    """The options of a group that have the key."""
    named = (path.split("/") for path in SCHEMAS)
    return [
        name[1]
        for name in named
        if name[0] == group and len(name) == 2 and key in _fields(SCHEMAS["/".join(name)])
    ]


def unknown_key(key: str, root: type = SCHEMAS["config"]) -> str:
    """The sentence for a dotted key that no schema, or not that of the chosen option, has."""
    *path, name = key.lstrip("+~").split(".")
    if len(path) == 1 and (options := _options_with(path[0], name)):
        if path[0] in NESTED:
            return (
                f"{key} is unknown: write {' or '.join(f'{path[0]}.{o}.{name}' for o in options)}"
            )
        choices = " or ".join(f"{path[0]}={option}" for option in options)
        return f"{key} is no key of the {path[0]} chosen: it belongs to {choices}"
    known = known_keys(path, root)
    if name in known and len(path) == 2 and path[0] in NESTED:
        return f"{key} needs {path[0]}={path[1]}: add that, or leave it out"
    what = {("loss", "weights"): "loss weight"}.get(tuple(path), "key")
    where = f" of {'.'.join(path)}" if path and what == "key" else ""
    listing = f"; known: {', '.join(known)}" if known else ""
    return f"{what} '{name}'{where} is unknown{listing}"


def explain(error: BaseException) -> str | None:
    """One sentence for an error that the user can mend; None for a defect of the program."""
    cause = _innermost(error)
    if isinstance(cause, UserError):
        sentence: str | None = str(cause)
    elif isinstance(error, OverrideParseException):
        what = _first_line(error)
        sentence = f"{error.override} is not a valid override ({what}): write key=value and {QUOTE}"
    elif isinstance(error, MissingConfigException):
        sentence = _missing_option(str(error))
    elif isinstance(error, HydraException) and not isinstance(error, InstantiationException):
        sentence = _composition(error)
    elif isinstance(error, OmegaConfBaseException):
        sentence = _value(error)
    elif isinstance(error, ValueError):
        sentence = _by_rule(OVERRIDES, str(error))
    else:
        sentence = _resources(cause)
    return None if sentence is None else " ".join(sentence.split())


def _innermost(error: BaseException) -> BaseException:
    """What an object or a resolver raised, below the wrapping of Hydra and OmegaConf."""
    seen: list[BaseException] = []  # a chain that is raised again within itself has no end
    while isinstance(error, HydraException | OmegaConfBaseException) and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__ or error
    return error


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]


def _by_rule(rules: tuple[tuple[str, str], ...], text: str, **values: str) -> str | None:
    for pattern, sentence in rules:
        if found := re.search(pattern, text, re.DOTALL):
            return sentence.format(*found.groups(), **values)
    return None


def _missing_option(text: str) -> str:
    found = re.search(r"Could not find '([^']+)/([^'/]*)'", text)
    if found is None:
        return _by_rule(FLAGS, text) or text.strip().split("\n", 1)[0]
    listed = re.findall(r"^\t(\S+)$", text, re.MULTILINE)
    options = ", ".join(name for name in listed if not name.endswith("_schema"))  # a plugin's types
    return f"{found[1]}={found[2]} is {'unknown' if found[2] else 'empty'}; known: {options}"


def _composition(error: BaseException) -> str:
    """Hydra's errors: of an override as a whole, or around one of OmegaConf's."""
    text = str(error)
    if sentence := _by_rule((*OVERRIDES, *FLAGS), text):
        return sentence
    if found := re.search(r"Could not (?:override|append|delete)[^']*'([^']+)'", text):
        key = found[1].split("=")[0]
        owner = getattr(error.__cause__, "object_type", None)
        root = Slice if owner is Slice else SCHEMAS["config"]
        return _key_of_hydra(error, key) if key.startswith("hydra.") else unknown_key(key, root)
    cause = error.__cause__
    return _value(cause) if isinstance(cause, OmegaConfBaseException) else _first_line(error)


def _key_of_hydra(error: BaseException, key: str) -> str:
    """A key that Hydra, or a plugin such as a launcher, does not have: the error knows its type."""
    cause = error.__cause__
    owner, missing = getattr(cause, "object_type", None), getattr(cause, "full_key", None) or key
    where, _, name = missing.rpartition(".")
    if owner is dict:
        return f"{where} has no {name} yet: add it with a plus, +{missing}=…"
    if not dataclasses.is_dataclass(owner):
        return unknown_key(missing)
    known = sorted(f.name for f in dataclasses.fields(owner) if not f.name.startswith("_"))
    return f"key '{name}' of {where} is unknown; known: {', '.join(known)}"


def _value(error: OmegaConfBaseException) -> str:
    """OmegaConf's errors: a key that is not there, or a value of the wrong type."""
    key = error.full_key
    message = (error.msg or _first_line(error)).strip().split("\n", 1)[0]
    if not key:
        return message
    if "not in" in message:
        return unknown_key(key)
    keys = [f"{key}.{name}" for name in known_keys(key.split("."))]
    known = f": give {', '.join(f'{k}=…' for k in keys)}" if keys else ""
    return _by_rule(VALUES, message, key=key, known=known) or f"{key}: {message}"


def _resources(error: BaseException) -> str | None:
    """A disk that is full or read-only, and memory that has run out."""
    if isinstance(error, OSError) and error.errno in STORAGE:
        name = error.filename or "the files of the run"
        return (
            f"cannot write {name} ({error.strerror}): "
            "free space there or give another hydra.run.dir=PATH (hydra.sweep.dir with -m)"
        )
    no_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if no_memory or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error)):
        return (
            f"not enough memory ({_first_line(error) or 'out of memory'}): "
            "lower N, features.max_prime or model.hidden"
        )
    return None
