"""Phases t·log m modulo one turn, to full float64 precision at heights where t·log m is huge.

t·log m/2π reaches 10^12 and more, where float64 keeps no useful fraction.  The frequency is held
as an unevaluated sum hi + lo of two float64 (double-double) and the product with t is formed
without error (Dekker 1971), so that the fraction of a turn is right to about 1e-16·log m.
"""

import math
import threading
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

_SPLITTER = 134217729.0  # 2^27 + 1, Dekker's constant for 53-bit mantissas
_FLINT = threading.Lock()  # python-flint's working precision is one for all threads


class Frequencies(NamedTuple):
    """Frequencies in turns per unit height, log(m)/2π = hi + lo."""

    hi: NDArray[np.float64]  # (K,)
    lo: NDArray[np.float64]  # (K,)


def log_frequencies(m: NDArray[np.int64] | NDArray[np.float64]) -> Frequencies:
    """log(m)/2π as double-double, from 140-bit ball arithmetic.  m: (K,) positive, exact."""
    import flint

    with _FLINT, flint.ctx.workprec(140):
        inverse_turn = 1 / (2 * flint.arb.pi())
        exact = [flint.arb(value).log() * inverse_turn for value in m.tolist()]
        hi = [float(value.mid()) for value in exact]
        lo = [float((value - high).mid()) for value, high in zip(exact, hi, strict=True)]
    return Frequencies(np.array(hi), np.array(lo))


@njit(inline="always", cache=True)
def two_sum(a: float, b: float) -> tuple[float, float]:  # pragma: no cover - jitted
    """a + b = sum + error, exactly.  Knuth."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


@njit(inline="always", cache=True)
def reduced_turns(t: float, hi: float, lo: float) -> float:  # pragma: no cover - jitted
    """Fraction of a turn of t·(hi + lo), in [0, 1) up to rounding; t exact in float64."""
    product = t * hi
    split = _SPLITTER * t
    t_high = split - (split - t)
    t_low = t - t_high
    split = _SPLITTER * hi
    f_high = split - (split - hi)
    f_low = hi - f_high
    error = ((t_high * f_high - product) + t_high * f_low + t_low * f_high) + t_low * f_low
    return (product - math.floor(product)) + (error + t * lo)


@njit(cache=True)
def _reduce_all(
    t: NDArray[np.float64],
    hi: NDArray[np.float64],
    lo: NDArray[np.float64],
    turns: NDArray[np.float64],
) -> None:  # pragma: no cover - jitted
    for i in range(t.size):
        for k in range(hi.size):
            turns[i, k] = reduced_turns(t[i], hi[k], lo[k])


def turns_at(t: NDArray[np.float64], frequencies: Frequencies) -> NDArray[np.float64]:
    """Fractions of a turn of t·log m, (T, K) float64, for heights t (T,) exact in float64."""
    turns = np.empty((t.size, frequencies.hi.size))
    _reduce_all(t, frequencies.hi, frequencies.lo, turns)
    return turns
