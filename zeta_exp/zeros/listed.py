"""The zeros of a table that a run may see: streamed once for their check, then looked up.

Shards and a plain local .npy are read again where zeros are asked for; of the other formats, which
can only be read from their beginning, the stretches are kept as they stream by.
"""

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.files import is_remote
from zeta_exp.zeros.cache import CAPACITY, RUN, RunCache
from zeta_exp.zeros.formats import ZeroTable
from zeta_exp.zeros.formats.npy import NpyTable
from zeta_exp.zeros.integrity import between
from zeta_exp.zeros.shards import ShardTable
from zeta_exp.zeros.stretch import Stretch

MOST_KEPT = 100_000_000  # zeros of a format without random access, 8 bytes each
STRETCHES_KEPT = 4  # of those read again, 2^20 zeros each: 32 MiB
_NPY = b"\x93NUMPY"


class _Store(Protocol):
    """Where the stretches of a run are after the check."""

    def add(self, part: Stretch) -> None:
        """Takes note of the next stretch of the run."""

    def __call__(self, start: int, stop: int) -> Stretch:
        """The stretch [start, stop), one of those that were added."""


class _InMemory:
    """Holds the stretches: for formats without random access."""

    def __init__(self) -> None:
        self._parts: dict[int, Stretch] = {}  # by first ordinal

    def add(self, part: Stretch) -> None:
        """Keeps a copy, which does not keep what the stretch was cut from."""
        self._parts[part.start] = Stretch(part.start, part.base, np.array(part.offsets))

    def __call__(self, start: int, stop: int) -> Stretch:
        """The stretch as it was added."""
        return self._parts[start]


class _InShards:
    """Reads a shard again from the ordinal on that is asked for."""

    def __init__(self, table: ShardTable) -> None:
        self._table = table

    def add(self, part: Stretch) -> None:
        """Keeps nothing."""

    def __call__(self, start: int, stop: int) -> Stretch:
        """The stretch from the folder."""
        return next(self._table.stretches(start, stop))


class _InVector:
    """Reads the entries of a local .npy file in their place."""

    def __init__(self, table: NpyTable) -> None:
        self._table = table
        # the check finds that the entries are all that follows the head
        self._head = os.path.getsize(table.path) - table.count * table.dtype.itemsize

    def add(self, part: Stretch) -> None:
        """Keeps nothing."""

    def __call__(self, start: int, stop: int) -> Stretch:
        """The stretch from the file; raises UserError where that has become shorter."""
        place = self._head + (start - self._table.start) * self._table.dtype.itemsize
        entries = np.fromfile(self._table.path, self._table.dtype, stop - start, offset=place)
        if entries.size < stop - start:
            raise UserError(
                f"zeros.path={self._table.path} has become shorter since the run began: give a "
                "table that nobody writes to"
            )
        return Stretch(start, 0.0, entries.astype(np.float64))


class ListedZeros:
    """The zeros of the ordinals [start, stop) in a table, as far as it has them.

    `stream` must have come to its end before any are looked up.  Raises UserError where they can
    only be kept in memory and are too many for it.
    """

    def __init__(self, table: ZeroTable, start: int, stop: int) -> None:
        self._table, self._range = table, (start, stop)
        self._store = _store_of(table, stop - start)
        self._borders: list[int] = []  # of the stretches, in ordinals; the last is their end
        self._stretches = RunCache(self._stretch, STRETCHES_KEPT)
        self._residuals = RunCache(self._unfolded, CAPACITY)

    @property
    def stop(self) -> int:
        """The ordinal after the last that was seen; 0 where there was none."""
        return self._borders[-1] if self._borders else 0

    def stream(self) -> Iterator[Stretch]:
        """The stretches, once."""
        for part in between(self._table, *self._range):
            self._borders[-1:] = [part.start, part.stop]
            self._store.add(part)
            yield part

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """γ_n rounded to float64, (stop−start,), of a range that the table has."""
        return self._collect(start, stop, lambda n: self._with(n).ordinates())

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """δ_n, (stop−start,), of a range that the table has."""
        return self._collect(start, stop, self._residuals)

    def _collect(
        self, start: int, stop: int, of_span: Callable[[int], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Values of [start, stop), from those of each span by its first ordinal."""
        values = np.empty(stop - start)
        low = start
        while low < stop:
            first, end = self._span(low)
            high = min(stop, end)
            values[low - start : high - start] = of_span(first)[low - first : high - first]
            low = high
        return values

    def _border_after(self, n: int) -> int:
        """The index of the border behind ordinal n."""
        return bisect_right(self._borders, n)

    def _span(self, n: int) -> tuple[int, int]:
        """The ordinals, at most RUN, that are unfolded together with n: of one stretch."""
        after = self._border_after(n)
        begin, end = self._borders[after - 1], self._borders[after]
        first = begin + (n - begin) // RUN * RUN
        return first, min(first + RUN, end)

    def _stretch(self, start: int) -> Stretch:
        """The stretch that begins at `start`."""
        return self._store(start, self._borders[self._border_after(start)])

    def _with(self, n: int) -> Stretch:
        """The zeros of the span that holds ordinal n."""
        return self._stretches(self._borders[self._border_after(n) - 1]).part(*self._span(n))

    def _unfolded(self, start: int) -> NDArray[np.float64]:
        """The residuals of the span that begins at `start`."""
        return self._with(start).residuals()


def _store_of(table: ZeroTable, count: int) -> _Store:
    """Where `count` zeros of the table are looked up."""
    if isinstance(table, ShardTable):
        return _InShards(table)
    if isinstance(table, NpyTable) and _is_plain(table):
        return _InVector(table)
    if count > MOST_KEPT:
        raise UserError(
            f"zeros.path={table.path} can't be read from its middle, so the run's {count:,} zeros "
            f"would be kept in memory, where {MOST_KEPT:,} are the most: make shards of it "
            f"(`zeta zeros convert {table.path} FOLDER/`) and give their folder, or lower N"
        )
    return _InMemory()


def _is_plain(table: NpyTable) -> bool:
    """Whether the entries lie in a local file as they are, behind the head."""
    if is_remote(table.path):
        return False
    with open(table.path, "rb") as file:
        return file.read(len(_NPY)) == _NPY
