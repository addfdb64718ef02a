"""Sums over the neighbours of consecutive ordinals in one compiled loop, for a CPU.

Added one by one, T shifted slices are read and a sum is read and written T times.  Here a few rows
stay in the first-level cache until they are done, and four slices are added at once: a quarter of
the time at 15 taps of 64.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

CHUNK = 1024  # numbers of a sum at a time: with their neighbours less than the cache
THREADS = 3  # torch's own additions are faster with more


def serves(h: Tensor) -> bool:
    """Whether the compiled loop can take h, and is the fastest way here."""
    known = h.dtype in (torch.float32, torch.float64)
    return h.device.type == "cpu" and known and torch.get_num_threads() <= THREADS


def neighbour_sums(
    h: Tensor, start: int, stop: int, offsets: Sequence[int], factor: float
) -> Tensor:
    """factor·(h_n + Σ_o (h_{n+o} + h_{n−o})) for the rows n in [start, stop) of each run.

    h: (R, L, H) contiguous, rows beyond a run read as zero; offsets: positive, ascending.
    Returns (R·(stop − start), H).
    """
    out = h.new_empty(h.shape[0], stop - start, h.shape[2])
    numbers = h.detach().numpy()
    scale = numbers.dtype.type(factor)
    _sum_all(numbers, start, np.array(offsets), scale, out.numpy())
    return out.view(-1, h.shape[2])


@njit(nogil=True, cache=True, error_model="numpy")
def _sum_all(
    h: NDArray[np.floating],
    start: int,
    offsets: NDArray[np.int64],
    factor: float,
    out: NDArray[np.floating],
) -> None:  # pragma: no cover - jitted
    length, rows, width = h.shape[1], out.shape[1], h.shape[2]
    reach = offsets[-1]
    # rows [first, last) have all their neighbours
    first = min(max(reach - start, 0), rows)
    last = max(min(length - reach - start, rows), first)
    for r in range(out.shape[0]):
        _sum_at_the_edge(h[r], start, 0, first, offsets, factor, out[r])
        _sum_inside(
            h[r].reshape(-1),
            (start + first) * width,
            width * offsets,
            factor,
            out[r, first:last].reshape(-1),
        )
        _sum_at_the_edge(h[r], start, last, rows, offsets, factor, out[r])


@njit(nogil=True, cache=True, error_model="numpy")
def _sum_at_the_edge(
    h: NDArray[np.floating],
    start: int,
    first: int,
    last: int,
    offsets: NDArray[np.int64],
    factor: float,
    out: NDArray[np.floating],
) -> None:  # pragma: no cover - jitted
    """The rows [first, last) of out, some neighbours of which are missing."""
    for row in range(first, last):
        n = start + row
        total = out[row]
        total[:] = h[n]
        for o in offsets:
            for m in (n + o, n - o):
                if 0 <= m < len(h):
                    other = h[m]
                    for i in range(total.size):
                        total[i] += other[i]
        for i in range(total.size):
            total[i] *= factor


@njit(nogil=True, cache=True, error_model="numpy")
def _sum_inside(
    h: NDArray[np.floating],
    start: int,
    shifts: NDArray[np.int64],
    factor: float,
    out: NDArray[np.floating],
) -> None:  # pragma: no cover - jitted
    """out[i] = factor·(h[j] + Σ_s (h[j+s] + h[j−s])), j = start + i; all one-dimensional."""
    for low in range(0, out.size, CHUNK):
        size = min(CHUNK, out.size - low)
        here, total = start + low, out[low : low + size]
        own = h[here : here + size]
        for i in range(size):
            total[i] = own[i]
        for k in range(0, shifts.size - 1, 2):
            a, b = here + shifts[k], here - shifts[k]
            c, d = here + shifts[k + 1], here - shifts[k + 1]
            right, left = h[a : a + size], h[b : b + size]
            far_right, far_left = h[c : c + size], h[d : d + size]
            for i in range(size):
                total[i] += (right[i] + left[i]) + (far_right[i] + far_left[i])
        if shifts.size % 2:
            a, b = here + shifts[-1], here - shifts[-1]
            right, left = h[a : a + size], h[b : b + size]
            for i in range(size):
                total[i] += right[i] + left[i]
        for i in range(size):
            total[i] *= factor
