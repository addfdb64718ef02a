"""Z(t) on the grid of a block.

Everything is relative to the block's centre t_c: the phases θ(t_c) − t_c·log n are reduced in
double-double, and at t_c + u the n-th term has turned by a further u·(c − log n) + κ(u), where
c = ½·log(t_c/2π) and κ is small and common to all terms.

Numba's cache on disk notices a change of the calling kernel's file only, so no kernel here calls
one of another file, except the inlined ones of `theory/phases`: change those, and delete
`__pycache__`.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import flint
import numpy as np
from numba import njit
from numpy.typing import NDArray

from zeta_exp.theory.local import Centre, common_phase
from zeta_exp.theory.phases import Frequencies, log_frequencies, reduced_turns, two_sum
from zeta_exp.zeros import nufft
from zeta_exp.zeros.blocks import Block
from zeta_exp.zeros.envelope import assemble, envelope

_BERNOULLI_TERMS = 16
_ROWS = 8  # 4 points a gap and the finer grid of `nufft`: an eighth of it is in use


def _bernoulli_ratios(count: int) -> NDArray[np.float64]:
    """B_{2k}/(2k)! for k = 1 … count."""
    ratios = [flint.fmpq.bernoulli(2 * k) / math.factorial(2 * k) for k in range(1, count + 1)]
    return np.array([int(ratio.p) / int(ratio.q) for ratio in ratios])


_BERNOULLI = _bernoulli_ratios(_BERNOULLI_TERMS)


class Integers(NamedTuple):
    """What the main sum needs of n = 0 … K−1; entry 0 is unused."""

    turns: Frequencies  # log(n)/2π as double-double, each (K,)
    log: NDArray[np.float64]  # (K,)


@lru_cache(maxsize=4)
def integers(size: int) -> Integers:
    """Logarithms of 1 … size−1; ask for few distinct sizes."""
    n = np.arange(size)
    n[0] = 1
    return Integers(log_frequencies(n), np.log(n))


def integers_for(terms: int) -> Integers:
    """Logarithms of at least 1 … terms, in sizes of powers of two from 8192."""
    return integers(max(8192, 1 << terms.bit_length()))


@njit(cache=True, nogil=True)
def _amplitudes(
    terms: int, halve_last: bool, centre: Centre, integers: Integers
) -> NDArray[np.complex128]:  # pragma: no cover - jitted
    """n^{−1/2} exp i[θ(t_c) − t_c·log n], n = 1 … terms: (terms,); the last is halved on demand."""
    amplitudes = np.empty(terms, dtype=np.complex128)
    for n in range(1, terms + 1):
        turns = centre.turns - reduced_turns(
            centre.height, integers.turns.hi[n], integers.turns.lo[n]
        )
        phase, size = 2 * math.pi * turns, 1.0 / math.sqrt(n)
        amplitudes[n - 1] = complex(size * math.cos(phase), size * math.sin(phase))
    if halve_last:
        amplitudes[-1] *= 0.5
    return amplitudes


@njit(cache=True, nogil=True)
def _grid_places(
    terms: int, scale: float, centre: Centre, integers: Integers
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:  # pragma: no cover - jitted
    """Frequencies c − log n in steps of the spectral grid, whole + fraction ∈ [0, 1]: (terms,).

    scale: the grid's steps in a turn per unit height, exact.  In double-double: at 10^12 a float64
    frequency is off by 1e-10 of a turn at the ends of a block.
    """
    wholes, fractions = np.empty(terms, dtype=np.int64), np.empty(terms)
    for n in range(1, terms + 1):
        hi, lo = two_sum(centre.slope_hi, -integers.turns.hi[n])
        lo += centre.slope_lo - integers.turns.lo[n]
        fraction = reduced_turns(scale, hi, lo)
        extra = math.floor(fraction)
        wholes[n - 1] = math.floor(scale * hi) + extra
        fractions[n - 1] = fraction - extra
    return wholes, fractions


def _spectrum(
    block: Block, centre: Centre, integers: Integers
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """The main sum without e^{iκ}: `nufft.transform` and the correction (reach+1,) to it.

    Frequencies are 0 ≤ c − log n ≤ c in the Riemann–Siegel sum, an eighth of the grid's; in
    Euler–Maclaurin's they have either sign.
    """
    rows = _ROWS if block.riemann_siegel else 1
    size = nufft.row_size(block.reach, rows)
    lowest, length = (0, size) if block.riemann_siegel else (-(size // 2), size)
    line = np.zeros((2, length + 2 * nufft.SPREAD))
    amplitudes = _amplitudes(block.terms, not block.riemann_siegel, centre, integers)
    wholes, fractions = _grid_places(block.terms, block.step * rows * size, centre, integers)
    lowest -= nufft.SPREAD
    nufft.spread(line, wholes - lowest, fractions, amplitudes, nufft.KERNEL)
    spectrum = nufft.transform(line, lowest, rows, size)
    return spectrum, nufft.correction(block.reach, rows * size)


@njit(cache=True, nogil=True)
def _main_sum(
    spectrum: NDArray[np.complex128],
    factors: NDArray[np.float64],
    phases: NDArray[np.float64],
) -> NDArray[np.float64]:  # pragma: no cover - jitted
    """Real part of the main sum on the grid (2·reach+1,): transformed, corrected, turned by κ.

    spectrum: (1, M).
    """
    reach = factors.size - 1
    values = np.empty(2 * reach + 1)
    for j in range(-reach, reach + 1):
        value, phase = spectrum[0, j if j >= 0 else j + spectrum.size], phases[j + reach]
        real = value.real * math.cos(phase) - value.imag * math.sin(phase)
        values[j + reach] = real * factors[abs(j)]
    return values


@njit(cache=True, nogil=True)
def _euler_maclaurin_tail(t: float, last: int) -> complex:  # pragma: no cover - jitted
    """M^s·[ζ(s) − Σ_{n<M} n^{−s} − ½M^{−s}], s = ½ + it, M = last.  Edwards §6.4.

    M/(s−1) + Σ_k B_{2k}/(2k)!·s(s+1)…(s+2k−2)·M^{1−2k}; with M > t/2 the terms fall as π^{−2k}.
    """
    s = complex(0.5, t)
    total = last / (s - 1)
    term = s / last
    for k in range(_BERNOULLI_TERMS):
        total += _BERNOULLI[k] * term
        term = term * (s + 2 * k + 1) * (s + 2 * k + 2) / (float(last) * last)
    return total


@njit(cache=True, nogil=True)
def _euler_maclaurin(
    offsets: NDArray[np.float64],
    phases: NDArray[np.float64],
    last: int,
    centre: Centre,
    integers: Integers,
) -> NDArray[np.float64]:  # pragma: no cover - jitted
    """What follows the main sum of `last` terms at the offsets u (T,): (T,) float64."""
    turns = reduced_turns(centre.height, integers.turns.hi[last], integers.turns.lo[last])
    slope = centre.bandwidth - integers.log[last]
    values = np.empty(offsets.size)
    for i in range(offsets.size):
        u = offsets[i]
        phase = 2 * math.pi * (centre.turns - turns) + slope * u + phases[i]
        tail = _euler_maclaurin_tail(centre.height + u, last)
        real = tail.real * math.cos(phase) - tail.imag * math.sin(phase)
        values[i] = real / math.sqrt(last)
    return values


def sample(block: Block, centre: Centre) -> NDArray[np.float64]:
    """Z(t_c + j·step) for |j| ≤ reach: (2·reach+1,) float64.

    Riemann–Siegel: 2·(main sum) + remainder; Euler–Maclaurin: main sum + tail.
    """
    table = integers_for(block.terms)
    spectrum, factors = _spectrum(block, centre, table)
    if block.riemann_siegel:
        return assemble(spectrum, factors, envelope(block, centre))
    offsets = np.arange(-block.reach, block.reach + 1, dtype=np.float64) * block.step
    phases = common_phase(offsets, centre.height)
    main = _main_sum(spectrum, factors, phases)
    return main + _euler_maclaurin(offsets, phases, block.terms, centre, table)
