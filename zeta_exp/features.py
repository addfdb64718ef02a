"""Floor 2: features of a node, functions of the ordinal n alone.

Nothing here looks at a zero, so nothing can leak into training, and the features of ordinals
that were never generated cost the same as any others.
"""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.theory.cut_off import term_count
from zeta_exp.theory.local import SmoothHeights, smooth_heights
from zeta_exp.theory.phases import Frequencies, log_frequencies
from zeta_exp.theory.primes import prime_powers_up_to
from zeta_exp.theory.smooth_phases import smooth_turns

AMPLITUDE = 1.4  # brings cos(…)/√m of the smallest prime to an amplitude of one
PRIME_AMPLITUDE = 1.2  # at 10^4 zeros .6 does as well, at 10^6 it makes the error a third larger
HIGHEST = 3.0  # of a standard height, either way
SMALLEST_DRIFT = 0.05  # of log n: within it the map from phases to residuals hardly changes
PIECE = 4096  # ordinals tabulated at once
TABLE_BYTES = 72 * 2**20  # features of a whole run are kept where they fit in this


class Features(Protocol):
    """Maps ordinals of any shape (…) to float32 features (…, dim)."""

    name: str  # of its option in the config
    dim: int

    def __call__(self, ordinals: NDArray[np.int64]) -> Tensor:
        """Features of the ordinals; each n ≥ 1."""
        ...


class LogIndex:
    """The published scripts' only feature, log n."""

    name = "log_index"
    dim = 1

    def __call__(self, ordinals: NDArray[np.int64]) -> Tensor:
        """log n, (…, 1) float32."""
        return torch.from_numpy(np.log(ordinals.astype(np.float64)).astype(np.float32))[..., None]


class LogDensity:
    """1/log(t̂_n/2π), by which the mean gap is 2π·(it): (…) float64, from heights t̂ (…)."""

    def __call__(self, ordinals: NDArray[np.int64], place: SmoothHeights) -> NDArray[np.float64]:
        """Of ordinals (…) at their smooth heights."""
        return 1 / np.log(place.heights / (2 * np.pi))


class StandardHeight:
    """u_n = (log n − μ)/σ, kept within ±3: mean μ and deviation σ of log n over a training range.

    The map from phases to residuals drifts with log t, and 1/log(t̂/2π) moves by a hundredth over
    a million zeros: too little for a network to read.  μ and σ are integrals over the range,
    functions of its two ends alone.  σ is at least `SMALLEST_DRIFT`.
    """

    def __init__(self, split: Split) -> None:
        start, stop = split.train
        self._centre = (start + stop - 1) / 2
        x, weight = np.polynomial.legendre.leggauss(256)
        inner = np.log1p(x * (stop - start) / 2 / self._centre)
        self._mean = float(weight @ inner) / 2
        variance = float(weight @ (inner - self._mean) ** 2) / 2
        self._deviation = max(math.sqrt(variance), SMALLEST_DRIFT)

    def __call__(self, ordinals: NDArray[np.int64], place: SmoothHeights) -> NDArray[np.float64]:
        """Of ordinals (…), float64 (…)."""
        log = np.log1p((ordinals - self._centre) / self._centre)  # of n over the centre
        return np.clip((log - self._mean) / self._deviation, -HIGHEST, HIGHEST)


class _Phases:
    """cos and sin of t̂_n·ω_k with amplitude a_k, and the height.  (…, 2K+1)."""

    def __init__(
        self,
        frequencies: Frequencies,
        amplitudes: NDArray[np.float64],
        height: LogDensity | StandardHeight,
    ) -> None:
        self._frequencies = frequencies  # (K,) in turns
        self._amplitudes = torch.from_numpy(amplitudes).float()  # (K,)
        self._height = height
        self.dim = 2 * len(amplitudes) + 1

    def __call__(self, ordinals: NDArray[np.int64]) -> Tensor:
        """Phases in float64 relative to a centre reduced in double-double; cast after reduction.

        Error of a phase below 1e-12 of a turn at every n; that of a float32 feature 1e-7.
        """
        place = smooth_heights(ordinals)
        turns = torch.from_numpy(smooth_turns(place, self._frequencies))
        angle = turns.float().mul_(2 * math.pi)
        height = torch.from_numpy(self._height(ordinals, place)).float()[..., None]
        return torch.cat(
            [angle.cos().mul_(self._amplitudes), angle.sin().mul_(self._amplitudes), height], -1
        )


def _amplitudes(m: NDArray[np.int64], split: Split | None) -> NDArray[np.float64]:
    """1.2·m^−¾ of a prime power; 1.4/√m in runs of before, which have no split.

    Between 1/√m, what a prime's frequency weighs in S(t), and 1/m: the phases of large primes turn
    fastest from zero to zero, and what a network makes of them generalises least.
    """
    if split is None:
        return np.asarray(AMPLITUDE / np.sqrt(m))
    return np.asarray(PRIME_AMPLITUDE * m**-0.75)


def _height(split: Split | None) -> LogDensity | StandardHeight:
    """The height that a network reads; runs of before there was a choice have no split."""
    return LogDensity() if split is None else StandardHeight(split)


class PrimePhases(_Phases):
    """cos(t̂_n log m)/√m and sin(t̂_n log m)/√m for prime powers m = p^k ≤ max_prime.

    The frequencies of S(t) ≈ −(1/π) Σ_{p,k} sin(k t log p)/(k p^{k/2}).  Titchmarsh §14.21.
    """

    name = "prime_phases"

    def __init__(self, max_prime: int, split: Split | None = None) -> None:
        m = prime_power_frequencies(max_prime)
        super().__init__(log_frequencies(m), _amplitudes(m, split), _height(split))


class IntegerPhases(_Phases):
    """cos(t̂_n log m)/√m and sin(t̂_n log m)/√m for all integers 2 ≤ m ≤ max_integer.

    The frequencies of the Riemann–Siegel sum, of which m ≤ √(t/2π) and a few more count; None: as
    many as do at the end of what a run measures.  Edwards §7.
    """

    name = "integer_phases"

    def __init__(self, max_integer: int | None, split: Split) -> None:
        if max_integer is None:
            max_integer = term_count(split.extrapolation[1])
        if max_integer < 2:
            raise UserError(f"features.max_integer={max_integer} leaves no phase: use 2 or more")
        m = np.arange(2, max_integer + 1)
        super().__init__(log_frequencies(m), AMPLITUDE / np.sqrt(m), LogDensity())


class RandomPhases(_Phases):
    """Control: as `PrimePhases`, each log m moved at random by half its neighbours' spacing.

    Same count, same amplitudes, about the same density of frequencies, no arithmetic.
    """

    name = "random_phases"

    def __init__(self, max_prime: int, seed: int, split: Split | None = None) -> None:
        m = prime_power_frequencies(max_prime)
        omega = np.log(m)
        spacing = np.maximum(0.05, np.gradient(omega)) if len(omega) > 1 else np.ones(1)
        omega = omega + np.random.default_rng(seed).uniform(-0.5, 0.5, len(omega)) * spacing
        turns = omega / (2 * np.pi)
        exact = Frequencies(turns, np.zeros_like(turns))
        super().__init__(exact, _amplitudes(m, split), _height(split))


class WrongHeight(PrimePhases):
    """Control: the prime phases of the ordinal n + shift, as rich as those of n and beside them.

    The shift must change the mean gap: at a constant gap it turns each phase by a constant angle,
    which a model can undo.  10^9 does for n up to 10^8, where phases part by thousands of radians
    over 10,000 ordinals.
    """

    name = "wrong_height"

    def __init__(self, max_prime: int, shift: int, split: Split | None = None) -> None:
        if shift < 1:
            raise UserError(f"features.shift={shift} goes below the first zero: use 1 or more")
        super().__init__(max_prime, split and Split(split.start + shift, split.N))
        self._shift = shift

    def __call__(self, ordinals: NDArray[np.int64]) -> Tensor:
        """Features of n + shift."""
        return super().__call__(ordinals + self._shift)


def prime_power_frequencies(max_prime: int) -> NDArray[np.int64]:
    """The prime powers m ≤ max_prime; at least one, or it is the user's error."""
    m = np.array([power.m for power in prime_powers_up_to(max_prime)], dtype=np.int64)
    if not len(m):
        raise UserError(f"features.max_prime={max_prime} leaves no prime: use 2 or more")
    return m


class Averaged:
    """Features of the coarse line: cell k is the mean over the ordinals (k−1)b+1 … kb."""

    def __init__(self, features: Callable[[NDArray[np.int64]], Tensor], b: int) -> None:
        self._features = features
        self._members = np.arange(1 - b, 1)
        self._b = b

    def __call__(self, cells: NDArray[np.int64]) -> Tensor:
        """Cells k ≥ 1 of any shape (…) to (…, dim), float32.

        Summed in order and in float64: a cell has the same bits whatever it is asked with.
        """
        fine = self._features(cells[..., None] * self._b + self._members)
        total = fine[..., 0, :].to(torch.float64, copy=True)
        for member in range(1, self._b):
            total += fine[..., member, :]
        return total.div_(self._b).float()


class FeatureTable:
    """Features looked up for ordinals in [lo, hi), computed for any others.

    The numbers are those of the features it wraps; only the time differs.  of_run: whether the
    table is there as long as a run, and not for one batch.
    """

    def __init__(self, features: Features, lo: int, hi: int, of_run: bool = False) -> None:
        self._features = features
        self.of_run = of_run
        self._lo, self._hi = lo, hi
        self.name, self.dim = features.name, features.dim
        self._table = torch.cat(
            [features(np.arange(first, min(first + PIECE, hi))) for first in range(lo, hi, PIECE)]
        )

    def __call__(self, ordinals: NDArray[np.int64]) -> Tensor:
        """Features (…, dim) of ordinals (…); of consecutive ones a view, not to be written to."""
        if not ordinals.size or ordinals.min() < self._lo or ordinals.max() >= self._hi:
            return self._features(ordinals)
        index = ordinals.ravel() - self._lo
        if np.all(np.diff(index) == 1):
            return self._table[index[0] : index[-1] + 1].view(*ordinals.shape, self.dim)
        return self._table[torch.from_numpy(index)].view(*ordinals.shape, self.dim)

    def lends(self, features: Tensor) -> bool:
        """Whether they are a view of the table of a run, and so take no memory of their own."""
        mine, theirs = (x.untyped_storage().data_ptr() for x in (self._table, features))
        return self.of_run and mine == theirs


def tabulated(features: Features, lo: int, hi: int) -> Features:
    """The features, kept as a table for [lo, hi) where that takes at most `TABLE_BYTES`."""
    fits = (hi - lo) * features.dim * 4 <= TABLE_BYTES
    return FeatureTable(features, max(lo, 1), hi, of_run=True) if fits else features
