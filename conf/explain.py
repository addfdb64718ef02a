"""Hydra's and OmegaConf's errors as one sentence with advice."""

import dataclasses
import re
import typing

from hydra.errors import MissingConfigException
from omegaconf.errors import OmegaConfBaseException

from conf.schema import SCHEMAS


def _fields(node: type) -> dict[str, typing.Any]:
    hints = typing.get_type_hints(node)
    return {f.name: hints[f.name] for f in dataclasses.fields(node) if not f.name.startswith("_")}


def known_keys(path: list[str]) -> list[str]:
    """The keys below a dotted path, over all options of its group; none for an unknown path."""
    nodes: list[type] = [SCHEMAS["config"]]
    for depth, name in enumerate(path):
        children = [_fields(node).get(name) for node in nodes]
        nodes = [child for child in children if dataclasses.is_dataclass(child)]
        if depth == 0 and not nodes:
            nodes = [node for key, node in SCHEMAS.items() if key.split("/")[0] == name]
    return sorted({key for node in nodes for key in _fields(node)})


def unknown_key(key: str) -> str:
    """The sentence for a dotted key that no schema has."""
    *path, name = key.lstrip("+~").split(".")
    known = known_keys(path)
    what = {("loss", "weights"): "loss weight"}.get(tuple(path), "key")
    where = f" of {'.'.join(path)}" if path and what == "key" else ""
    listing = f"; known: {', '.join(known)}" if known else ""
    return f"{what} '{name}'{where} is unknown{listing}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]


def explain(error: BaseException) -> str:
    """One sentence for an error of composing the configuration."""
    text = str(error)
    if isinstance(error, MissingConfigException) and (
        found := re.search(r"Could not find '([^']+)/([^'/]+)'", text)
    ):
        options = re.findall(r"^\t(\S+)$", text, re.MULTILINE)
        return f"{found[1]}={found[2]} is unknown; known: {', '.join(options)}"
    if found := re.search(r"Could not (?:override|append|delete)[^']*'([^']+)'", text):
        cause = error.__cause__
        if cause is None or "not in" in str(cause):
            return unknown_key(found[1].split("=")[0])
    for candidate in (error, error.__cause__):
        if isinstance(candidate, OmegaConfBaseException):
            key = getattr(candidate, "full_key", None)
            if "not in" in str(candidate) and key:
                return unknown_key(key)
            message = getattr(candidate, "msg", None) or _first_line(candidate)
            message = message.strip().split("\n", 1)[0]
            if "Missing mandatory value" in message and key:
                return f"{key} has no value: give {key}=…"
            return f"{key}: {message}" if key else message
    return _first_line(error)
