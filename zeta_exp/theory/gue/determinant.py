"""Laws of m consecutive spacings of unitary matrices, from determinants.

D(z; s) = Σ_j E(j; s)·(1 − z)^j = det(I − z·M(s)), with E(j; s) the chance that an interval of s
mean spacings holds j levels and

    M_jk(s) = √(w_j w_k)·sin πs(v_j − v_k)/π(v_j − v_k).

For a matrix of N levels v are the N points (2j + 1 − N)/2N and w = 1/N: a Toeplitz determinant,
exact.  For N → ∞ the sum over points becomes an integral over [−½, ½], at Gauss–Legendre nodes: the
Fredholm determinant of the sine kernel by Bornemann's quadrature, exponentially convergent
(Math. Comp. 79 (2010) 871–915; Markov Process. Related Fields 16 (2010) 803–866).  The sum w of m
consecutive spacings has

    P(w > s) = −G′(s),  p(s) = G″(s),  G(s) = Σ_{j<m} (m − j)·E(j; s).

Derivatives in s are exact ones of the determinant: nothing is differenced.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import Chebyshev, chebpts1
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike, NDArray

from zeta_exp.theory.gue.quadrature import Function, expectation

QUADRATURE_NODES = 64  # of the determinant: error 1e-15 up to s = 15
GAUDIN_RANGE = 6.0  # beyond it the law of one spacing weighs less than 1e-18
WINDOW_RANGE = 7.0  # beyond m + this a sum of m ≤ 8 spacings weighs less than 1e-15
CONTOUR = 32  # points of the circle |1 − z| = 1 that pick E(j; s), j < 32 − s
DEGREE, DEGREE_PER_SPACING = 40, 6  # of the Chebyshev interpolants, enough for 1e-14
VANISHING = 1e-30  # stands for a factor of the determinant that is 0


@dataclass(frozen=True)
class SpacingLaw:
    """The law of the sum w of m consecutive spacings, mean m; absolute error below 1e-12."""

    m: int
    stop: float  # no weight beyond
    density_table: Chebyshev  # p on [0, stop]
    cdf_table: Chebyshev  # F on [0, stop]

    def density(self, s: ArrayLike) -> NDArray[np.float64]:
        """Density p(s), any shape; 0 outside of (0, stop)."""
        s = np.asarray(s, dtype=np.float64)
        inside = (s > 0) & (s < self.stop)
        value = self.density_table(np.clip(s, 0.0, self.stop))
        return np.where(inside, np.maximum(value, 0.0), 0.0)

    def cdf(self, s: ArrayLike) -> NDArray[np.float64]:
        """Distribution function F(s), any shape."""
        s = np.asarray(s, dtype=np.float64)
        value = np.clip(self.cdf_table(np.clip(s, 0.0, self.stop)), 0.0, 1.0)
        return np.where(s > 0, np.where(s < self.stop, value, 1.0), 0.0)

    def expectation(self, function: Function) -> NDArray[Any]:
        """E f(w), (...) of f: (Q,) to (..., Q), smooth on the scale of 0.05."""
        return expectation(self.density, self.stop, function)

    @functools.cached_property
    def variance(self) -> float:
        """E (w − m)²."""
        return float(self.expectation(lambda w: (w - self.m) ** 2))


@functools.cache
def gaudin_law(m: int = 1) -> SpacingLaw:
    """The law of m consecutive spacings of large unitary matrices; m = 1: Gaudin's.

    Mean m; variance 0.1799938776918 for m = 1.  Mehta, Random Matrices, §6.
    """
    return _law(None, m, GAUDIN_RANGE if m == 1 else m + WINDOW_RANGE)


@functools.cache
def cue_law(size: int, m: int = 1) -> SpacingLaw:
    """The law of m < size consecutive spacings of CUE(size) eigenphases; sin²(πs/2) for size 2.

    Bornemann, Forrester and Mays, Stud. Appl. Math. 138 (2017) 401–437.
    """
    if not 1 <= m < size:
        raise ValueError(f"{m} consecutive spacings of a circle of {size} levels have no law")
    return _law(size, m, min(float(size), m + WINDOW_RANGE))


def gap_probability(s: float) -> float:
    """E(0; s) of large unitary matrices: chance that s mean spacings hold no level."""
    return float(_derivatives(s, None, 1)[0])


def _law(size: int | None, m: int, stop: float) -> SpacingLaw:
    degree = DEGREE + round(DEGREE_PER_SPACING * stop)
    points = chebpts1(degree + 1)
    table = np.array([_derivatives(s, size, m) for s in (points + 1) / 2 * stop])
    cdf, density = (
        Chebyshev(_coefficients(values), domain=[0.0, stop])
        for values in (1 + table[:, 1], table[:, 2])
    )
    return SpacingLaw(m, stop, density, cdf)


def _coefficients(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chebyshev coefficients of the interpolant through values at `chebpts1`, (K,) to (K,)."""
    count = len(values)
    angle = np.arccos(chebpts1(count))
    coefficients = 2 / count * np.cos(np.outer(np.arange(count), angle)) @ values
    coefficients[0] /= 2
    return coefficients


@functools.cache
def _frequencies(size: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """v_j − v_k and √(w_j w_k), (N, N) each; size None: N → ∞."""
    if size is None:
        node, weight = leggauss(QUADRATURE_NODES)
        v, w = node / 2, weight / 2
    else:
        v, w = (2 * np.arange(size) + 1 - size) / (2 * size), np.full(size, 1 / size)
    return v[:, None] - v, np.sqrt(np.outer(w, w))


@functools.cache
def _contour(m: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """z and weights c, (Z,) each, with G(s) = Re Σ c·D(z; s): E(j; s) by Cauchy's formula."""
    if m == 1:
        return np.ones(1, dtype=np.complex128), np.ones(1, dtype=np.complex128)
    # 1 − z on the unit circle but for −1, where D may be 0
    xi = np.exp(1j * np.pi * (2 * np.arange(CONTOUR) + 1) / CONTOUR)
    j = np.arange(m)[:, None]
    return 1 - xi, ((m - j) * xi**-j).sum(axis=0) / CONTOUR


def _derivatives(s: float, size: int | None, m: int) -> NDArray[np.float64]:
    """G, G′ and G″ at s, (3,).

    With eigenvalues λ of M, P = M′ and Q = M″ in its eigenbasis, and a = z/(1 − zλ):
    D = Π(1 − zλ),  D′/D = −Σ a_i P_ii,  D″/D = −Σ a_i Q_ii + Σ_ij a_i a_j (P_ii P_jj − P_ij²).
    """
    apart, root = _frequencies(size)
    turn = np.pi * s * apart
    eigenvalues, basis = np.linalg.eigh(root * s * np.sinc(s * apart))
    first = basis.T @ (root * np.cos(turn)) @ basis
    second = -np.pi * ((apart * root * np.sin(turn)) @ basis * basis).sum(axis=0)
    z, weight = _contour(m)
    factor = 1 - z[:, None] * eigenvalues
    factor = np.where(np.abs(factor) < VANISHING, VANISHING, factor)
    a = z[:, None] / factor
    diagonal = first.diagonal()
    minors = np.outer(diagonal, diagonal) - first**2
    curvature = (a @ minors * a).sum(axis=1) - a @ second
    determinant = factor.prod(axis=1)
    rows = np.stack([np.ones_like(curvature), -a @ diagonal, curvature])
    return np.asarray((rows * determinant * weight).sum(axis=1).real)
