"""Strips: cache-sized pieces of runs, flattened so that a neighbour is a shifted slice."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

# Rows of a strip, or about: a block of 4096 with its halo is one.  On a CPU a strip and its sums
# stay in the second-level cache; on other devices launches are what costs: a pass over 10^6 rows of
# 64 takes an H200 16.6 ms in strips of 2^16 and 5.3 in one.
CPU_ROWS = 4096
DEVICE_ROWS = 2**20


@dataclass(frozen=True)
class Strip:
    """Some whole runs, or columns [start, stop) of one run, of arrays (R, L, …).

    Its window has `rows` + 2·reach rows: run after run, `reach` zero rows before, between and
    after them, so that row reach + m + o holds the neighbour at offset o of row m.  A part of a
    run sees its true neighbours there instead of zeros.
    """

    runs: slice
    start: int
    stop: int
    length: int  # L
    reach: int  # the largest offset

    @property
    def seen(self) -> slice:
        """The columns that the window reads."""
        return slice(max(self.start - self.reach, 0), min(self.stop + self.reach, self.length))

    @property
    def _count(self) -> int:
        return self.runs.stop - self.runs.start

    @property
    def _pitch(self) -> int:
        """Rows from one run to the next."""
        return self.stop - self.start + (self.reach if self._count > 1 else 0)

    @property
    def rows(self) -> int:
        """Rows M that an operator computes, those between runs among them."""
        return self._count * self._pitch

    def window(self, h: Tensor, present: Tensor | None = None) -> Tensor:
        """(rows + 2·reach, H) of h (R, L, H): a view where it can be, else a copy.

        present: (R, L, 1) bool, which rows of h are nodes; the others read as zero.
        """
        seen = h[self.runs, self.seen]
        return self.padded(seen if present is None else seen * present[self.runs, self.seen])

    def padded(self, seen: Tensor) -> Tensor:
        """The window from what it reads, (runs, columns of `seen`, H)."""
        runs, columns, width = seen.shape
        size = self.rows + 2 * self.reach
        if runs * columns == size:
            return seen.reshape(size, width)
        window = seen.new_zeros(size, width)
        before = self.reach - (self.start - self.seen.start)
        pitch = self._pitch if runs > 1 else columns
        body = window[before : before + runs * pitch].view(runs, pitch, width)
        body[:, :columns] = seen
        return window

    def shifted(self, window: Tensor, offset: int) -> Tensor:
        """(M, H): the neighbour at `offset` of every row."""
        return window[self.reach + offset : self.reach + offset + self.rows]

    def rows_of(self, out: Tensor) -> Tensor | None:
        """The rows (M, H) of `out` (R, L, H) themselves where they lie side by side, else None."""
        return None if self._count > 1 else out[self.runs.start, self.start : self.stop]

    def nodes_of(self, h: Tensor) -> Tensor:
        """The strip's nodes (M, H) in h (R, L, H) contiguous: a view."""
        return h[self.runs, self.start : self.stop].view(-1, h.shape[2])

    def nodes(self, rows: Tensor) -> Tensor:
        """Of rows (rows, H) those that are nodes."""
        own = rows.view(self._count, self._pitch, -1)[:, : self.stop - self.start]
        return own.reshape(-1, rows.shape[1])

    def store(self, rows: Tensor, out: Tensor) -> None:
        """Writes rows (M, H) to their places in `out` (R, L, H)."""
        own = rows.view(self._count, self._pitch, -1)[:, : self.stop - self.start]
        out[self.runs, self.start : self.stop] = own


def strips(shape: torch.Size, reach: int, device: torch.device) -> Iterator[Strip]:
    """Tiles arrays (R, L, …) with strips of a size that suits the device."""
    runs, length = shape[0], shape[1]
    rows = CPU_ROWS if device.type == "cpu" else DEVICE_ROWS
    together = max(1, rows // (length + reach))
    for first in range(0, runs, together):
        chosen = slice(first, min(first + together, runs))
        if chosen.stop - first > 1:
            yield Strip(chosen, 0, length, length, reach)
        else:
            pieces = max(
                1, round(length / rows)
            )  # of equal length: a short one costs as many calls
            edges = (length * i // pieces for i in range(pieces + 1))
            for start, stop in pairwise(edges):
                yield Strip(chosen, start, stop, length, reach)
