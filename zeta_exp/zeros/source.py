"""Where zeros come from: the engine, or the engine with its residuals shuffled as a control.

A table read from a file is in `table`, random controls in `surrogate`.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.theory.counting import smooth_height
from zeta_exp.zeros import engine
from zeta_exp.zeros.cache import RUN, RunCache, aligned_pieces
from zeta_exp.zeros.stretch import stretch_of_residuals

_CAPACITY = 160  # runs of 2^16 ordinals: 10^7 zeros in 160 MiB
_BLOCKS_AHEAD = 2  # the least that is computed at once, in blocks of the engine


class ZeroSource(Protocol):
    """Zeros by ordinal; each method may be called from several threads."""

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """γ_n of the ordinals [start, stop): (stop−start,) float64, coarse from n = 10^10 on."""

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """δ_n = N̄(γ_n) − (n − ½) of the ordinals [start, stop): (stop−start,) float64."""

    def provenance(self) -> dict[str, str | int]:
        """What a result must record of the zeros it used."""

    def notes(self) -> list[str]:
        """Sentences that the user must be told; most sources have none."""


class _Run(NamedTuple):
    """An aligned run of zeros."""

    ordinates: NDArray[np.float64]  # (≤ RUN,)
    residuals: NDArray[np.float64]  # (≤ RUN,)


def _first_of_run(n: int) -> int:
    return (n - 1) // RUN * RUN + 1


def _computed_runs(first: int, stop: int) -> Iterator[tuple[int, _Run]]:
    """The runs of [first, stop), with their first ordinals; `first` begins one."""
    begin, run = first, _Run(np.empty(0), np.empty(0))
    for block in engine.stream(first, stop - first):
        ordinates = block.stretch.ordinates()
        for low, high in aligned_pieces(block.start, block.stop):
            if low == _first_of_run(low):
                begin, size = low, min(RUN, stop - low)
                run = _Run(np.empty(size), np.empty(size))
            place = slice(low - begin, high - begin)
            part = slice(low - block.start, high - block.start)
            run.ordinates[place] = ordinates[part]
            run.residuals[place] = block.residuals[part]
            if place.stop == run.residuals.size:
                yield begin, run


class ComputedZeros:
    """Zeros from the engine, kept in a bounded cache of aligned runs of 2^16 ordinals.

    The engine works in blocks, of √(t/2π) zeros where they are long, and computes one at either end
    to check the rest.  So what is missing of a request is computed in one go, and on to the length
    of two blocks, which keeps the cost of a zero within about twice the engine's.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[int, _Run] = OrderedDict()  # by first ordinal, last used last
        self._lock = threading.Lock()

    def _runs(self, start: int, stop: int) -> Iterator[tuple[int, _Run]]:
        """The runs that meet [start, stop) in order, and any that were computed on the way."""
        first = _first_of_run(start)
        while first < stop:
            if first in self._kept:
                self._kept.move_to_end(first)
                yield first, self._kept[first]
            else:
                end = self._end_of_missing(first, stop)
                for begin, run in _computed_runs(first, end):
                    self._kept[begin] = run
                    if len(self._kept) > self._capacity:
                        self._kept.popitem(last=False)
                    yield begin, run
                first = begin
            first += RUN

    def _end_of_missing(self, first: int, stop: int) -> int:
        """Where to stop computing from `first` on."""
        end = first + RUN
        while end < stop and end not in self._kept:
            end += RUN
        block = math.sqrt(float(smooth_height(first)) / (2 * math.pi))
        enough = first + math.ceil(_BLOCKS_AHEAD * block / RUN) * RUN
        return min(max(end, enough), engine.MAX_ORDINAL + 1)

    def _collect(self, start: int, stop: int, field: int) -> NDArray[np.float64]:
        if start == stop:
            return np.empty(0)
        engine.validate(start, stop - start)
        values = np.empty(stop - start)
        with self._lock:
            for first, run in self._runs(start, stop):
                low, high = max(start, first), min(stop, first + RUN)
                if low < high:
                    values[low - start : high - start] = run[field][low - first : high - first]
        return values

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """γ_n, (stop−start,); raises as `engine.stream` does."""
        return self._collect(start, stop, _Run._fields.index("ordinates"))

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """δ_n, (stop−start,), with the digits that γ_n in float64 has lost."""
        return self._collect(start, stop, _Run._fields.index("residuals"))

    def provenance(self) -> dict[str, str | int]:
        """The name of the source: its zeros depend on nothing else."""
        return {"name": "computed"}

    def notes(self) -> list[str]:
        """None."""
        return []


class ShuffledZeros:
    """Control: true residuals in random order, so that nothing can be learnt but their law.

    δ is permuted within each aligned window of 2^16 ordinals, in the training, the validation and
    the extrapolation range separately, so that no range sees another's values; beyond them
    nothing moves.  The ordinates are rebuilt from δ and need not ascend.
    """

    def __init__(self, split: Split, seed: int) -> None:
        if seed < 0:
            raise UserError(f"seed={seed} of the shuffled zeros is negative: use 0 or more")
        self._split = split
        self._seed = seed
        self._true = ComputedZeros()
        ranges = (split.train, split.validation, split.extrapolation)
        self._windows = dict(piece for limits in ranges for piece in aligned_pieces(*limits))
        self._shuffled = RunCache(self._shuffle, _CAPACITY)

    def _shuffle(self, first: int) -> NDArray[np.float64]:
        """The residuals of the window that begins at `first`, permuted by the seed."""
        residuals = self._true.residuals(first, self._windows[first])
        return np.random.default_rng([self._seed, first]).permutation(residuals)

    def _rebuilt(self, first: int) -> NDArray[np.float64]:
        """The ordinates of the window that begins at `first`."""
        return stretch_of_residuals(first, self._shuffled(first)).ordinates()

    def _overlaps(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """Windows that meet [start, stop): (first of the window, low, high) of the common part."""
        return [
            (first, max(first, start), min(end, stop))
            for first, end in self._windows.items()
            if first < stop and start < end
        ]

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """Ordinates rebuilt from the shuffled residuals, (stop−start,)."""
        ordinates = self._true.ordinates(start, stop)
        for first, low, high in self._overlaps(start, stop):
            ordinates[low - start : high - start] = self._rebuilt(first)[low - first : high - first]
        return ordinates

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """Shuffled residuals, (stop−start,)."""
        residuals = self._true.residuals(start, stop)
        for first, low, high in self._overlaps(start, stop):
            shuffled = self._shuffled(first)
            residuals[low - start : high - start] = shuffled[low - first : high - first]
        return residuals

    def provenance(self) -> dict[str, str | int]:
        """The seed, and the ranges that were shuffled."""
        return {
            "name": "shuffled",
            "seed": self._seed,
            "start": self._split.start,
            "stop": self._split.extrapolation[1],
        }

    def notes(self) -> list[str]:
        """That this is a control."""
        return [
            f"The zeros are a control: residuals shuffled with seed {self._seed}, "
            "which no model can predict."
        ]
