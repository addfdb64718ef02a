"""The circumstances of a run, beside its config: code, versions, device, zeros."""

from collections.abc import Mapping
from typing import Any

from zeta_exp.report.runs import flattened

_DIGITS = 10  # of a commit or a sha256
_OF_CONFIG = ("N", "start", "seed")  # recorded in the provenance too


def circumstances(result: Mapping[str, Any]) -> dict[str, Any]:
    """What beside the config the numbers of `result.json` depend on, by its name for a reader.

    The zeros' sha256 is told where the zeros were counted.
    """
    told: dict[str, Any] = {}
    provenance = result.get("provenance")
    flat = flattened(provenance) if isinstance(provenance, dict) else {}
    for key, value in flat.items():
        name = key.removeprefix("versions.")
        if key == "git":
            told["commit"] = value and str(value)[:_DIGITS]
        elif key == "dirty":
            told["uncommitted changes"] = value
        elif key == "zeros_sha256":
            told["zeros' sha256"] = value and str(value)[:_DIGITS]
        elif key not in _OF_CONFIG:
            told[name] = value
    if "ranks" in result:
        told["processes"] = result["ranks"]
    return told


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Each circumstance that differs between two results: "numpy 2.4.6 (now 2.5.0)".

    Uncommitted changes are told of where both had some, for these may not be the same.
    """
    one, other = circumstances(before), circumstances(after)
    found = [
        f"{name} {_word(one.get(name))} (now {_word(other.get(name))})"
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    ]
    if one.get("uncommitted changes") and other.get("uncommitted changes"):
        found.append("uncommitted changes both times, maybe not the same")
    return found


def _word(value: Any) -> str:
    if value is None:
        return "unknown"
    return {True: "yes", False: "none"}[value] if isinstance(value, bool) else str(value)
