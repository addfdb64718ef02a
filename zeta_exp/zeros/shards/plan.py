"""Which zeros a table of shards holds, in which files, and which of them one machine makes."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zeta_exp.errors import UserError
from zeta_exp.zeros.shards.forms import Form

SHARD_SIZE = 10_000_000
_LARGEST_SHARD = 1 << 28  # zeros; 2 GiB, which a machine must hold in memory
_SLICE = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")
_MANIFEST = re.compile(r"manifest(?:_([0-9]{5,9})_of_([0-9]{5,9}))?\.json")


@dataclass(frozen=True, order=True)
class Slice:
    """One of `of` parts of a table, each of whole shards: what one machine makes."""

    index: int  # 1 … of
    of: int

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"

    @property
    def manifest(self) -> str:
        """The name of its manifest."""
        if self.of == 1:
            return "manifest.json"
        return f"manifest_{self.index:05d}_of_{self.of:05d}.json"


WHOLE = Slice(1, 1)


def slice_from(text: str) -> Slice:
    """Slice i/K, i = 1 … K; raises UserError."""
    match = _SLICE.fullmatch(text)
    part = Slice(int(match[1]), int(match[2])) if match else Slice(0, 0)
    if not 1 <= part.index <= part.of:
        raise UserError(f"slice {text!r} is not i/K with i from 1 to K: write 1/8 … 8/8")
    return part


def slice_of_manifest(name: str) -> Slice | None:
    """The slice whose manifest has this name; None for other names."""
    match = _MANIFEST.fullmatch(name)
    if match is None:
        return None
    part = Slice(int(match[1] or 1), int(match[2] or 1))
    return part if part.manifest == name and 1 <= part.index <= part.of else None


@dataclass(frozen=True)
class Span:
    """The ordinals of a shard."""

    start: int
    count: int

    @property
    def stop(self) -> int:
        """The ordinal after the last."""
        return self.start + self.count


@dataclass(frozen=True)
class Plan:
    """A whole table: shard k begins at ordinal start + k·shard_size; the last may be shorter."""

    start: int
    count: int
    shard_size: int
    form: Form
    source: Mapping[str, Any]  # what made the zeros

    @property
    def stop(self) -> int:
        """The ordinal after the last."""
        return self.start + self.count

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return -(-self.count // self.shard_size)

    @property
    def tolerance(self) -> float:
        """How far a γ of the source may be off beyond rounding.

        Raises ValueError or TypeError where the source says what is no such number.
        """
        tolerance = float(self.source.get("tolerance", 0.0))
        if not (math.isfinite(tolerance) and tolerance >= 0):
            raise ValueError(f"tolerance {tolerance} is not finite and positive")
        return tolerance

    def span(self, index: int) -> Span:
        """The ordinals of a shard, counted from 0."""
        start = self.start + index * self.shard_size
        return Span(start, min(self.shard_size, self.stop - start))

    def indices(self, part: Slice) -> range:
        """The shards of a slice."""
        return range((part.index - 1) * self.shards // part.of, part.index * self.shards // part.of)

    def validate(self, part: Slice) -> None:
        """Raise UserError for shards of no size or too large, or fewer of them than slices."""
        if not 1 <= self.shard_size <= _LARGEST_SHARD:
            raise UserError(
                f"a shard of {self.shard_size} zeros can't be made: use 1 to {_LARGEST_SHARD}, "
                f"{SHARD_SIZE} by default"
            )
        if part.of > self.shards:
            shards = "1 shard" if self.shards == 1 else f"{self.shards} shards"
            raise UserError(
                f"{self.count} zeros in shards of {self.shard_size} make {shards}, too "
                f"few for {part.of} slices: make at most {self.shards}, or smaller shards"
            )

    def difference(self, other: "Plan", *, ignore: tuple[str, ...] = ()) -> str | None:
        """The first thing in which another plan differs, as 'count=5, not count=6'; None if none.

        The other one comes second.
        """
        for name in ("form", "start", "count", "shard_size", "source"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if name not in ignore and mine != theirs:
                if name == "form":
                    mine, theirs = mine.name, theirs.name
                if name == "source":
                    mine, theirs = _differing(mine, theirs)
                return f"{name}={mine}, not {name}={theirs}"
        return None


def _differing(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[str, str]:
    """What two mappings don't share."""
    keys = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]

    def shown(mapping: Mapping[str, Any]) -> str:
        return "{" + ", ".join(f"{key}: {mapping.get(key)}" for key in keys) + "}"

    return shown(mine), shown(theirs)
