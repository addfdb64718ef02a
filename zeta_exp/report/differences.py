"""What sets configs apart: the settings that differ, as overrides that can be pasted."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from zeta_exp.overrides import arguments
from zeta_exp.report.settings import own

# looked at in this order, then all others: the first that tell configs apart are their names
_FIRST = ("strategy", "N", "start", "zeros", "model", "features", "features.", "loss.", "seed")
_LAST = ("evaluation.", "hardware.", "tracking.")  # consequences of others


class _Absent(Enum):
    """The value of a setting that a config does not have."""

    ABSENT = "–"

    def __str__(self) -> str:
        return self.value


ABSENT: Final = _Absent.ABSENT


@dataclass(frozen=True)
class Difference:
    """A setting whose value is not the same in all configs."""

    key: str  # dotted, or of a group
    values: tuple[Any, ...]  # one a config, ABSENT where it has no such setting


def differences(told: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """The settings in which configs differ, the telling ones first.

    told: `settings.settings` of each config.  What takes over the value of another setting, in all
    configs, is not told: the other one is.
    """
    keys = {key for each in told for key in own(each)}
    found = [Difference(key, tuple(e.get(key, ABSENT) for e in told)) for key in keys]
    differing = [d for d in found if any(not equal(d.values[0], value) for value in d.values[1:])]
    return sorted(differing, key=lambda difference: rank(difference.key))


def equal(one: Any, other: Any) -> bool:
    """Whether two values are written alike in YAML: 1 is 1.0, and true is neither."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def overrides(differing: Iterable[Difference], place: int) -> str:
    """The arguments that turn any of the configs into the one at `place`."""
    values = {difference.key: difference.values[place] for difference in differing}
    return arguments({key: value for key, value in values.items() if value is not ABSENT})


def rank(key: str) -> tuple[int, str]:
    """How much a setting tells: a key for sorting, the most telling first."""
    for place, beginning in enumerate(_FIRST):
        if key == beginning or (beginning[-1] == "." and key.startswith(beginning)):
            return place, key
    return len(_FIRST) + key.startswith(_LAST), key


def tells_much(key: str) -> bool:
    """Whether the setting is among those that a reader asks for first."""
    return rank(key)[0] < len(_FIRST)


def separating(groups: Sequence[Mapping[str, Hashable]], keys: Iterable[str]) -> list[str]:
    """Of the keys, in their order, those without which two groups would look the same."""
    needed = []
    classes, count = [0] * len(groups), 1
    for key in keys:
        seen: dict[Hashable, int] = {}
        refined = [
            seen.setdefault((known, group.get(key)), len(seen))
            for known, group in zip(classes, groups, strict=True)
        ]
        if len(seen) > count:
            needed.append(key)
            classes, count = refined, len(seen)
        if count == len(groups):
            break
    return needed
