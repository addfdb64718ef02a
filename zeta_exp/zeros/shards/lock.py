"""One process at a time makes a slice of a table."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.zeros.shards.plan import Slice

try:
    import fcntl
except ImportError:  # pragma: no cover - where there are no such locks
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(folder: str, part: Slice) -> Iterator[None]:
    """Inside, no other process of this machine makes the slice in the folder, which must exist.

    The lock is a file that is gone afterwards; what a killed process left of it holds nobody up.
    Remote folders, and file systems that know no locks, have none.  Raises UserError where another
    process is at work, and where the file can't be made.
    """
    if files.is_remote(folder) or fcntl is None:
        yield
        return
    path = files.join(folder, f".{part.manifest}.lock.tmp")  # which no listing of names shows
    with files.explained(folder):
        descriptor = _taken(folder, path)
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(path)
        os.close(descriptor)


def _taken(folder: str, path: str) -> int:
    """A descriptor of the lock file, locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _lock(descriptor) or _is_file(descriptor, path):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise UserError(
                f"another process is making this table in {folder}: wait until it has ended, or "
                "choose another folder"
            ) from None
        os.close(descriptor)  # its owner has just removed it


def _lock(descriptor: int) -> bool:
    """Whether the file could be locked; raises BlockingIOError where another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # of a file system without locks
        return False
    return True


def _is_file(descriptor: int, path: str) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
