"""Type-1 non-uniform Fourier transform: Σ_n a_n exp(i ω_n u) on an even grid of u.

Each term is spread onto `SPREAD` neighbouring frequencies by the exponential of a semicircle
(Barnett, Magland & af Klinteberg 2019), one FFT sums them, and the kernel's transform is divided
out.  The frequency grid is four times as fine as needed, which keeps 1e-15 of accuracy.
"""

import math
from functools import lru_cache

import numpy as np
import scipy.fft
from numba import njit
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

SPREAD = 16  # frequencies that a term is spread onto
SHARPNESS = 2.30 * SPREAD  # β of the kernel exp(β(√(1 − z²) − 1)), |z| ≤ 1
_DEGREE = 24  # of the kernel's transform as a polynomial in (j/M)²: 1e-16 on |j/M| ≤ 1/4


@njit(cache=True, nogil=True)
def spread(
    grid: NDArray[np.complex128],
    positions: NDArray[np.float64],
    amplitudes: NDArray[np.complex128],
) -> None:  # pragma: no cover - jitted
    """Add the terms to the periodic frequency grid.

    grid: (M,), changed in place; positions: (K,) frequencies in grid steps, each within
    M − SPREAD of zero; amplitudes: (K,).
    """
    size = grid.size
    half = 0.5 * SPREAD
    for term in range(positions.size):
        position, amplitude = positions[term], amplitudes[term]
        first = math.ceil(position - half)
        for index in range(first, first + SPREAD):
            z = (index - position) / half
            inside = 1.0 - z * z
            if inside > 0:
                weight = math.exp(SHARPNESS * (math.sqrt(inside) - 1))
                cell = index
                if index < 0:
                    cell += size
                elif index >= size:
                    cell -= size
                grid[cell] += complex(amplitude.real * weight, amplitude.imag * weight)


def grid_size(reach: int) -> int:
    """Size M of the frequency grid for outputs |j| ≤ reach: at least 4·reach, good for the FFT."""
    return int(scipy.fft.next_fast_len(4 * reach + 4))


def transform(grid: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Σ_l grid_l exp(2πi l j/M) for j = 0 … M−1; negative j are at M + j.  Overwrites the grid."""
    return scipy.fft.ifft(grid, norm="forward", overwrite_x=True)


def _kernel_transform(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(SPREAD/2) ∫_{−1}^{1} exp(β(√(1 − x²) − 1)) cos(π·SPREAD·x·j/M) dx at (j/M)², any shape."""
    nodes, weights = np.polynomial.legendre.leggauss(120)
    kernel = np.exp(SHARPNESS * (np.sqrt(1 - nodes * nodes) - 1)) * weights
    waves = np.cos(np.pi * SPREAD * np.sqrt(squares)[..., None] * nodes)
    return (SPREAD / 2) * np.sum(waves * kernel, axis=-1)


_TRANSFORM = chebyshev.Chebyshev.interpolate(_kernel_transform, _DEGREE, domain=[0.0, 1 / 16])


@lru_cache(maxsize=64)
def correction(reach: int, size: int) -> NDArray[np.float64]:
    """1/(kernel's transform) at j = 0 … reach: (reach+1,), read-only; M = size ≥ 4·reach."""
    factors = 1 / _TRANSFORM((np.arange(reach + 1) / size) ** 2)
    factors.flags.writeable = False
    return factors
