"""The manifest of a table: a JSON file that says what the shards beside it hold.

It has no date and no path, so that equal tables have equal bytes, interrupted or not.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.zeros.shards.forms import form_named
from zeta_exp.zeros.shards.plan import Plan, Slice, Span, slice_of_manifest

FORMAT = "zeta_exp zeros"
VERSION = 1
_LARGEST = 1 << 30  # bytes
_MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Shard:
    """One file of a table."""

    file: str
    start: int  # ordinal of its first zero
    count: int
    first: float  # its first number, as it is stored
    last: float
    sha256: str  # of the file's bytes
    turing: float | None  # the worst |∫S| over a block of the engine, in units of its bound
    least_S: float | None  # S just before a zero, −½ − δ
    greatest_S: float | None  # S at a zero, ½ − δ
    bases: tuple[tuple[int, float], ...] = ()  # from which ordinal on which height is to be added

    @property
    def stop(self) -> int:
        """The ordinal after the last."""
        return self.start + self.count

    def to_json(self) -> dict[str, Any]:
        """Its entry in a manifest."""
        entry = {**vars(self), "first": self.first.hex(), "last": self.last.hex()}
        entry["bases"] = [[start, base.hex()] for start, base in self.bases]
        if not self.bases:
            del entry["bases"]
        return entry

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Shard":
        """The shard of an entry; raises as `Manifest.from_bytes` does."""
        return cls(
            file=str(entry["file"]),
            start=_whole(entry["start"]),
            count=_whole(entry["count"]),
            first=float.fromhex(entry["first"]),
            last=float.fromhex(entry["last"]),
            sha256=str(entry["sha256"]),
            turing=_number(entry["turing"]),
            least_S=_number(entry["least_S"]),
            greatest_S=_number(entry["greatest_S"]),
            bases=tuple(
                (_whole(start), float.fromhex(base)) for start, base in entry.get("bases", [])
            ),
        )


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def known(value: float) -> float | None:
    """The value, or None where it's not finite: JSON has no nan."""
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Manifest:
    """What one slice of a table holds so far; shards ascend."""

    plan: Plan
    part: Slice
    shards: tuple[Shard, ...]

    def to_bytes(self) -> bytes:
        """JSON with a line for each key and each shard."""
        head = {
            "format": FORMAT,
            "version": VERSION,
            "form": self.plan.form.name,
            "dtype": self.plan.form.dtype,
            "start": self.plan.start,
            "count": self.plan.count,
            "shard_size": self.plan.shard_size,
            "slice": [self.part.index, self.part.of],
            "source": dict(self.plan.source),
        }
        lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
        shards = [f"  {json.dumps(shard.to_json(), allow_nan=False)}" for shard in self.shards]
        lines.append(' "shards": [' + ",".join(f"\n{shard}" for shard in shards) + "\n ]")
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes, part: Slice) -> "Manifest":
        """Inverse of `to_bytes`.

        Raises what a wrong key, type or value raises, where it's not the slice's manifest.
        """
        data = json.loads(content)
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {data['format']!r}, not {FORMAT!r}")
        if data["version"] != VERSION:
            raise ValueError(f"its version is {data['version']!r}, not {VERSION}")
        if data["slice"] != [part.index, part.of]:
            raise ValueError(f"its name says slice {part}, its content {data['slice']}")
        plan = Plan(
            start=_whole(data["start"]),
            count=_whole(data["count"]),
            shard_size=_whole(data["shard_size"]),
            form=form_named(data["form"]),
            source=dict(data["source"]),
        )
        if min(plan.start, plan.count, plan.shard_size) < 1:
            raise ValueError("start, count and shard_size must be 1 or more")
        _ = plan.tolerance  # which raises where it's none
        if part.of > plan.shards:
            raise ValueError(f"{part.of} slices are more than its {plan.shards} shards")
        manifest = cls(plan, part, tuple(Shard.from_json(entry) for entry in data["shards"]))
        manifest._check()
        return manifest

    def _check(self) -> None:
        """Raise ValueError where the shards are not, in order, shards of the plan and the slice."""
        previous = -1
        for shard in self.shards:
            index = (shard.start - self.plan.start) // self.plan.shard_size
            planned = index in self.plan.indices(self.part) and fits(self.plan, shard)
            if not planned or index <= previous:
                raise ValueError(f"shard {shard.file!r} is not where the plan has it")
            previous = index
            if not _bases_cover(self.plan, shard):
                raise ValueError(f"the bases of shard {shard.file!r} don't cover its ordinals")

    def missing(self) -> Iterator[int]:
        """The shards of the slice that are not there yet."""
        there = {shard.start for shard in self.shards}
        for index in self.plan.indices(self.part):
            if self.plan.span(index).start not in there:
                yield index


def _bases_cover(plan: Plan, shard: Shard) -> bool:
    """Whether there are bases where the form has them, from the first ordinal on, ascending."""
    if not plan.form.has_bases:
        return not shard.bases
    starts = [start for start, _ in shard.bases]
    return starts[:1] == [shard.start] and all(
        low < high for low, high in pairwise([*starts, shard.stop])
    )


def fits(plan: Plan, shard: Shard) -> bool:
    """Whether the shard is one of the plan's, by its place, its size and its name."""
    index, rest = divmod(shard.start - plan.start, plan.shard_size)
    return (
        rest == 0
        and 0 <= index < plan.shards
        and plan.span(index) == Span(shard.start, shard.count)
        and shard.file == plan.form.file(index)
    )


def slices_in(folder: str) -> list[Slice]:
    """The slices whose manifests are in a folder.  Raises `OSError` as listing does."""
    return sorted(filter(None, map(slice_of_manifest, files.names(folder))))


def read_bytes(folder: str, part: Slice) -> bytes:
    """The bytes of a slice's manifest; raises UserError where they can't be read."""
    path = files.join(folder, part.manifest)
    with files.explained(path), files.reading(path) as file:
        if file.seek(0, 2) > _LARGEST:
            raise UserError(f"{path} is over a gigabyte, no manifest of zeros: delete it")
        file.seek(0)
        return file.read()


def parse(folder: str, part: Slice, content: bytes) -> Manifest:
    """The manifest of a slice from its bytes; raises UserError where they are something else."""
    try:
        return Manifest.from_bytes(content, part)
    except (*_MALFORMED, UserError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise UserError(
            f"{files.join(folder, part.manifest)} is no manifest of a table of zeros ({reason}): "
            "restore it, or delete it and make the table again"
        ) from None
