"""Files by path or by address (gs://…): read, written whole or not at all, listed.

Addresses go through fsspec, which is imported only for them.
"""

import errno
import fcntl
import io
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from zeta_exp.errors import UserError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_UNFINISHED = re.compile(r"\..+\.tmp")
_FETCHED = 1 << 23  # bytes of a remote file in one request
_SAID = 300  # characters of another library's error
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_remote(path: str) -> bool:
    """Whether the path is an address such as gs://bucket/name."""
    return _SCHEME.match(path) is not None


def shortest(path: str) -> str:
    """The same local path from the working directory, where it leads down from there."""
    return os.path.relpath(path) if Path(path).absolute().is_relative_to(Path.cwd()) else path


def join(folder: str, name: str) -> str:
    """The path of `name` in the folder."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else os.path.join(folder, name)


def _check_path(path: str) -> None:
    """Raise UserError for an empty path."""
    if not path:
        raise UserError("an empty path names nothing: give a file or a folder")


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Inside, an `OSError` that a user can mend becomes a `UserError` that names the path."""
    _check_path(path)
    try:
        yield
    except FileNotFoundError:
        folder = os.path.dirname(path)
        if folder and not is_remote(path) and not os.path.isdir(folder):
            raise UserError(
                f"{path} can't be reached, as the folder {folder} does not exist: check the path "
                "or make the folder"
            ) from None
        raise UserError(f"{path} does not exist: check the path") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder: give a file in it") from None
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        if error.errno in _DISK_FULL:
            advice = "free some space or choose another place"
        elif is_remote(path):
            advice = "check the address, your network and your permissions"
        else:
            advice = "check the path and your permissions"
        raise UserError(f"{path} can't be read or written ({reason}): {advice}") from None


@contextmanager
def _remote_faults(path: str) -> Iterator[None]:
    """What a library for remote files raises, as `OSError`."""
    try:
        yield
    except (OSError, UserError):
        raise
    except Exception as error:  # no two libraries share a base class
        said = " ".join(str(error).split())  # on one line
        raise OSError(errno.EIO, f"{type(error).__name__}: {said[:_SAID]}", path) from error


def _filesystem(path: str, *, private: bool = False) -> tuple[Any, str]:
    """The fsspec file system of an address, seeing what others wrote, and the path within it.

    A private one shares no transaction.  Raises UserError for a scheme that is unknown or whose
    library is not installed.
    """
    try:
        import fsspec

        fsspec.get_filesystem_class(path.partition("://")[0])
    except ImportError as error:
        what = "zeta_exp[gcp]" if path.lower().startswith(("gs://", "gcs://")) else "it"
        raise UserError(
            f"{path} needs a library that is missing ({error}): install {what} or use a local path"
        ) from None
    except ValueError as error:
        raise UserError(f"{path} can't be reached ({error}): use gs:// or a local path") from None
    with _remote_faults(path):
        filesystem, inner = fsspec.url_to_fs(path, skip_instance_cache=private)
        filesystem.invalidate_cache()
    return filesystem, inner


def _information(path: str) -> dict[str, Any] | None:
    """What fsspec knows of an address; None where nothing is.  Raises `OSError`."""
    filesystem, inner = _filesystem(path)
    try:
        with _remote_faults(path):
            return dict(filesystem.info(inner))
    except FileNotFoundError:
        return None


def information(address: str) -> dict[str, Any]:
    """What the storage says of a remote file: "size" and, in Cloud Storage, "md5Hash", "crc32c".

    Raises UserError for an address that can't be reached, or has nothing.
    """
    with explained(address):
        found = _information(address)
    if found is None:
        raise UserError(f"{address} does not exist: check the path")
    return found


def exists(path: str) -> bool:
    """Whether a file or folder is there.  Raises UserError for an address that can't be reached."""
    if not is_remote(path):
        return os.path.exists(path)
    with explained(path):
        return _information(path) is not None


def is_folder(path: str) -> bool:
    """Whether the path is a folder, or a prefix that objects begin with.  Raises as `exists`."""
    if not is_remote(path):
        return os.path.isdir(path)
    with explained(path):
        found = _information(path)
    return found is not None and found["type"] == "directory"


def names(folder: str) -> list[str]:
    """Names of what is in a folder, sorted, without what was never finished.  Raises `OSError`."""
    _check_path(folder)
    if is_remote(folder):
        filesystem, inner = _filesystem(folder)
        with _remote_faults(folder):
            listed = filesystem.ls(inner, detail=False)
        own = inner.rstrip("/")
        found = [item.rstrip("/") for item in listed]
        entries = [item.rpartition("/")[2] for item in found if item != own]
    else:
        entries = os.listdir(folder)
    return sorted(name for name in entries if not _UNFINISHED.fullmatch(name))


def below(folder: str, wanted: set[str]) -> list[str]:
    """Paths of all files below a folder whose name is wanted, sorted.

    Raises `OSError`.  Hidden folders are not searched, nor what is below a local one with a find.
    """
    _check_path(folder)
    if is_remote(folder):
        filesystem, inner = _filesystem(folder)
        with _remote_faults(folder):
            listed = filesystem.find(inner)
        root = inner.rstrip("/")
        inside = (item[len(root) + 1 :] for item in listed if item.startswith(f"{root}/"))
        seen = (name for name in inside if not any(p[:1] == "." for p in name.split("/")))
        return sorted(join(folder, name) for name in seen if name.rpartition("/")[2] in wanted)
    found = []
    for path, folders, names in os.walk(folder):
        here = wanted.intersection(names)
        found += [os.path.join(path, name) for name in here]
        folders[:] = [] if here else [name for name in folders if not name.startswith(".")]
    return sorted(found)


def contents(paths: list[str]) -> list[bytes]:
    """What is in each of many files, local or all in one remote place.  Raises `OSError`."""
    if not paths or not is_remote(paths[0]):
        return [Path(path).read_bytes() for path in paths]
    filesystem, _ = _filesystem(paths[0])
    inner = [filesystem._strip_protocol(path) for path in paths]
    with _remote_faults(paths[0]):  # several at once, where the library can; `cat` would glob
        read = filesystem.cat_ranges(inner, None, None, on_error="return")
        for failed in (content for content in read if isinstance(content, Exception)):
            raise failed
    return [bytes(content) for content in read]


def make_folder(path: str) -> None:
    """The folder and those above it, where they are missing; object stores need none."""
    _check_path(path)
    if not is_remote(path):
        os.makedirs(path, exist_ok=True)


class _RemoteFile(io.RawIOBase):
    """Reads of an address, with a position of its own."""

    def __init__(self, path: str) -> None:
        found = _information(path)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if found["type"] == "directory":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        self._path = path
        self._size = int(found["size"])
        self._filesystem, self._inner = _filesystem(path)
        self._position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves as `io.IOBase.seek` says."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fills the buffer as far as the file goes."""
        room = memoryview(buffer).cast("B")
        stop = min(self._position + len(room), self._size)
        if stop <= self._position:
            return 0
        with _remote_faults(self._path):
            content = self._filesystem.cat_file(self._inner, start=self._position, end=stop)
        room[: len(content)] = content
        self._position += len(content)
        return len(content)


def reading(path: str) -> AbstractContextManager[BinaryIO]:
    """Opens a file to read and seek in.  Raises `OSError`, UserError for a bad path or scheme."""
    _check_path(path)
    if is_remote(path):
        return cast(BinaryIO, io.BufferedReader(_RemoteFile(path), _FETCHED))
    return open(path, "rb")


class _RemoteOutput(io.RawIOBase):
    """Writes to an fsspec file; closing is left to who opened that."""

    def __init__(self, path: str, file: Any) -> None:
        self._path = path
        self._file = file

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, content: "ReadableBuffer") -> int:
        """Passes all bytes on."""
        with _remote_faults(self._path):
            return int(self._file.write(content))


@contextmanager
def _writing_remote(path: str) -> Iterator[BinaryIO]:
    """An object that appears when its last byte is there, and not after an error."""
    filesystem, inner = _filesystem(path, private=True)
    with _remote_faults(path):
        filesystem.transaction.start()
        file = filesystem.open(inner, "wb")
    try:
        yield cast(BinaryIO, _RemoteOutput(path, file))
    except BaseException:
        with suppress(Exception):  # the first error is the one to tell
            file.close()
            filesystem.transaction.complete(commit=False)
        raise
    with _remote_faults(path):
        file.close()
        filesystem.transaction.complete()


def _unfinished(temporary: Path, name: str) -> BinaryIO:
    """The temporary file of `name`, locked while open; what killed writers left is removed."""
    lost = re.compile(rf"\.{re.escape(name)}(\.[0-9a-f]{{8}})?\.tmp")
    beside = os.listdir(temporary.parent) if temporary.parent.is_dir() else []
    for other in filter(lost.fullmatch, beside):
        with suppress(OSError), (temporary.parent / other).open("r+b") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its writer lives
            os.unlink(left.name)
    while True:
        file = temporary.open("xb")
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # else another took it for lost before the lock
            return file
        file.close()


@contextmanager
def _writing_local(path: Path) -> Iterator[BinaryIO]:
    """A file under a temporary name of its own, renamed when its last byte is on the disk."""
    target = Path(os.path.realpath(path))  # a link stays one
    _check_replaceable(path, target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with _unfinished(temporary, target.name) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, target)
    except BaseException as error:  # a second Ctrl-C too
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = str(path)  # what a full disk leaves out
        raise


def _check_replaceable(path: Path, target: Path) -> None:
    """Raise IsADirectoryError for a folder, UserError for a device, a pipe, a socket."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if target.exists() and not target.is_file():
        raise UserError(f"{path} is a device or a pipe, no file to replace: give a file's name")


def writing(path: str) -> AbstractContextManager[BinaryIO]:
    """Opens a file to write: a reader sees all of it, or what was there before.

    A link leads to the file that is written.  Raises `OSError` (a full disk, a read-only directory)
    with the earlier file left in place, UserError for an empty path and for what is no file.
    """
    _check_path(path)
    return _writing_remote(path) if is_remote(path) else _writing_local(Path(path))


def write_atomically(path: Path, content: bytes) -> None:
    """Writes the content whole or not at all, as `writing` does."""
    with _writing_local(path) as file:
        file.write(content)
