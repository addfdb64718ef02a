"""NumPy's .npy: a vector of ordinates in float64."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.zeros.formats.contents import create_with_head, digest, opened, take
from zeta_exp.zeros.formats.protocol import CHUNK, COARSE_HEIGHT, consecutive
from zeta_exp.zeros.stretch import COARSE_FROM, Stretch

_HEADS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


@dataclass(frozen=True)
class NpyTable:
    """A .npy file of γ in float64, little- or big-endian."""

    path: str
    start: int
    count: int
    dtype: np.dtype[np.float64]
    format: str = "npy"
    tolerance: float = 0.0

    def stretches(self) -> Iterator[Stretch]:
        """The zeros, CHUNK at a time."""
        with opened(self.path) as file:
            _read_head(self.path, file)
            for first in range(0, self.count, CHUNK):
                count = min(CHUNK, self.count - first)
                entries = self._entries(file, count)
                if entries.size:
                    yield Stretch(self.start + first, 0.0, entries)
                if entries.size < count:
                    raise UserError(
                        f"{self.path} ends after entry {first + entries.size} of {self.count}: it "
                        "was cut off, copy it again"
                    )
            if file.read(1):
                raise UserError(
                    f"{self.path} goes on after the {self.count} entries that its head promises: "
                    "write or copy it again"
                )

    def _entries(self, file: BinaryIO, count: int) -> NDArray[np.float64]:
        """The next `count` entries, fewer where the file ends."""
        content = take(file, count * self.dtype.itemsize)
        whole = len(content) // self.dtype.itemsize
        return np.frombuffer(content, self.dtype, whole).astype(np.float64)

    def place(self, n: int) -> str:
        """The entry, counted from 1."""
        return f"entry {n + 1 - self.start}"

    def provenance(self) -> dict[str, str | int]:
        """Format, path, count and sha256."""
        return {
            "format": self.format,
            "path": self.path,
            "count": self.count,
            "sha256": digest(self.path),
        }


def _read_head(path: str, file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[np.float64]]:
    """Shape and dtype, the file left where the entries begin."""
    try:
        version = npy_format.read_magic(file)
        if version not in _HEADS:
            raise ValueError(f"format version {version}")
        shape, _, dtype = _HEADS[version](file)
    except ValueError as error:
        raise UserError(
            f"the head of {path} is damaged ({error}): write it again with numpy.save"
        ) from None
    return shape, dtype


def read_npy(path: str, start: int | None) -> NpyTable:
    """A table of a .npy file.  start: ordinal of the first entry, else 1.

    Raises UserError for what is no vector of float64.
    """
    with opened(path) as file:
        shape, dtype = _read_head(path, file)
    if dtype.kind == "f" and dtype.itemsize < 8:
        raise UserError(f"{path} holds {dtype}, too coarse for heights: save it as float64")
    if dtype.kind != "f" or dtype.itemsize != 8:
        raise UserError(f"{path} holds {dtype}, no heights in float64: save it as float64")
    if len(shape) != 1:
        raise UserError(f"{path} has the shape {shape}: save one row of zeros, ravelled")
    if not shape[0]:
        raise UserError(f"{path} holds no entry: give a file with zeros in it")
    return NpyTable(path, start if start is not None else 1, shape[0], dtype)


def _head(count: int) -> bytes:
    """The head of a file of `count` entries; as long for any count."""
    head = io.BytesIO()
    description = {"descr": "<f8", "fortran_order": False, "shape": (count,)}
    npy_format.write_array_header_1_0(head, description)
    return head.getvalue()


def _payload(stretches: Iterable[Stretch]) -> Iterator[tuple[int, bytes]]:
    """How many zeros, and their bytes."""
    for stretch in consecutive(stretches):
        ordinates = stretch.ordinates()
        highest = float(ordinates.max())
        if stretch.stop > COARSE_FROM or highest >= COARSE_HEIGHT:
            raise UserError(
                f"ordinal {stretch.stop - 1}, at height {highest:.0f}, is too high for one "
                f"float64: from ordinal {COARSE_FROM}, height {COARSE_HEIGHT:.0f}, on write shards "
                "('zeta zeros generate'), odlyzko, lmfdb or text"
            )
        yield stretch.offsets.size, ordinates.astype("<f8").tobytes()


def write_npy(path: str, stretches: Iterable[Stretch]) -> None:
    """γ in float64, little-endian.  Raises UserError from ordinal 10^10, or its height, on."""
    create_with_head(path, _head, _payload(stretches))
