"""Names for groups of runs: the few settings that set them apart."""

import json
from collections.abc import Mapping, Sequence

from zeta_exp.report.differences import separating

QUESTIONS = ("zero", "margin", "outside")  # fields of decision.Tests
SHORT = {
    "features.max_prime": "P",
    "strategy._target_": "",
    "loss.rg.form": "",
    "features._target_": "",
    "model._target_": "",
    "zeros._target_": "",
}
# looked at in this order, then all others: the first that tell the groups apart are their names
_FIRST = ("strategy._target_", "features.max_prime", "loss", "loss.rg.form", "loss.weights.")
_LAST = ("evaluation.", "hardware.")  # consequences of others
# what is chosen to suit N; all else is what a comparison asks
_RECIPE = ("budget.", "strategy.", "optimizer.", "hardware.", "evaluation.")


def asked(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The settings that make a family: all but N and the recipe that goes with it."""
    kept = {
        key: value
        for key, value in settings.items()
        if key == "strategy._target_" or (key != "N" and not key.startswith(_RECIPE))
    }
    return tuple(f"{key}={kept[key]}" for key in sorted(kept))


def labels(groups: Sequence[Mapping[str, str]]) -> list[str]:
    """One name a group: N, and the settings without which two groups would have the same.

    groups: dotted key → value as JSON.
    """
    ranked = sorted({key for group in groups for key in group} - {"N"}, key=_rank)
    needed = separating(groups, ["N", *ranked])
    keys = ["N", *(key for key in needed if key != "N")]
    return [", ".join(_part(key, group[key]) for key in keys if key in group) for group in groups]


def _rank(key: str) -> tuple[int, str]:
    for place, beginning in enumerate(_FIRST):
        if key == beginning or (beginning[-1] == "." and key.startswith(beginning)):
            return place, key
    return len(_FIRST) + key.startswith(_LAST), key


def _part(key: str, text: str) -> str:
    """P = 300, Streamed, block_spin, gue_nll = 0.02."""
    value = json.loads(text)
    if key.endswith("_target_"):
        value = str(value).rpartition(".")[2]
    shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    name = SHORT.get(key, key.removeprefix("loss.weights."))
    return f"{name} = {shown}" if name else shown
