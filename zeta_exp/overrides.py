"""Settings as arguments of `python run.py`, ready for a shell and for Hydra's grammar."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[\w/.-]+", re.ASCII)
# what Hydra would take for something else than a word
_NO_WORD = re.compile(r"[+-]?(\d[\d_]*)?\.?\d*(e[+-]?\d+)?|[+-]?(nan|inf)|null|true|false", re.I)


class Choices(tuple[Any, ...]):
    """The values of a sweep: `key=1,2,3`, with -m."""

    __slots__ = ()


def override(key: str, value: Any) -> str:
    """The argument `key=value` that gives a setting this value: a word, a number, or a list."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and not _NO_WORD.fullmatch(value):
            return f"{key}={value}"
        return f"'{key}={_for_shell(_quoted(value))}'"
    if isinstance(value, Choices):
        words = [override(key, item).removeprefix(f"{key}=") for item in value]
        return f"{key}={','.join(words)}"
    if isinstance(value, list | tuple) and any(isinstance(item, str) for item in value):
        return f"'{key}=[{_for_shell(','.join(map(_element, value)))}]'"
    return f"{key}={shown(value)}"


def arguments(settings: Mapping[str, Any]) -> str:
    """All of them: options of groups first, for what is below a group comes with its option."""
    ordered = sorted(settings, key=lambda key: "." in key)
    return " ".join(override(key, settings[key]) for key in ordered)


def shown(value: Any) -> str:
    """A value as a reader of YAML expects it: null, true, [2,3], 0.004, a word."""
    if isinstance(value, Choices):
        return ",".join(map(shown, value))
    if isinstance(value, list | tuple):
        return f"[{','.join(map(shown, value))}]"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.12g}" if float(f"{value:.12g}") == value else repr(value)
    return value if isinstance(value, str) else json.dumps(value)


def _element(item: Any) -> str:
    return _quoted(item) if isinstance(item, str) else shown(item)


def _quoted(text: str) -> str:
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', text)  # backslashes count before a quote alone
    trailing = re.search(r"\\*$", escaped)
    return f'"{escaped}{trailing[0] if trailing else ""}"'


def _for_shell(text: str) -> str:
    return text.replace("'", "'\\''")
