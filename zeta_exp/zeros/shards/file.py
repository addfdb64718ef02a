"""One shard on disk: an npy file with a header of 128 bytes, and the digest of all its bytes."""

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.zeros.shards.forms import Form
from zeta_exp.zeros.shards.manifest import Shard

_HEADER = 128  # bytes
_AT_ONCE = 1 << 23  # bytes read or written
_REMEDY = "run the command that made the table again, it makes such shards anew"


def header(form: Form, count: int) -> bytes:
    """The npy header, version 1.0, of so many numbers: the same in every version of NumPy."""
    text = f"{{'descr': '{form.dtype}', 'fortran_order': False, 'shape': ({count},), }}"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", _HEADER - 10)
    return start + text.encode().ljust(_HEADER - 11) + b"\n"


def size(form: Form, count: int) -> int:
    """Bytes of a shard of so many zeros."""
    return _HEADER + count * form.itemsize


def write(path: str, form: Form, numbers: NDArray[Any]) -> str:
    """Write the shard whole or not at all; returns its sha256.  Raises `OSError`."""
    digest = hashlib.sha256()
    body = numbers.view(np.uint8)
    with files.writing(path) as file:
        for content in (header(form, numbers.size), *_pieces(body)):
            digest.update(content)
            file.write(content)
    return digest.hexdigest()


def _pieces(body: NDArray[np.uint8]) -> Iterator[bytes]:
    for begin in range(0, body.size, _AT_ONCE):
        yield body[begin : begin + _AT_ONCE].tobytes()


@dataclass(frozen=True)
class OpenShard:
    """A shard whose size, header, first and last number are those of the manifest."""

    path: str
    form: Form
    shard: Shard
    file: BinaryIO

    def numbers(self, start: int, stop: int) -> NDArray[Any]:
        """The numbers of the ordinals [start, stop), which must be in the shard."""
        itemsize = self.form.itemsize
        self.file.seek(_HEADER + (start - self.shard.start) * itemsize)
        content = self.file.read((stop - start) * itemsize)
        if len(content) != (stop - start) * itemsize:
            raise UserError(f"{self.path} ends early, while it is read: {_REMEDY}")
        return np.frombuffer(content, self.form.dtype)

    def check(self) -> None:
        """Raise UserError where the file is not what the manifest says."""
        found, expected = self.file.seek(0, 2), size(self.form, self.shard.count)
        if found != expected:
            raise UserError(f"{self.path} has {found} bytes instead of {expected}: {_REMEDY}")
        self.file.seek(0)
        if self.file.read(_HEADER) != header(self.form, self.shard.count):
            raise UserError(
                f"{self.path} does not begin with the npy header of {self.shard.count} numbers "
                f"{self.form.dtype}: {_REMEDY}"
            )
        first, last = self.shard.start, self.shard.stop - 1
        for ordinal, listed in ((first, self.shard.first), (last, self.shard.last)):
            stored = float(self.numbers(ordinal, ordinal + 1)[0])
            if stored.hex() != listed.hex():  # equal bits, nan too
                raise UserError(
                    f"{self.path} holds {stored!r} for ordinal {ordinal}, its manifest "
                    f"{listed!r}: {_REMEDY}"
                )


@contextmanager
def opened(folder: str, form: Form, shard: Shard) -> Iterator[OpenShard]:
    """A shard to read from, checked; raises UserError where it can't be read or is another."""
    path = files.join(folder, shard.file)
    with files.explained(path), files.reading(path) as file:
        there = OpenShard(path, form, shard, file)
        there.check()
        yield there
