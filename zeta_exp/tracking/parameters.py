"""Configs and results as flat names with plain values, which is all that services take."""

import math
from collections.abc import Mapping
from typing import Any

from zeta_exp.tracking.contract import Parameter

_NOT_PARAMETERS = ("tracking", "resume", "replay")  # how a run is watched is no setting of it
_CLASS = "_target_"


def flattened(config: Mapping[str, Any]) -> dict[str, Parameter]:
    """The settings of a run by dotted name.

    A class is named where its arguments are ("model": "MLP" beside "model.hidden"); lists, true,
    false and null are written as in YAML.
    """
    found: dict[str, Parameter] = {}
    for key, value in config.items():
        if key not in _NOT_PARAMETERS:
            _collect(found, str(key), value)
    return found


def _collect(found: dict[str, Parameter], name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        found[name] = _plain(value)
        return
    if _CLASS in value:
        found[name] = str(value[_CLASS]).rpartition(".")[2]
    for key, inner in value.items():
        if not str(key).startswith("_"):
            _collect(found, f"{name}.{key}", inner)


def _plain(value: Any) -> Parameter:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no nan
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, list | tuple):
        return f"[{','.join(str(_plain(item)) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among the values: of a row all but nan, of a result its measures."""
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
