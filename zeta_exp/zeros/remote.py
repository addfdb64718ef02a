"""Local copies of remote tables, kept by their content and checked whenever they are used.

What a shard must be is said by its manifest, what any other file must be by the storage, which
reports its MD5 or CRC32C.  Equal content is fetched once, by whatever address and for however many
runs; nothing is ever removed.
"""

import base64
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.zeros.formats import ZeroTable, read
from zeta_exp.zeros.shards import ShardTable

_AT_ONCE = 1 << 23  # bytes fetched and hashed at a time


def default_folder() -> Path:
    """${XDG_CACHE_HOME or ~/.cache}/zeta_exp/zeros."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "zeta_exp" / "zeros"


def read_cached(address: str, start: int | None, low: int, high: int) -> ZeroTable:
    """The table at an address, to be read from local copies; start as for `read`.

    Of shards, those with the ordinals [low, high) are fetched; a file as a whole, where the storage
    reports what it must be, and else it is read where it is.  Raises UserError for a table that
    can't be fetched, or is not what it should be.
    """
    if files.is_folder(address):
        table = read(address, start)
        return _with_local_shards(table, low, high) if isinstance(table, ShardTable) else table
    checksum = _reported(address)
    if checksum is None:
        return read(address, start)
    name = address.rstrip("/").rpartition("/")[2]
    copy = default_folder() / checksum.key / name
    with _alone(copy.parent):
        _fetch(address, copy, checksum)
    return read(str(copy), start)


def _with_local_shards(table: ShardTable, low: int, high: int) -> ShardTable:
    """The table, its files those of a local folder, where the ones for [low, high) are."""
    folder = default_folder() / table.sha256
    with _alone(folder):
        for shard in table.shards:
            # the first one too where it tells how exact the zeros are
            needed = table.plan.form.compact and shard is table.shards[0]
            if needed or (shard.start < high and low < shard.stop):
                checksum = _Checksum("sha256", shard.sha256, hashlib.sha256)
                _fetch(files.join(table.path, shard.file), folder / shard.file, checksum)
    return replace(table, path=str(folder))


class _Hash(Protocol):
    def update(self, content: bytes, /) -> Any: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class _Checksum:
    """What the content of a file must hash to."""

    name: str
    hexadecimal: str
    begin: Callable[[], _Hash]
    size: int | None = None

    @property
    def key(self) -> str:
        """A folder for the content; with its size, where 32 bits alone would be few."""
        return "-".join(str(part) for part in (self.name, self.hexadecimal, self.size) if part)

    def of(self, path: Path) -> bool:
        """Whether the file is there and whole."""
        found = self.begin()
        try:
            with path.open("rb") as file:
                while content := file.read(_AT_ONCE):
                    found.update(content)
        except OSError:
            return False
        return found.digest().hex() == self.hexadecimal


def _reported(address: str) -> _Checksum | None:
    """What the storage says of a file; None where that is no hash."""
    found = files.information(address)
    hashes: tuple[tuple[str, str, Callable[[], _Hash] | None], ...] = (
        ("md5Hash", "md5", lambda: hashlib.md5(usedforsecurity=False)),
        ("crc32c", "crc32c", _crc32c()),  # all that Cloud Storage has of a composite object
    )
    for key, name, begin in hashes:
        if isinstance(value := found.get(key), str) and begin is not None:
            return _Checksum(name, base64.b64decode(value).hex(), begin, int(found["size"]))
    return None


def _crc32c() -> Callable[[], _Hash] | None:
    try:
        import google_crc32c
    except ImportError:
        return None
    return google_crc32c.Checksum


def _fetch(address: str, copy: Path, checksum: _Checksum) -> None:
    """A whole copy of what is at the address; one that is there already is only checked."""
    if checksum.of(copy):
        return
    found = checksum.begin()
    with (
        files.explained(address),
        files.reading(address) as source,
        files.explained(str(copy)),
        files.writing(str(copy)) as target,
    ):
        while content := source.read(_AT_ONCE):
            found.update(content)
            target.write(content)
        if found.digest().hex() != checksum.hexadecimal:  # inside, so that nothing is left of it
            raise UserError(
                f"{address} is damaged ({checksum.name} {found.digest().hex()[:12]}… instead of "
                f"{checksum.hexadecimal[:12]}…): run again, and if that doesn't help, make or "
                "upload it again"
            )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The folder, made; the processes of this machine take turns, so that one of them fetches."""
    with files.explained(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
