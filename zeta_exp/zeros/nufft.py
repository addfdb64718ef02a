"""Type-1 non-uniform Fourier transform: Σ_n a_n exp(i ω_n u) on an even grid of u.

Each term is spread onto `SPREAD` neighbouring frequencies by the exponential of a semicircle
(Barnett, Magland & af Klinteberg 2019), one FFT sums them, and the kernel's transform is divided
out.  The frequency grid is four times as fine as needed, which keeps 1e-15 of accuracy.

Why not finufft: benchmarks/nufft.py runs the engine with either, on the same blocks.  With finufft
2.5 it finds 10^6 zeros 2.0 times as slowly near n = 10^6 and 1.3 times near 10^12; and as finufft
takes angles in float64, the residuals at 10^12 are off by 1e-8 of a mean spacing, where frequencies
held as a whole and a fraction of the grid's step keep 1e-11.
"""

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
    grid: NDArray[np.complex128],
    wholes: NDArray[np.int64],
    fractions: NDArray[np.float64],
    amplitudes: NDArray[np.complex128],
    kernel: NDArray[np.float64],
) -> None:  # pragma: no cover - jitted
    """Add the terms to the periodic frequency grid.

    grid: (M,), changed in place; wholes + fractions: (K,) frequencies in grid steps, |·| < M/2,
    fractions in [0, 1]; amplitudes: (K,); kernel: KERNEL.
    """
    size = grid.size
    weights = np.empty(SPREAD)
    for term in range(wholes.size):
        y = 2 * fractions[term] - 1
        for cell in range(SPREAD):
            weights[cell] = kernel[_KERNEL_DEGREE, cell]
        for d in range(_KERNEL_DEGREE - 1, -1, -1):
            for cell in range(SPREAD):
                weights[cell] = weights[cell] * y + kernel[d, cell]
        first = (wholes[term] - LEFT) % size
        amplitude = amplitudes[term]
        if first + SPREAD <= size:
            for cell in range(SPREAD):
                grid[first + cell] += amplitude * weights[cell]
        else:
            for cell in range(SPREAD):
                grid[(first + cell) % size] += amplitude * weights[cell]


def grid_size(reach: int) -> int:
    """Size M of the frequency grid for outputs |j| ≤ reach: at least 4·reach, good for the FFT."""
    return int(scipy.fft.next_fast_len(4 * reach + 4))


def transform(grid: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Σ_l grid_l exp(2πi l j/M) for j = 0 … M−1; negative j are at M + j.  Overwrites the grid."""
    return scipy.fft.ifft(grid, norm="forward", overwrite_x=True)


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
