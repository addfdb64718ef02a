"""The roots of Z between the samples of a grid.

Each cell between two samples has a local polynomial in y ∈ [−1, 1] (see `interpolation`).  A cell
whose polynomial provably has one simple root gets it by Newton's method, one that provably has
none is passed over, and any other is searched in 64 parts, for pairs of roots too.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zeta_exp.zeros.interpolation import DEGREE, WIDTH

_PARTS = 64  # of a cell that no bound decides
_CONVERGED = 3e-12  # in y; a Newton step this small leaves an error of rounding only
_DIP = 0.3  # a parabola dips below its ends by at most ⅛ of the second difference


@njit(cache=True, nogil=True)
def _cell_polynomial(
    values: NDArray[np.float64],
    cell: int,
    matrix: NDArray[np.float64],
    polynomial: NDArray[np.float64],
) -> None:  # pragma: no cover - jitted
    """Fill the coefficients (DEGREE+1,) of the cell [values[cell], values[cell+1]]."""
    first = cell - (WIDTH // 2 - 1)
    polynomial[:] = 0.0
    for k in range(WIDTH):
        value = values[first + k]
        for d in range(DEGREE + 1):
            polynomial[d] += matrix[k, d] * value


@njit(cache=True, nogil=True)
def _evaluate(
    polynomial: NDArray[np.float64], y: float
) -> tuple[float, float]:  # pragma: no cover - jitted
    """Value and slope at y, by Horner's rule."""
    value, slope = polynomial[DEGREE], 0.0
    for d in range(DEGREE - 1, -1, -1):
        slope = slope * y + value
        value = value * y + polynomial[d]
    return value, slope


@njit(cache=True, nogil=True)
def _bracketed_root(
    polynomial: NDArray[np.float64], low: float, high: float, at_low: float, at_high: float
) -> float:  # pragma: no cover - jitted
    """Root in [low, high], where the values at_low and at_high differ in sign.

    Newton's method from the secant; bisection where it leaves the bracket.
    """
    y = low - at_low * (high - low) / (at_high - at_low)
    for _ in range(60):
        value, slope = _evaluate(polynomial, y)
        if (value > 0) == (at_high > 0):
            high = y
        else:
            low = y
        proposal = y - value / slope if slope != 0.0 else low
        if abs(proposal - y) < _CONVERGED:
            return min(max(proposal, low), high)
        if not low < proposal < high:
            proposal = 0.5 * (low + high)
            if not low < proposal < high:
                return y
        y = proposal
    return y


@njit(cache=True, nogil=True)
def _least_of_parabola(
    constant: float, linear: float, square: float
) -> float:  # pragma: no cover - jitted
    """Minimum over [−1, 1] of constant + linear·y + square·y²."""
    least = constant - abs(linear) + square
    if square > 0 and abs(linear) < 2 * square:
        least = min(least, constant - linear * linear / (4 * square))
    return least


@njit(cache=True, nogil=True)
def _rises(polynomial: NDArray[np.float64], sign: float) -> bool:  # pragma: no cover - jitted
    """Whether sign·p' > 0 is proven on the whole cell: its parabola exceeds all higher terms."""
    higher = 0.0
    for d in range(4, DEGREE + 1):
        higher += d * abs(polynomial[d])
    return higher < _least_of_parabola(
        sign * polynomial[1], 2 * sign * polynomial[2], 3 * sign * polynomial[3]
    )


@njit(cache=True, nogil=True)
def _keeps_sign(polynomial: NDArray[np.float64], sign: float) -> bool:  # pragma: no cover - jitted
    """Whether sign·p > 0 is proven on the whole cell."""
    higher = 0.0
    for d in range(3, DEGREE + 1):
        higher += abs(polynomial[d])
    return higher < _least_of_parabola(
        sign * polynomial[0], sign * polynomial[1], sign * polynomial[2]
    )


@njit(cache=True, nogil=True)
def _dips(values: NDArray[np.float64], cell: int) -> bool:  # pragma: no cover - jitted
    """Whether a cell with ends of one sign may reach zero between them."""
    sign = 1.0 if values[cell] > 0 else -1.0
    left = values[cell - 1] - 2 * values[cell] + values[cell + 1]
    right = values[cell] - 2 * values[cell + 1] + values[cell + 2]
    nearest = min(sign * values[cell], sign * values[cell + 1])
    return _DIP * max(sign * left, sign * right) > nearest


@njit(cache=True, nogil=True)
def _crossing(
    polynomial: NDArray[np.float64], low: float, high: float, sign: float
) -> float:  # pragma: no cover - jitted
    """A point of [low, high] with sign·p < 0, or 2.0: descends to the minimum of sign·p.

    sign·p falls at low and rises at high.
    """
    for _ in range(60):
        middle = 0.5 * (low + high)
        value, slope = _evaluate(polynomial, middle)
        if sign * value < 0:
            return middle
        if sign * slope < 0:
            low = middle
        else:
            high = middle
    return 2.0


@njit(cache=True, nogil=True)
def _search(
    polynomial: NDArray[np.float64], roots: NDArray[np.float64]
) -> int:  # pragma: no cover - jitted
    """All roots on the cell, ascending, into roots (2·_PARTS,); returns how many."""
    count = 0
    low = -1.0
    at_low, slope_low = _evaluate(polynomial, low)
    for part in range(1, _PARTS + 1):
        high = -1.0 + 2.0 * part / _PARTS
        at_high, slope_high = _evaluate(polynomial, high)
        sign = 1.0 if at_high > 0 else -1.0
        if (at_high > 0) != (at_low > 0):
            roots[count] = _bracketed_root(polynomial, low, high, at_low, at_high)
            count += 1
        elif sign * slope_low < 0 and sign * slope_high > 0:
            between = _crossing(polynomial, low, high, sign)
            if between < 1.5:
                value, _ = _evaluate(polynomial, between)
                roots[count] = _bracketed_root(polynomial, low, between, at_low, value)
                roots[count + 1] = _bracketed_root(polynomial, between, high, value, at_high)
                count += 2
        low, at_low, slope_low = high, at_high, slope_high
    return count


@njit(cache=True, nogil=True)
def _cell_roots(
    values: NDArray[np.float64],
    cell: int,
    matrix: NDArray[np.float64],
    polynomial: NDArray[np.float64],
    roots: NDArray[np.float64],
) -> int:  # pragma: no cover - jitted
    """Roots of one cell, in y, into `roots`; returns how many.  polynomial: work space."""
    left, right = values[cell], values[cell + 1]
    changes = (left > 0) != (right > 0)
    if not changes and not _dips(values, cell):
        return 0
    _cell_polynomial(values, cell, matrix, polynomial)
    if changes and _rises(polynomial, 1.0 if right > 0 else -1.0):
        roots[0] = _bracketed_root(polynomial, -1.0, 1.0, left, right)
        return 1
    if not changes and _keeps_sign(polynomial, 1.0 if left > 0 else -1.0):
        return 0
    return _search(polynomial, roots)


@njit(cache=True, nogil=True)
def isolate(
    values: NDArray[np.float64],
    step: float,
    lower: float,
    upper: float,
    matrix: NDArray[np.float64],
    found: NDArray[np.float64],
) -> int:  # pragma: no cover - jitted
    """Offsets u ∈ [lower, upper) of the roots, ascending, into `found`; returns how many.

    values: (2·reach+1,) samples at u = j·step, |j| ≤ reach; matrix: interpolation.CELL_MATRIX.
    Stops where `found` is full; the count is then wrong, which Turing's check reports.
    """
    if matrix.shape != (WIDTH, DEGREE + 1):
        raise ValueError("the cell matrix has another shape than the kernel was compiled for")
    reach = values.size // 2
    polynomial = np.empty(DEGREE + 1)
    roots = np.empty(2 * _PARTS)
    count = 0
    first = max(math.floor(lower / step) + reach - 1, WIDTH // 2)
    stop = min(math.ceil(upper / step) + reach + 1, 2 * reach - WIDTH // 2)
    for cell in range(first, stop):
        for k in range(_cell_roots(values, cell, matrix, polynomial, roots)):
            u = (cell - reach + 0.5 * (roots[k] + 1)) * step
            if lower <= u < upper and count < found.size:
                found[count] = u
                count += 1
    return count
