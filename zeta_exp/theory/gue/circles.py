"""Samplers: eigenphases of random unitary matrices (CUE), and independent levels (Poisson)."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

MATRIX_ENTRIES = 2**18  # of the random matrices solved at once: 4 MiB an array
LARGEST_TANGENT = 1000.0  # error of an eigenphase: 1e-16 times its square


def sample_cue_residuals(count: int, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Unfolded residuals of CUE(size) eigenphases, (count,): δ_j = size·θ_j/2π − j, centred.

    Centred over a matrix, −δ is Im log det(1 − U e^{−iθ})/π at its zeros, the analogue of S(γ)
    (Keating and Snaith 2000).  `chain` joins the matrices.
    """
    return chain(cue_circles([rng] * -(-count // size), size))[:count]


def sample_poisson_residuals(
    count: int, rng: np.random.Generator, size: int = 64
) -> NDArray[np.float64]:
    """Residuals of independent uniform levels, (count,): exponential spacings, no repulsion.

    Levels are drawn `size` to a circle, which bounds the random walk of a free Poisson line:
    standard deviation about √(size/12).
    """
    return chain(poisson_circles([rng] * -(-count // size), size))[:count]


def cue_circles(rngs: Sequence[np.random.Generator], size: int) -> NDArray[np.float64]:
    """Eigenphases of one CUE(size) matrix for each rng, as `size` levels of density 1: (K, size).

    Exact, without drawing a whole matrix: one of Haar measure is unitarily equivalent to the
    Hessenberg matrix of its Verblunsky coefficients, which are independent (Killip and Nenciu,
    IMRN 2004).  H = i(1 − U)/(1 + U) is Hermitian with eigenvalues tan(θ/2); where one of them is
    so large that digits are lost, U itself is solved.
    """
    at_once = max(1, MATRIX_ENTRIES // size**2)
    phases = np.empty((len(rngs), size))
    for first in range(0, len(rngs), at_once):
        part = slice(first, first + at_once)
        unitary = _hessenberg(np.array([rng.random((2, size)) for rng in rngs[part]]))
        identity = np.eye(size)
        tangents = np.linalg.eigvalsh(
            np.linalg.solve(identity + unitary, 1j * (identity - unitary))
        )
        lossy = np.abs(tangents).max(axis=1) > LARGEST_TANGENT
        phases[part] = 2 * np.arctan(tangents)
        phases[part][lossy] = np.sort(np.angle(np.linalg.eigvals(unitary[lossy])))
    return phases * (size / (2 * np.pi))


def _hessenberg(uniform: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Hessenberg matrices with the spectra of CUE matrices, (K, N, N) of uniform (K, 2, N).

    U = G_0 G_1 … G_{N−1} with G_k = [[ᾱ_k, ρ_k], [ρ_k, −α_k]] in rows k and k + 1, the last
    ᾱ_{N−1}; |α_k|² has the distribution Beta(1, N−1−k), the phase is uniform; ρ² = 1 − |α|².
    """
    count, _, size = uniform.shape
    squared = np.ones((count, size))
    squared[:, :-1] = 1 - uniform[:, 0, :-1] ** (1 / np.arange(size - 1, 0, -1))
    alpha = (np.sqrt(squared) * np.exp(2j * np.pi * uniform[:, 1]))[:, :, None]
    rho = np.sqrt(1 - squared)[:, :, None]
    unitary = np.zeros((count, size, size), dtype=np.complex128)
    unitary[:] = np.eye(size)
    unitary[:, -1, -1:] = alpha[:, -1].conj()
    for k in range(size - 2, -1, -1):
        upper, lower = unitary[:, k, k:].copy(), unitary[:, k + 1, k:].copy()
        unitary[:, k, k:] = alpha[:, k].conj() * upper + rho[:, k] * lower
        unitary[:, k + 1, k:] = rho[:, k] * upper - alpha[:, k] * lower
    return unitary


def poisson_circles(rngs: Sequence[np.random.Generator], size: int) -> NDArray[np.float64]:
    """Independent uniform levels of density 1, one circle of `size` for each rng: (K, size)."""
    return np.sort([rng.uniform(0.0, size, size) for rng in rngs])


def chain(circles: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Residuals of one long line made of independent circles of sorted levels of density 1.

    Each circle is entered just after the level whose residual is nearest to 0, the last one on the
    line, and shifted by the small difference to end at 0 exactly: every spacing of the line is then
    a spacing of some circle, residuals stay as rigid as within one circle, and a line can be
    continued by another.
    """
    line = [np.zeros(0)]
    for levels in circles:
        residual = levels - np.arange(levels.size)
        residual = residual - residual.mean()
        entry = int(np.argmin(np.abs(residual)))
        line.append(np.roll(residual, -entry - 1) - residual[entry])
    return np.concatenate(line)
