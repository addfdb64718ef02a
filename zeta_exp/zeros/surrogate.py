"""Controls drawn at random: lines of unitary eigenphases (CUE) or of independent levels (Poisson).

A line is a chain of circles of `size` levels, a circle a function of the seed and of its place, and
every circle ends at residual 0: so any stretch of the line, at any height, is made by itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.theory.gue import chain, cue_circles, poisson_circles
from zeta_exp.zeros import engine
from zeta_exp.zeros.cache import CAPACITY, RUN, RunCache, aligned_pieces, first_of_run
from zeta_exp.zeros.stretch import stretch_of_residuals

SMALLEST, LARGEST = 2, 1024  # levels of a circle; a matrix of 1024 takes a second


class _Circles(ABC):
    """Levels drawn from circles; ordinates are rebuilt from their residuals."""

    _name: str
    _title: str

    def __init__(self, size: int, seed: int) -> None:
        if not SMALLEST <= size <= LARGEST or RUN % size:
            raise UserError(
                f"size={size} of the {self._name} zeros is no power of two from {SMALLEST} to "
                f"{LARGEST}: use 32, for one"
            )
        if seed < 0:
            raise UserError(f"seed={seed} of the {self._name} zeros is negative: use 0 or more")
        self._size = size
        self._seed = seed
        self._runs = RunCache(self._draw, CAPACITY)

    @abstractmethod
    def _circles(self, rngs: Sequence[np.random.Generator]) -> NDArray[np.float64]:
        """Sorted levels of density 1, a circle for each rng: (K, size)."""

    def _draw(self, first: int) -> NDArray[np.float64]:
        """The residuals of the run that begins at `first`: (RUN,)."""
        circle = (first - 1) // self._size
        seeds = ([self._seed, place] for place in range(circle, circle + RUN // self._size))
        return chain(self._circles([np.random.default_rng(seed) for seed in seeds]))

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """δ_n, (stop−start,); raises UserError for ordinals that the engine has not either."""
        return self._collect(start, stop, self._runs)

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """Ordinates rebuilt from the residuals, (stop−start,), rounded to float64."""
        return self._collect(start, stop, self._rebuilt)

    def _rebuilt(self, first: int) -> NDArray[np.float64]:
        """The ordinates of the run that begins at `first`: (RUN,)."""
        return stretch_of_residuals(first, self._runs(first)).ordinates()

    def _collect(
        self, start: int, stop: int, values_of_run: Callable[[int], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        if start == stop:
            return np.empty(0)
        engine.validate(start, stop - start)
        values = np.empty(stop - start)
        for low, high in aligned_pieces(start, stop):
            first = first_of_run(low)
            values[low - start : high - start] = values_of_run(first)[low - first : high - first]
        return values

    def provenance(self) -> dict[str, str | int]:
        """What the line depends on."""
        return {"name": self._name, "size": self._size, "seed": self._seed}

    def notes(self) -> list[str]:
        """That this is a control."""
        return [
            f"The zeros are a control: {self._title} drawn with seed {self._seed}, "
            "which no model can predict."
        ]


class CueZeros(_Circles):
    """Control: eigenphases of CUE(size) matrices, with the local laws of the zeros but no primes.

    Var δ = (log size + 1 + γ)/2π² − 1/12 about the mean of a circle (Keating and Snaith 2000).
    """

    _name = "cue"
    _title = "eigenphases of random unitary matrices"

    def _circles(self, rngs: Sequence[np.random.Generator]) -> NDArray[np.float64]:
        return cue_circles(rngs, self._size)


class PoissonZeros(_Circles):
    """Control: independent levels, `size` to a circle: no repulsion and no rigidity within it."""

    _name = "poisson"
    _title = "independent levels"

    def _circles(self, rngs: Sequence[np.random.Generator]) -> NDArray[np.float64]:
        return poisson_circles(rngs, self._size)
