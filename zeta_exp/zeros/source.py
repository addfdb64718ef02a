"""Where zeros come from: the engine, or the engine with its residuals shuffled as a control.

A table read from a file is in `table`.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.theory.counting import rebuild
from zeta_exp.zeros import engine
from zeta_exp.zeros.cache import RUN, RunCache, aligned_pieces

_CAPACITY = 160  # runs of 2^16 ordinals: 10^7 zeros in 160 MiB


class ZeroSource(Protocol):
    """Zeros by ordinal; each method may be called from several threads."""

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """γ_n of the ordinals [start, stop): (stop−start,) float64."""

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


def _compute_run(first: int) -> _Run:
    """The zeros of [first, first + RUN), as far as the engine goes."""
    zeros = engine.block(first, min(RUN, engine.MAX_ORDINAL + 1 - first))
    return _Run(zeros.ordinates, zeros.residuals)


class ComputedZeros:
    """Zeros from the engine, kept in a bounded cache of aligned runs of 2^16 ordinals."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._runs = RunCache(_compute_run, capacity)

    def _collect(self, start: int, stop: int, field: int) -> NDArray[np.float64]:
        if start == stop:
            return np.empty(0)
        engine.validate(start, stop - start)
        values = np.empty(stop - start)
        for low, high in aligned_pieces(start, stop):
            first = (low - 1) // RUN * RUN + 1
            run = self._runs(first)[field]
            values[low - start : high - start] = run[low - first : high - first]
        return values

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """γ_n, (stop−start,); raises as `engine.generate` does."""
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
            shuffled = self._shuffled(first)[low - first : high - first]
            ordinates[low - start : high - start] = rebuild(np.arange(low, high), shuffled)
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
