"""Random-matrix laws of unfolded spacings, the distance of a sample to them, and samplers.

Spacings have mean 1 throughout.  Wigner's surmise has closed forms; Gaudin's law, the true limit
of large unitary matrices, comes from a Fredholm determinant.
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike, NDArray
from scipy.special import dawsn, erf

QUADRATURE_NODES = 40  # Gauss–Legendre nodes of the determinant: absolute error 1e-15
GAUDIN_RANGE = 6.0  # beyond it the law weighs less than 1e-18
GAUDIN_DEGREE = 40  # Chebyshev degree of E(0; s) on [0, GAUDIN_RANGE]; more only adds rounding
MATRIX_ENTRIES = 2**18  # of the random matrices solved at once: 4 MiB an array
LARGEST_TANGENT = 1000.0  # error of an eigenphase: 1e-16 times its square


def surmise_density(s: ArrayLike) -> NDArray[np.float64]:
    """Wigner surmise for unitary symmetry, p(s) = 32/π²·s²·exp(−4s²/π); 0 for s < 0.

    s: any shape, spacings of mean 1.  Mehta, Random Matrices, §1.5.
    """
    s = np.maximum(np.asarray(s, dtype=np.float64), 0.0)
    return 32 / np.pi**2 * s**2 * np.exp(-4 * s**2 / np.pi)


def surmise_cdf(s: ArrayLike) -> NDArray[np.float64]:
    """Distribution function of the surmise, erf(2s/√π) − (4s/π)·exp(−4s²/π); 0 for s < 0."""
    s = np.maximum(np.asarray(s, dtype=np.float64), 0.0)
    return np.asarray(erf(2 * s / np.sqrt(np.pi)) - 4 * s / np.pi * np.exp(-4 * s**2 / np.pi))


def surmise_characteristic(omega: ArrayLike) -> NDArray[np.complex128]:
    """Characteristic function φ(ω) = E exp(iωs) of the surmise, in closed form.

    Re φ = (1 − πω²/8)·exp(−πω²/16),  Im φ = (2/√π)·[x + (1 − 2x²)·D(x)],  x = ω√π/4,
    with D Dawson's function.  omega: any shape, radians per mean spacing.
    """
    omega = np.asarray(omega, dtype=np.float64)
    x = omega * np.sqrt(np.pi) / 4
    real = (1 - 2 * x**2) * np.exp(-(x**2))
    imaginary = 2 / np.sqrt(np.pi) * (x + (1 - 2 * x**2) * dawsn(x))
    return np.asarray(real + 1j * imaginary)


def surmise_nll(s: ArrayLike) -> NDArray[np.float64]:
    """Negative log-density of the surmise, −log(32/π²) − 2·log s + 4s²/π; +∞ for s ≤ 0."""
    s = np.asarray(s, dtype=np.float64)
    positive = np.where(s > 0, s, 1.0)
    value = -np.log(32 / np.pi**2) - 2 * np.log(positive) + 4 * positive**2 / np.pi
    return np.where(s > 0, value, np.inf)


def gauss_hermite_frequencies(
    nodes: int = 64, sigma: float = 3.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quadrature Σ_k w_k f(ω_k) of ∫ f dN(0, σ²) for even f with f(0) = 0.

    Returns (ω, w), each (nodes // 2,): the positive Gauss–Hermite nodes times σ, their weights
    doubled because f(−ω) = f(ω).
    """
    node, weight = hermegauss(nodes)
    positive = node > 0
    return sigma * node[positive], 2 * weight[positive] / weight.sum()


def characteristic_mmd(spacings: NDArray[np.float64]) -> float:
    """MMD² of spacings to the surmise, ∫ |φ_N(ω) − φ(ω)|² dN(0, 3²), φ_N(ω) = mean exp(iωs).

    spacings: (N,) of mean 1.  Quadrature error 1e-8 and less for gaps below 5 mean spacings.
    Its expectation for a sample of N independent surmise spacings is ∫ (1 − |φ|²)/N ≈ 0.51/N.
    """
    omega, weight = gauss_hermite_frequencies()
    sample = np.array([np.exp(1j * frequency * spacings).mean() for frequency in omega])
    return float(weight @ np.abs(sample - surmise_characteristic(omega)) ** 2)


def gap_probability(s: float) -> float:
    """E(0; s) = det(I − K_s): chance that an interval of s mean spacings holds no level.

    K_s is the sine kernel sin π(x−y)/π(x−y) on [0, s], discretised by Gauss–Legendre
    quadrature: exponentially convergent.  Bornemann, Math. Comp. 79 (2010) 871–915.
    """
    node, weight = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    x = (node + 1) / 2 * s
    root = np.sqrt(weight * s / 2)
    kernel = np.sinc(x[:, None] - x) * root[:, None] * root
    return float(np.linalg.det(np.eye(QUADRATURE_NODES) - kernel))


@dataclass(frozen=True)
class SpacingLaw:
    """Gaudin's law p(s) = E″(0; s), from a Chebyshev interpolant of the gap probability."""

    gap_probability: Chebyshev  # E(0; s) on [0, GAUDIN_RANGE]

    def density(self, s: ArrayLike) -> NDArray[np.float64]:
        """Density p(s) = E″(0; s), any shape; absolute error 1e-9 for s > 0.01; 0 for s ≤ 0."""
        s = np.asarray(s, dtype=np.float64)
        inside = (s > 0) & (s < GAUDIN_RANGE)
        value = self.gap_probability.deriv(2)(np.clip(s, 0.0, GAUDIN_RANGE))
        return np.where(inside, np.maximum(value, 0.0), 0.0)

    def cdf(self, s: ArrayLike) -> NDArray[np.float64]:
        """Distribution function F(s) = 1 + E′(0; s), any shape, absolute error below 1e-11."""
        s = np.asarray(s, dtype=np.float64)
        value = 1 + self.gap_probability.deriv(1)(np.clip(s, 0.0, GAUDIN_RANGE))
        return np.where(s > 0, np.clip(value, 0.0, 1.0), 0.0)


@functools.cache
def gaudin_law() -> SpacingLaw:
    """Gaudin's spacing law of large unitary matrices: mean 1, variance 0.179993877692.

    Mehta, Random Matrices, §6; evaluated as in Bornemann, Math. Comp. 79 (2010) 871–915.
    """

    def values(s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([gap_probability(float(point)) for point in s])

    return SpacingLaw(Chebyshev.interpolate(values, GAUDIN_DEGREE, domain=[0.0, GAUDIN_RANGE]))


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
