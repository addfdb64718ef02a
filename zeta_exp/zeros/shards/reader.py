"""Tables of shards, read piece by piece: a stretch of zeros is in memory, never a shard."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.theory.counting import mean_gap
from zeta_exp.zeros.formats.contents import digest
from zeta_exp.zeros.formats.protocol import CHUNK
from zeta_exp.zeros.shards.file import OpenShard, opened
from zeta_exp.zeros.shards.forms import RESIDUAL_ERROR
from zeta_exp.zeros.shards.manifest import Manifest, Shard, parse, read_bytes, slices_in
from zeta_exp.zeros.shards.plan import Plan, Slice
from zeta_exp.zeros.stretch import Stretch

_SHOWN = 5  # missing slices or ranges that an error lists


@dataclass(frozen=True)
class ShardTable:
    """A complete table of shards: a `ZeroTable` that can also be read from any ordinal on."""

    path: str
    plan: Plan
    shards: tuple[Shard, ...]  # ascending, without a gap
    sha256: str  # of the manifests

    @property
    def format(self) -> str:
        """The name of the format among those of tables."""
        return "shards"

    @property
    def start(self) -> int:
        """The first ordinal."""
        return self.plan.start

    @property
    def count(self) -> int:
        """How many zeros there are."""
        return self.plan.count

    @property
    def tolerance(self) -> float:
        """Greatest error of a γ beyond rounding.

        That of what the shards were made from, and of float32 residuals at the lowest zero.
        """
        if not self.plan.form.compact:
            return self.plan.tolerance
        lowest = float(next(self.stretches(self.start, self.start + 1)).ordinates()[0])
        return self.plan.tolerance + RESIDUAL_ERROR * float(mean_gap(lowest))

    def stretches(self, start: int | None = None, stop: int | None = None) -> Iterator[Stretch]:
        """The zeros of the ordinals [start, stop), by default all, as stretches of ≤ 2^20.

        The bits of a zero don't depend on the range.  Raises UserError that names a shard which
        is missing, or is another than the manifest says.
        """
        low = self.plan.start if start is None else max(start, self.plan.start)
        high = self.plan.stop if stop is None else min(stop, self.plan.stop)
        for shard in self.shards if low < high else ():
            if shard.start < high and low < shard.stop:
                with opened(self.path, self.plan.form, shard) as there:
                    for piece in _pieces(there):
                        if piece.start < high and low < piece.stop:
                            zeros = self._decoded(there, piece)
                            yield zeros.part(max(low, zeros.start), min(high, zeros.stop))

    def _decoded(self, there: OpenShard, piece: "_Piece") -> Stretch:
        """The zeros of a piece of a shard."""
        numbers = there.numbers(piece.start, piece.stop).astype("f8")
        return self.plan.form.decode(piece.start, numbers, piece.base)

    def place(self, n: int) -> str:
        """Where ordinal n is."""
        shard = self.shards[(n - self.plan.start) // self.plan.shard_size]
        return f"{shard.file}, entry {n - shard.start + 1}"

    def provenance(self) -> dict[str, str | int]:
        """Format, path, digest of the manifests, form and what made the zeros."""
        made = {key: str(value) for key, value in self.plan.source.items()}
        source = ", ".join(f"{key} {value}" for key, value in made.items())
        return {
            "format": self.format,
            "path": self.path,
            "sha256": self.sha256,
            "form": self.plan.form.name,
            "shards": len(self.shards),
            "source": source,
        }

    def verify_hashes(self) -> list[str]:
        """Reads every byte; the files whose sha256 is not that of the manifest, or can't be read.

        One sentence each.
        """
        faults = []
        for shard in self.shards:
            path = files.join(self.path, shard.file)
            try:
                found = digest(path)
            except UserError as error:
                faults.append(str(error))
                continue
            if found != shard.sha256:
                faults.append(
                    f"{path} has sha256 {found[:12]}…, its manifest {shard.sha256[:12]}…: "
                    f"ordinals {shard.start} to {shard.stop - 1} can't be trusted, make them again"
                )
        return faults


@dataclass(frozen=True)
class _Piece:
    """Ordinals [start, stop) of a shard that share a base."""

    start: int
    stop: int
    base: float


def _pieces(there: OpenShard) -> Iterator[_Piece]:
    """A shard cut where the base changes, and at 2^20 zeros counted from there."""
    shard = there.shard
    bases = shard.bases or ((shard.start, 0.0),)
    for (start, base), (stop, _) in pairwise([*bases, (shard.stop, 0.0)]):
        for first in range(start, stop, CHUNK):
            yield _Piece(first, min(first + CHUNK, stop), base)


def open_table(path: str) -> ShardTable:
    """The table in a folder, local or remote, from all its manifests.

    Raises UserError where they are not those of one complete table: it says which slices or
    ordinals are missing.
    """
    path = str(path)
    with files.explained(path):
        parts = slices_in(path)
    if not parts:
        raise UserError(f"{path} holds no manifest of zeros: make one with `zeta zeros generate`")
    contents = [read_bytes(path, part) for part in parts]
    pairs = zip(parts, contents, strict=True)
    manifests = [parse(path, part, content) for part, content in pairs]
    _check_agreement(path, manifests)
    _check_completeness(path, manifests)
    shards = tuple(shard for manifest in manifests for shard in manifest.shards)
    together = hashlib.sha256(b"".join(contents)).hexdigest()
    return ShardTable(path, manifests[0].plan, shards, together)


def _check_agreement(path: str, manifests: list[Manifest]) -> None:
    """Raise UserError where manifests belong to different tables."""
    first = manifests[0]
    for other in manifests[1:]:
        difference = first.plan.difference(other.plan)
        if first.part.of != other.part.of:
            difference = f"{first.part.of} slices, not {other.part.of}"
        if difference:
            raise UserError(
                f"{path} holds manifests of two tables: {first.part.manifest} says {difference} "
                f"as {other.part.manifest} does; keep those of one table"
            )


def _check_completeness(path: str, manifests: list[Manifest]) -> None:
    """Raise UserError where slices or shards are missing."""
    plan, of = manifests[0].plan, manifests[0].part.of
    there = {manifest.part for manifest in manifests}
    absent = [part for part in (Slice(i, of) for i in range(1, of + 1)) if part not in there]
    if absent:
        which = _listed([str(part) for part in absent])
        raise UserError(
            f"{path} lacks the slices {which}: make them by `zeta zeros generate … --shard i/{of}`"
        )
    missing = [index for manifest in manifests for index in manifest.missing()]
    if missing:
        spans = [plan.span(index) for index in missing]
        which = _listed([f"{span.start} to {span.stop - 1}" for span in spans])
        raise UserError(
            f"{path} lacks {len(missing)} of {plan.shards} shards, of the ordinals {which}: "
            "run the command that made them again to complete it"
        )


def _listed(items: list[str]) -> str:
    """The first few of a list."""
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
