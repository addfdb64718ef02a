"""What varies slowly over a Riemann–Siegel block: e^{iκ(u)} and the remainder, as polynomials.

Over a block κ reaches π·w²/2 and the remainder passes w of its period, where w ≤ 1 is the block's
width in τ = √(t/2π); so few powers of y = u/half are right to rounding, and a sine, a cosine and
the five series of `remainder` needn't be computed at each sample.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zeta_exp.theory.local import Centre, common_phase
from zeta_exp.zeros import powers
from zeta_exp.zeros.blocks import Block
from zeta_exp.zeros.remainder import COEFFICIENTS, remainder

LANES = 64  # samples evaluated side by side, so that the compiler can use vector instructions
_LEAST_DEGREE, _DEGREE_PER_WIDTH = 10, 17  # 1e-15 for every w; measured for N = 56 … 200,000


def envelope(block: Block, centre: Centre) -> NDArray[np.float64]:
    """cos κ, sin κ and the remainder on the block's grid: (3, D+1) powers of j/reach.  D odd."""
    half = block.reach * block.step
    width = half / math.sqrt(2 * math.pi * block.centre)
    degree = (_LEAST_DEGREE + math.ceil(_DEGREE_PER_WIDTH * width)) | 1
    u = half * powers.nodes(degree)
    phases = common_phase(u, centre.height)
    rest = remainder(centre.height + u, block.terms, COEFFICIENTS)
    return powers.coefficients(np.stack([np.cos(phases), np.sin(phases), rest]))


@njit(cache=True, nogil=True)
def _even_and_odd(
    row: NDArray[np.float64],
    squares: NDArray[np.float64],
    even: NDArray[np.float64],
    odd: NDArray[np.float64],
) -> None:  # pragma: no cover - jitted
    """Σ row_{2k} y^{2k} and Σ row_{2k+1} y^{2k} at y² (LANES,), by Horner's rule."""
    top = row.size - 2
    for i in range(LANES):
        even[i], odd[i] = row[top], row[top + 1]
    for d in range(top - 2, -1, -2):
        for i in range(LANES):
            even[i] = even[i] * squares[i] + row[d]
            odd[i] = odd[i] * squares[i] + row[d + 1]


@njit(cache=True, nogil=True)
def assemble(
    spectrum: NDArray[np.complex128],
    factors: NDArray[np.float64],
    series: NDArray[np.float64],
) -> NDArray[np.float64]:  # pragma: no cover - jitted
    """Z on the grid, 2·Re(main sum·e^{iκ}) + remainder: (2·reach+1,) float64.

    spectrum: (rows, M/rows) of `nufft.transform`; factors: (reach+1,) of `nufft.correction`;
    series: (3, D+1) of `envelope`.
    """
    reach, rows = factors.size - 1, spectrum.shape[0]
    values = np.empty(2 * reach + 1)
    y, squares = np.empty(LANES), np.empty(LANES)
    even, odd = np.empty((3, LANES)), np.empty((3, LANES))
    for first in range(0, reach + 1, LANES):
        for i in range(LANES):
            y[i] = (first + i) / reach
            squares[i] = y[i] * y[i]
        for k in range(3):
            _even_and_odd(series[k], squares, even[k], odd[k])
        for i in range(min(LANES, reach + 1 - first)):
            j = first + i
            factor = 2 * factors[j]
            cosine, sine, rest = (even[0, i], even[1, i], even[2, i])
            d_cosine, d_sine, d_rest = (y[i] * odd[0, i], y[i] * odd[1, i], y[i] * odd[2, i])
            value = spectrum[j % rows, j // rows]
            real = value.real * (cosine + d_cosine) - value.imag * (sine + d_sine)
            values[reach + j] = factor * real + (rest + d_rest)
            if j > 0:
                k = spectrum.size - j
                value = spectrum[k % rows, k // rows]
                real = value.real * (cosine - d_cosine) - value.imag * (sine - d_sine)
                values[reach - j] = factor * real + (rest - d_rest)
    return values
