"""Z(t) on the grid of a block.

Everything is relative to the block's centre t_c: the phases θ(t_c) − t_c·log n are reduced in
double-double, and at t_c + u the n-th term has turned by a further u·(c − log n) + κ(u), where
c = ½·log(t_c/2π) and κ is small and common to all terms.

Numba's cache on disk notices a change of the calling kernel's file only, so no kernel here calls
one of another file, except `reduced_turns`: change that, and delete `__pycache__`.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import flint
import numpy as np
from numba import njit
from numpy.typing import NDArray

from zeta_exp.theory.counting import THETA_TAIL
from zeta_exp.theory.phases import Frequencies, log_frequencies, reduced_turns
from zeta_exp.zeros import nufft
from zeta_exp.zeros.blocks import Block
from zeta_exp.zeros.remainder import COEFFICIENTS, remainder

# (1 + log 8π)/2π = hi + lo; python-flint, (1 + (8*arb.pi()).log())/(2*arb.pi()), prec 140
_THETA_HI = 0.6722977631588258
_THETA_LO = 2.0348317920919325e-17
_TAIL = len(THETA_TAIL)
_TURN = 2 * math.pi
_BERNOULLI_TERMS = 16


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


class Centre(NamedTuple):
    """The phase of a block's centre t_c."""

    height: float  # t_c
    turns: float  # θ(t_c)/2π without the tail 1/(48t) + …, modulo one turn
    bandwidth: float  # c = ½·log(t_c/2π), the fastest frequency after θ's slope is taken out


@njit(cache=True, nogil=True)
def _centre_turns(height: float, hi: float, lo: float) -> float:  # pragma: no cover - jitted
    """θ(t)/2π = ½t·[log 4t − (1 + log 8π)]/2π − 1/16 modulo one turn; hi + lo = log(4t)/2π."""
    whole = reduced_turns(0.5 * height, hi, lo)
    return whole - reduced_turns(0.5 * height, _THETA_HI, _THETA_LO) - 0.0625


def centres(blocks: list[Block]) -> list[Centre]:
    """The centres of the blocks; their phase is that of t·log n for the integer n = 4·t_c."""
    fourfold = np.array([int(4 * block.centre) for block in blocks])
    frequencies = log_frequencies(fourfold)
    return [
        Centre(
            block.centre,
            _centre_turns(block.centre, float(hi), float(lo)),
            0.5 * math.log(block.centre / _TURN),
        )
        for block, hi, lo in zip(blocks, frequencies.hi, frequencies.lo, strict=True)
    ]


@njit(cache=True, nogil=True)
def common_phase(
    offsets: NDArray[np.float64], centre: float
) -> NDArray[np.float64]:  # pragma: no cover - jitted
    """κ(u) = θ(t_c + u) − c·u − (θ(t_c) without its tail), in radians; offsets u: (T,).

    ½t_c·[(1 + x)·log(1 + x) − x] + tail(t_c + u), x = u/t_c.
    """
    phases = np.empty(offsets.size)
    for i in range(offsets.size):
        x = offsets[i] / centre
        inverse = 1 / (centre + offsets[i])
        tail = THETA_TAIL[_TAIL - 1]
        for k in range(_TAIL - 2, -1, -1):
            tail = THETA_TAIL[k] + inverse * inverse * tail
        phases[i] = 0.5 * centre * ((1 + x) * math.log1p(x) - x) + inverse * tail
    return phases


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
def _main_sum(
    spectrum: NDArray[np.complex128],
    factors: NDArray[np.float64],
    phases: NDArray[np.float64],
) -> NDArray[np.float64]:  # pragma: no cover - jitted
    """Real part of the main sum on the grid (2·reach+1,): transformed, corrected, turned by κ."""
    reach = factors.size - 1
    values = np.empty(2 * reach + 1)
    for j in range(-reach, reach + 1):
        value, phase = spectrum[j if j >= 0 else j + spectrum.size], phases[j + reach]
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
    size = nufft.grid_size(block.reach)
    grid = np.zeros(size, dtype=np.complex128)
    amplitudes = _amplitudes(block.terms, not block.riemann_siegel, centre, table)
    frequencies = centre.bandwidth - table.log[1 : block.terms + 1]
    nufft.spread(grid, frequencies * (block.step * size / _TURN), amplitudes)
    spectrum, factors = nufft.transform(grid), nufft.correction(block.reach, size)
    offsets = np.arange(-block.reach, block.reach + 1, dtype=np.float64) * block.step
    phases = common_phase(offsets, centre.height)
    main = _main_sum(spectrum, factors, phases)
    if block.riemann_siegel:
        return 2 * main + remainder(centre.height + offsets, block.terms, COEFFICIENTS)
    return main + _euler_maclaurin(offsets, phases, block.terms, centre, table)
