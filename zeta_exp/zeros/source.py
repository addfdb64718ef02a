"""Where zeros come from: the engine, or the engine with its residuals shuffled as a control.

A table read from a file is in `table`, random controls in `surrogate`.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.theory.counting import smooth_height
from zeta_exp.zeros import engine
from zeta_exp.zeros.cache import CAPACITY, RUN, RunCache, aligned_pieces, first_of_run
from zeta_exp.zeros.stretch import stretch_of_residuals

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

    residuals: NDArray[np.float64]  # (≤ RUN,)
    ordinates: NDArray[np.float64]  # (≤ RUN,); none where nobody asked for them


def _empty_run(size: int, with_ordinates: bool) -> _Run:
    return _Run(np.empty(size), np.empty(size if with_ordinates else 0))


def _computed_runs(first: int, stop: int, with_ordinates: bool) -> Iterator[tuple[int, _Run]]:
    """The runs of [first, stop), with their first ordinals; `first` begins one."""
    begin, run = first, _empty_run(0, with_ordinates)
    for block in engine.stream(first, stop - first):
        ordinates = block.stretch.ordinates() if with_ordinates else None
        for low, high in aligned_pieces(block.start, block.stop):
            if low == first_of_run(low):
                begin, run = low, _empty_run(min(RUN, stop - low), with_ordinates)
            place = slice(low - begin, high - begin)
            part = slice(low - block.start, high - block.start)
            run.residuals[place] = block.residuals[part]
            if ordinates is not None:
                run.ordinates[place] = ordinates[part]
            if place.stop == run.residuals.size:
                yield begin, run


class ComputedZeros:
    """Zeros from the engine, kept in a bounded cache of aligned runs of 2^16 ordinals.

    Of a run only the residuals are kept, and its ordinates once they are asked for.

    The engine works in blocks, of √(t/2π) zeros where they are long, and computes one at either end
    to check the rest.  So what is missing of a request is computed in one go, and on to the length
    of two blocks, which keeps the cost of a zero within about twice the engine's.  A thread that
    asks while another computes waits for it.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[int, _Run] = OrderedDict()  # by first ordinal, last used last
        self._lock = threading.Lock()

    def _has(self, first: int, with_ordinates: bool) -> bool:
        """Whether the run that begins at `first` is kept, with its ordinates if need be."""
        run = self._kept.get(first)
        return run is not None and (run.ordinates.size > 0 or not with_ordinates)

    def _runs(self, start: int, stop: int, with_ordinates: bool) -> Iterator[tuple[int, _Run]]:
        """The runs that meet [start, stop) in order, and any that were computed on the way."""
        first = first_of_run(start)
        while first < stop:
            if self._has(first, with_ordinates):
                self._kept.move_to_end(first)
                yield first, self._kept[first]
            else:
                end = self._end_of_missing(first, stop, with_ordinates)
                for begin, run in _computed_runs(first, end, with_ordinates):
                    self._kept[begin] = run
                    self._kept.move_to_end(begin)
                    if len(self._kept) > self._capacity:
                        self._kept.popitem(last=False)
                    yield begin, run
                first = begin
            first += RUN

    def _end_of_missing(self, first: int, stop: int, with_ordinates: bool) -> int:
        """Where to stop computing from `first` on."""
        end = first + RUN
        while end < stop and not self._has(end, with_ordinates):
            end += RUN
        block = math.sqrt(float(smooth_height(first)) / (2 * math.pi))
        enough = first + math.ceil(_BLOCKS_AHEAD * block / RUN) * RUN
        return min(max(end, enough), engine.MAX_ORDINAL + 1)

    def _collect(self, start: int, stop: int, with_ordinates: bool) -> NDArray[np.float64]:
        if start == stop:
            return np.empty(0)
        engine.validate(start, stop - start)
        values = np.empty(stop - start)
        with self._lock:
            for first, run in self._runs(start, stop, with_ordinates):
                low, high = max(start, first), min(stop, first + RUN)
                if low < high:
                    kept = run.ordinates if with_ordinates else run.residuals
                    values[low - start : high - start] = kept[low - first : high - first]
        return values

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """γ_n, (stop−start,); raises as `engine.stream` does."""
        return self._collect(start, stop, with_ordinates=True)

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """δ_n, (stop−start,), with the digits that γ_n in float64 has lost."""
        return self._collect(start, stop, with_ordinates=False)

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
        self._shuffled = RunCache(self._shuffle, CAPACITY)

    def _window(self, n: int) -> tuple[int, int] | None:
        """The window that holds ordinal n; None beyond the ranges."""
        for start, stop in (self._split.train, self._split.validation, self._split.extrapolation):
            if start <= n < stop:
                run = first_of_run(n)
                return max(start, run), min(stop, run + RUN)
        return None

    def _shuffle(self, first: int) -> NDArray[np.float64]:
        """The residuals of the window that begins at `first`, permuted by the seed."""
        window = self._window(first)
        if window is None:
            raise ValueError(f"no window begins at ordinal {first}")
        residuals = self._true.residuals(*window)
        return np.random.default_rng([self._seed, first]).permutation(residuals)

    def _rebuilt(self, first: int) -> NDArray[np.float64]:
        """The ordinates of the window that begins at `first`."""
        return stretch_of_residuals(first, self._shuffled(first)).ordinates()

    def _collect(
        self,
        start: int,
        stop: int,
        of_window: Callable[[int], NDArray[np.float64]],
        beyond: Callable[[int, int], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """Values of [start, stop): of each window's first ordinal, or of a range beyond them."""
        if start == stop:
            return np.empty(0)
        engine.validate(start, stop - start)
        values = np.empty(stop - start)
        low = start
        while low < stop:
            window = self._window(low)
            if window is None:
                high = stop if low >= self._split.start else min(stop, self._split.start)
                values[low - start : high - start] = beyond(low, high)
            else:
                first, high = window[0], min(stop, window[1])
                values[low - start : high - start] = of_window(first)[low - first : high - first]
            low = high
        return values

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """Ordinates rebuilt from the shuffled residuals, (stop−start,)."""
        return self._collect(start, stop, self._rebuilt, self._true.ordinates)

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """Shuffled residuals, (stop−start,)."""
        return self._collect(start, stop, self._shuffled, self._true.residuals)

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
