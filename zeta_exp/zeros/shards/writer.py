"""Making a table of shards, or what of it is not there yet.

The manifest comes first and is rewritten whole after every shard, a shard appears under its name
when its last byte is on the disk: so whatever stops the work, the same call takes it up again, and
the table ends with the bytes that it would have had uninterrupted.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.zeros.formats.contents import digest
from zeta_exp.zeros.shards import file
from zeta_exp.zeros.shards.assembly import Assembly
from zeta_exp.zeros.shards.lock import locked
from zeta_exp.zeros.shards.manifest import Manifest, Shard, fits, parse, read_bytes, slices_in
from zeta_exp.zeros.shards.pieces import Piece, Supply
from zeta_exp.zeros.shards.plan import WHOLE, Plan, Slice


class Watcher(Protocol):
    """Is told how the work goes."""

    def begin(self, zeros: int, kept: int) -> None:
        """The slice has so many zeros, of which so many are there already."""

    def advance(self, zeros: int) -> None:
        """So many more were found."""

    def wrote(self, shard: Shard) -> None:
        """A shard is on the disk."""

    def say(self, line: str) -> None:
        """Something the user should know."""


@dataclass(frozen=True)
class Silent:
    """Nobody watches."""

    def begin(self, zeros: int, kept: int) -> None:
        """Nothing."""

    def advance(self, zeros: int) -> None:
        """Nothing."""

    def wrote(self, shard: Shard) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""


def write_table(
    folder: str, plan: Plan, supply: Supply, part: Slice = WHOLE, watcher: Watcher | None = None
) -> Manifest:
    """Make the shards of a slice that are not in the folder yet; returns its manifest.

    Shards that an earlier call made are kept if their sha256 is right.  Raises UserError where the
    folder holds something else, or another table, or the disk has no room, or another process of
    this machine makes the slice there (a remote folder is not guarded against that).
    """
    watcher = watcher or Silent()
    if not folder:
        raise UserError("the folder for the shards has no name: give one")
    plan.validate(part)
    folder = folder.rstrip("/") or "/"
    with _folder(folder, plan, part) as new, locked(folder, part):
        try:
            return _completed(folder, plan, supply, part, watcher)
        except BaseException:
            if new:
                _forget_nothing(folder, part)
            raise


@contextmanager
def _folder(folder: str, plan: Plan, part: Slice) -> Iterator[bool]:
    """Whether the folder is made here; it then does not outlive a failure that leaves it empty.

    Raises UserError where the path is a file, can't be made, or is on a disk without room.
    """
    with files.explained(folder):
        there = files.exists(folder)
        if there and not files.is_folder(folder):
            raise UserError(f"{folder} is a file: give a folder for the shards")
        if not there:
            _check_space(folder, plan, sum(plan.span(index).count for index in plan.indices(part)))
            files.make_folder(folder)
    new = not there and not files.is_remote(folder)
    try:
        yield new
    except BaseException:
        if new:
            with suppress(OSError):
                Path(folder).rmdir()
        raise


def _forget_nothing(folder: str, part: Slice) -> None:
    """Remove the slice's manifest if it has no shards."""
    with suppress(OSError, UserError):
        if not parse(folder, part, read_bytes(folder, part)).shards:
            Path(folder, part.manifest).unlink()


def _completed(folder: str, plan: Plan, supply: Supply, part: Slice, watcher: Watcher) -> Manifest:
    """The manifest of the slice when all its shards are in the folder."""
    with files.explained(folder):
        earlier = _shards_there(folder, plan, part)
        manifest = Manifest(plan, part, tuple(_intact(folder, plan, earlier, watcher)))
        spans = [plan.span(index) for index in plan.indices(part)]
        zeros, kept = (sum(one.count for one in group) for group in (spans, manifest.shards))
        _check_space(folder, plan, zeros - kept)
        _write_manifest(folder, manifest)
    watcher.begin(zeros, kept)
    for start, stop in _gaps(manifest):
        with closing(supply.pieces(start, stop)) as pieces:
            for shard in _made(folder, plan, pieces, start, stop, watcher):
                shards = sorted((*manifest.shards, shard), key=lambda one: one.start)
                manifest = replace(manifest, shards=tuple(shards))
                _write_manifest(folder, manifest)
                watcher.wrote(shard)
    return manifest


def _write_manifest(folder: str, manifest: Manifest) -> None:
    path = files.join(folder, manifest.part.manifest)
    with files.explained(path), files.writing(path) as output:
        output.write(manifest.to_bytes())


def _shards_there(folder: str, plan: Plan, part: Slice) -> tuple[Shard, ...]:
    """The shards that an earlier call listed.

    Raises UserError for a folder with other things, or with a table that is not the plan's.
    """
    if not files.exists(folder):  # an object store has no empty folders
        return ()
    names = files.names(folder)
    parts = slices_in(folder)
    if names and not parts:
        raise UserError(
            f"{folder} holds other things, such as {names[0]}: choose an empty or a new folder"
        )
    mine: tuple[Shard, ...] = ()
    for other in parts:
        manifest = parse(folder, other, read_bytes(folder, other))
        if other.of != part.of:
            raise UserError(
                f"{folder} holds a table made in {other.of} slices, not in {part.of}: continue "
                f"that with --shard i/{other.of}, or choose another folder"
            )
        _check_same_table(folder, plan, manifest)
        if other == part:
            mine = manifest.shards
    return mine


def _check_same_table(folder: str, plan: Plan, manifest: Manifest) -> None:
    """Raise UserError where a manifest is of another table, save one that is a part of the plan.

    A whole table may be made longer or shorter if the shards it has are whole shards of the new
    one too.
    """
    path = files.join(folder, manifest.part.manifest)
    difference = manifest.plan.difference(plan)
    if difference is None:
        return
    only_count = manifest.plan.difference(plan, ignore=("count",)) is None
    if not only_count or manifest.part.of > 1:
        raise UserError(
            f"{path} is of another table, with {difference}: repeat its arguments to continue it, "
            "or choose another folder"
        )
    for shard in manifest.shards:
        if not fits(plan, shard):
            raise UserError(
                f"{path} is of another table, with {difference}, and its {shard.file} of "
                f"{shard.count} zeros is no shard of the new one: choose another folder"
            )


def _intact(
    folder: str, plan: Plan, shards: tuple[Shard, ...], watcher: Watcher
) -> Iterator[Shard]:
    """Those of the shards that are there and undamaged."""
    for shard in shards:
        try:
            with file.opened(folder, plan.form, shard):
                pass
            if digest(files.join(folder, shard.file)) == shard.sha256:
                yield shard
                continue
        except UserError:
            pass
        watcher.say(f"{shard.file} is missing or damaged and will be made again")


def _check_space(folder: str, plan: Plan, zeros: int) -> None:
    """Raise UserError where the local disk has no room for so many more zeros."""
    if files.is_remote(folder):
        return
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    disk, needed = shutil.disk_usage(place), zeros * plan.form.itemsize
    if not disk.total:
        raise UserError(f"{folder} can't be written, it is on no disk: choose a folder on one")
    free = disk.free
    if needed <= free:
        return
    compact = "" if plan.form.compact else "use --form residuals for half of that, "
    raise UserError(
        f"{folder} needs {_bytes(needed)}, its disk has {_bytes(free)} free: "
        f"{compact}lower the count or choose another disk"
    )


def _bytes(size: float) -> str:
    """Bytes for a reader: '80.0 MB'."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _gaps(manifest: Manifest) -> Iterator[tuple[int, int]]:
    """The ordinals [start, stop) of each run of shards that are missing."""
    start = stop = 0
    for index in manifest.missing():
        span = manifest.plan.span(index)
        if span.start != stop and stop:
            yield start, stop
        if span.start != stop:
            start = span.start
        stop = span.stop
    if stop:
        yield start, stop


def _made(
    folder: str, plan: Plan, pieces: Iterator[Piece], start: int, stop: int, watcher: Watcher
) -> Iterator[Shard]:
    """The shards of the ordinals [start, stop), each when it is on the disk."""
    assembly = Assembly(plan)
    expected = start
    for piece in pieces:
        if piece.zeros.start != expected:
            break
        expected = piece.zeros.stop
        watcher.advance(piece.residuals.size)
        while piece.residuals.size:
            piece = assembly.take(piece)
            if assembly.full:
                yield assembly.write(folder)
    if expected != stop:
        raise UserError(
            f"the zeros for {folder} break off at ordinal {expected} instead of {stop}: "
            "give a table without gaps"
        )
