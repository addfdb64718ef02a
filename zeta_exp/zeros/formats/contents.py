"""The bytes of a table's file: unpacked, recognised, hashed."""

import gzip
import hashlib
import math
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

from zeta_exp.errors import UserError
from zeta_exp.files import explained, is_remote, reading, writing

HEAD = 1 << 16  # bytes by which a format is recognised
_PIECE = 1 << 20  # bytes hashed at a time
_GZIP = b"\x1f\x8b"
_NPY = b"\x93NUMPY"
_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"7z\xbc\xaf": "a 7z archive",
}
_MOST_BLOCKS = 1 << 40
_HIGHEST = 1e15  # no table reaches this height


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The file's content, unpacked where it is gzip; what a user can mend is a UserError."""
    with explained(path), reading(path) as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        try:
            yield cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UserError(
                f"{path} is gzip and cut off or damaged ({error}): download or copy it again"
            ) from None


@contextmanager
def created(path: str) -> Iterator[BinaryIO]:
    """A new file, whole or not there, packed with gzip where its name ends in .gz."""
    with explained(path), writing(path) as file:
        if not path.endswith(".gz"):
            yield file
            return
        with gzip.GzipFile(
            fileobj=file, mode="wb", filename="", mtime=0, compresslevel=6
        ) as packed:
            yield cast(BinaryIO, packed)


def create_with_head(
    path: str, head: Callable[[int], bytes], pieces: Iterable[tuple[int, bytes]]
) -> None:
    """A new file of a head, which tells a total, and the pieces, of which each adds to it.

    The head is as long for any total.  Where it can't be written last, as in a remote file, the
    pieces wait in a temporary one.
    """
    total = 0
    with created(path) as file, ExitStack() as stack:
        patched = not (is_remote(path) or path.endswith(".gz"))
        body = file if patched else stack.enter_context(tempfile.TemporaryFile())
        if patched:
            file.write(head(0))
        for amount, piece in pieces:
            total += amount
            body.write(piece)
        if patched:
            file.seek(0)
            file.write(head(total))
        else:
            file.write(head(total))
            body.seek(0)
            shutil.copyfileobj(body, file, _PIECE)


def digest(path: str) -> str:
    """sha256 of the file as it lies there, packed or not.  Raises UserError if it can't be read."""
    with explained(path), reading(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def take(file: BinaryIO, size: int) -> bytes:
    """The next `size` bytes, fewer only where the file ends."""
    content = file.read(size)
    while len(content) < size and (more := file.read(size - len(content))):
        content += more
    return content


def _is_lmfdb(head: bytes) -> bool:
    """Whether the first bytes are a plausible head of a file and of its first block."""
    if len(head) < 40:
        return False
    blocks, lower, upper, below, through = struct.unpack_from("<QddQQ", head)
    return (
        0 < blocks < _MOST_BLOCKS
        and math.isfinite(lower)
        and 0 < lower < upper < _HIGHEST
        and below <= through < below + _MOST_BLOCKS
    )


def is_text(head: bytes) -> bool:
    """Whether the bytes are UTF-8 text, the last character perhaps cut."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
    return b"\0" not in head


def kind_of(path: str, head: bytes) -> str:
    """The kind of content by its first bytes: npy, lmfdb or text; anything else is a UserError."""
    if not head.strip():
        raise UserError(f"{path} is empty: give a file with zeros in it")
    if head.startswith(_NPY):
        return "npy"
    if _is_lmfdb(head):
        return "lmfdb"
    for magic, what in _PACKED.items():
        if head.startswith(magic):
            raise UserError(f"{path} is {what}: unpack it and give the file within")
    if not is_text(head):
        raise UserError(
            f"{path} is no table of zeros: neither UTF-8 text nor .npy nor LMFDB's binary; check "
            "that it is the file you mean, and copy or download it again"
        )
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise UserError(
            f"{path} is a web page, not a table of zeros: the download failed, repeat it"
        )
    return "text"
