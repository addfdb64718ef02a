"""Type-1 non-uniform Fourier transform: Σ_n a_n exp(i ω_n u) on an even grid of u.

Each term is spread onto `SPREAD` neighbouring frequencies by the exponential of a semicircle
(Barnett, Magland & af Klinteberg 2019), one FFT sums them, and the kernel's transform is divided
out.  The frequency grid is twice as fine as needed, which keeps 1e-15 of accuracy.

Why not finufft: benchmarks/nufft.py runs the engine with either, on the same blocks.  With finufft
2.5 it finds 10^6 zeros 2.1 times as slowly near n = 10^6 and 1.9 times near 10^12; and as finufft
takes angles in float64, the residuals at 10^12 are off by 1e-8 of a mean spacing, where frequencies
held as a whole and a fraction of the grid's step keep 1e-11.
"""

import math
from functools import lru_cache

import numpy as np
import scipy.fft
from numba import njit
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from zeta_exp.zeros import powers

SPREAD = 16  # frequencies that a term is spread onto
SHARPNESS = 2.30 * SPREAD  # β of the kernel exp(β(√(1 − z²) − 1)), |z| ≤ 1
LEFT = SPREAD // 2 - 1  # frequencies of a term that lie below it
_TRANSFORM_DEGREE = 24  # of the kernel's transform in (j/M)²: 1e-16 on |j/M| ≤ 1/4
_KERNEL_DEGREE = 14  # of the kernel in the fraction of a grid step: 1e-16


def _kernel(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(β(√(1 − z²) − 1)), 0 outside |z| ≤ 1."""
    root = np.sqrt(np.maximum((1 - z) * (1 + z), 0.0))
    # √(1 − z²) − 1 without cancellation
    return np.where(np.abs(z) < 1, np.exp(-SHARPNESS * z * z / (1 + root)), 0.0)


def _kernel_polynomials() -> NDArray[np.float64]:
    """The kernel at a term's neighbours: (_KERNEL_DEGREE+1, SPREAD), powers of y = 2f − 1.

    f ∈ [0, 1] is the term's place between two grid frequencies, so neighbour l is at
    z = (l − LEFT − f)/(SPREAD/2).
    """
    y = powers.nodes(_KERNEL_DEGREE)
    z = (np.arange(SPREAD)[:, None] - LEFT - (y + 1) / 2) / (SPREAD / 2)
    return np.ascontiguousarray(powers.coefficients(_kernel(z)).T)


KERNEL = _kernel_polynomials()


@njit(cache=True, nogil=True)
def spread(
    line: NDArray[np.float64],
    wholes: NDArray[np.int64],
    fractions: NDArray[np.float64],
    amplitudes: NDArray[np.complex128],
    kernel: NDArray[np.float64],
) -> None:  # pragma: no cover - jitted
    """Add the terms to a line of grid frequencies.

    line: (2, L), real and imaginary parts, changed in place; wholes + fractions: (K,) places in it,
    SPREAD or more from its ends, fractions in [0, 1]; amplitudes: (K,); kernel: KERNEL.
    """
    weights = np.empty(SPREAD)
    for term in range(wholes.size):
        y = 2 * fractions[term] - 1
        for cell in range(SPREAD):  # the loop inside is unrolled, so this one becomes vectors
            weight = kernel[_KERNEL_DEGREE, cell]
            for d in range(_KERNEL_DEGREE - 1, -1, -1):
                weight = weight * y + kernel[d, cell]
            weights[cell] = weight
        first = wholes[term] - LEFT
        real, imaginary = amplitudes[term].real, amplitudes[term].imag
        for cell in range(SPREAD):
            line[0, first + cell] += real * weights[cell]
        for cell in range(SPREAD):
            line[1, first + cell] += imaginary * weights[cell]


def row_size(reach: int, rows: int) -> int:
    """Size m of a row, M = rows·m, for outputs |j| ≤ reach: M ≥ 4·reach, m good for the FFT."""
    return int(scipy.fft.next_fast_len(-(-(4 * reach + 4) // rows)))


@lru_cache(maxsize=8)
def _roots_of_unity(rows: int, size: int) -> NDArray[np.complex128]:
    """exp(2πi·l/(rows·size)) for l < size: read-only."""
    roots = np.exp(2j * np.pi / (rows * size) * np.arange(size))
    roots.flags.writeable = False
    return roots


@njit(cache=True, nogil=True)
def _fold(
    line: NDArray[np.float64],
    lowest: int,
    roots: NDArray[np.complex128],
    table: NDArray[np.complex128],
) -> None:  # pragma: no cover - jitted
    """Fill rows b: Σ over l ≡ place (mod m) of line_l·exp(2πi·l·b/M); table: (rows, m)."""
    rows, size = table.shape
    table[:] = 0
    for i in range(line.shape[1]):
        # l = turn·m + place, and exp(2πi·l/M) = exp(2πi·turn/rows)·roots[place]
        turn, place = (lowest + i) // size, (lowest + i) % size
        root = roots[place]
        if turn % rows != 0:
            angle = 2 * math.pi * (turn % rows) / rows
            root = root * complex(math.cos(angle), math.sin(angle))
        value = complex(line[0, i], line[1, i])
        for row in range(rows):
            table[row, place] += value
            value = value * root


def transform(
    line: NDArray[np.float64], lowest: int, rows: int, size: int
) -> NDArray[np.complex128]:
    """Σ_l line_l exp(2πi l j/M), M = rows·size: (rows, size), at [b, a] for j = rows·a + b mod M.

    line: (2, L), parts of the frequencies lowest, lowest+1, …  Where it is about as long as a row,
    the short transforms, which fit the processor's caches and are done side by side, take less than
    half the time of one long one.
    """
    table = np.empty((rows, size), dtype=np.complex128)
    _fold(line, lowest, _roots_of_unity(rows, size), table)
    return scipy.fft.ifft(table, axis=1, norm="forward", overwrite_x=True)


def _kernel_transform(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(SPREAD/2) ∫_{−1}^{1} exp(β(√(1 − x²) − 1)) cos(π·SPREAD·x·j/M) dx at (j/M)², any shape."""
    nodes, weights = np.polynomial.legendre.leggauss(120)
    waves = np.cos(np.pi * SPREAD * np.sqrt(squares)[..., None] * nodes)
    return (SPREAD / 2) * np.sum(waves * (_kernel(nodes) * weights), axis=-1)


_TRANSFORM = chebyshev.Chebyshev.interpolate(
    _kernel_transform, _TRANSFORM_DEGREE, domain=[0.0, 1 / 16]
)


@lru_cache(maxsize=64)
def correction(reach: int, size: int) -> NDArray[np.float64]:
    """1/(kernel's transform) at j = 0 … reach: (reach+1,), read-only; M = size ≥ 4·reach."""
    factors = 1 / _TRANSFORM((np.arange(reach + 1) / size) ** 2)
    factors.flags.writeable = False
    return factors
