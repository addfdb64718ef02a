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

LANES = 16  # cells treated side by side, so that the compiler can use vector instructions
_LANE_STEPS = 5  # of Newton's method from the secant: nearly every simple root has converged
_PARTS = 64  # of a cell that no bound decides
_CONVERGED = 3e-12  # in y; a Newton step this small leaves an error of rounding only
_DIP = 0.3  # a parabola dips below its ends by at most ⅛ of the second difference


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
    polynomial: NDArray[np.float64], left: float, right: float, roots: NDArray[np.float64]
) -> int:  # pragma: no cover - jitted
    """All roots on the cell, ascending, into roots (2·_PARTS,); returns how many.

    left, right: the samples at its ends.  Their signs decide there, so that a root at the edge of
    two cells, where polynomials differ by rounding, is found once.
    """
    values, slopes = np.empty(_PARTS + 1), np.empty(_PARTS + 1)
    for part in range(_PARTS + 1):  # the loop inside is unrolled, so this one becomes vectors
        y = -1.0 + part * (2.0 / _PARTS)
        value, slope = polynomial[DEGREE], 0.0
        for d in range(DEGREE - 1, -1, -1):
            slope = slope * y + value
            value = value * y + polynomial[d]
        values[part], slopes[part] = value, slope
    values[0], values[_PARTS] = left, right
    count = 0
    for part in range(_PARTS):
        low, high = -1.0 + part * (2.0 / _PARTS), -1.0 + (part + 1) * (2.0 / _PARTS)
        at_low, at_high = values[part], values[part + 1]
        sign = 1.0 if at_high > 0 else -1.0
        if (at_high > 0) != (at_low > 0):
            roots[count] = _bracketed_root(polynomial, low, high, at_low, at_high)
            count += 1
        elif sign * slopes[part] < 0 and sign * slopes[part + 1] > 0:
            between = _crossing(polynomial, low, high, sign)
            if between < 1.5:
                value, _ = _evaluate(polynomial, between)
                roots[count] = _bracketed_root(polynomial, low, between, at_low, value)
                roots[count + 1] = _bracketed_root(polynomial, between, high, value, at_high)
                count += 2
    return count


@njit(cache=True, nogil=True)
def _candidates(
    values: NDArray[np.float64], first: int, stop: int, cells: NDArray[np.int64]
) -> int:  # pragma: no cover - jitted
    """Cells of [first, stop) that may hold a root, into `cells`; returns how many."""
    count = 0
    for cell in range(first, stop):
        if (values[cell] > 0) != (values[cell + 1] > 0) or _dips(values, cell):
            cells[count] = cell
            count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _lane_polynomials(
    values: NDArray[np.float64],
    cells: NDArray[np.int64],
    matrix: NDArray[np.float64],
    lanes: NDArray[np.float64],
) -> None:  # pragma: no cover - jitted
    """Fill the coefficients (DEGREE+1, LANES) of the cells (≤ LANES,) side by side."""
    samples = np.zeros((WIDTH, LANES))
    for k in range(WIDTH):
        for i in range(cells.size):
            samples[k, i] = values[cells[i] - (WIDTH // 2 - 1) + k]
    for d in range(DEGREE + 1):
        for i in range(LANES):  # the loop inside is unrolled, so this one becomes vectors
            total = 0.0
            for k in range(WIDTH):
                total += matrix[k, d] * samples[k, i]
            lanes[d, i] = total


@njit(cache=True, nogil=True, error_model="numpy")
def _lane_newton(
    lanes: NDArray[np.float64],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    y: NDArray[np.float64],
    moved: NDArray[np.float64],
) -> None:  # pragma: no cover - jitted
    """Newton's method from the secant in every lane, a fixed number of steps.

    left, right: values at the cells' ends; y: the iterates, kept in [−1, 1]; moved: |last step|.
    """
    for i in range(LANES):
        y[i] = (left[i] + right[i]) / (left[i] - right[i])
    for _ in range(_LANE_STEPS):
        for i in range(LANES):
            value, slope = lanes[DEGREE, i], 0.0
            for d in range(DEGREE - 1, -1, -1):
                slope = slope * y[i] + value
                value = value * y[i] + lanes[d, i]
            proposal = min(max(y[i] - value / slope, -1.0), 1.0)
            moved[i] = abs(proposal - y[i])
            y[i] = proposal


@njit(cache=True, nogil=True, error_model="numpy")
def _lane_margins(
    lanes: NDArray[np.float64], right: NDArray[np.float64], margins: NDArray[np.float64]
) -> None:  # pragma: no cover - jitted
    """How far `_rises` is proven in every lane, toward the sign of `right`: > 0 where it is."""
    for i in range(LANES):
        sign = 1.0 if right[i] > 0 else -1.0
        linear, square = 2 * sign * lanes[2, i], 3 * sign * lanes[3, i]
        higher = 0.0
        for d in range(4, DEGREE + 1):
            higher += d * abs(lanes[d, i])
        dip = linear * linear / (4 * square)  # inside the cell only if the parabola turns there
        turns = square > 0 and abs(linear) < 2 * square
        margins[i] = sign * lanes[1, i] - higher - (dip if turns else abs(linear) - square)


@njit(cache=True, nogil=True)
def _cell_roots(
    polynomial: NDArray[np.float64], left: float, right: float, roots: NDArray[np.float64]
) -> int:  # pragma: no cover - jitted
    """Roots of one cell, in y, into `roots`; returns how many.  left, right: values at its ends."""
    changes = (left > 0) != (right > 0)
    if changes and _rises(polynomial, 1.0 if right > 0 else -1.0):
        roots[0] = _bracketed_root(polynomial, -1.0, 1.0, left, right)
        return 1
    if not changes and _keeps_sign(polynomial, 1.0 if left > 0 else -1.0):
        return 0
    return _search(polynomial, left, right, roots)


@njit(cache=True, nogil=True, error_model="numpy")
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
    first = max(math.floor(lower / step) + reach - 1, WIDTH // 2)
    stop = min(math.ceil(upper / step) + reach + 1, 2 * reach - WIDTH // 2)
    cells = np.empty(max(stop - first, 0), dtype=np.int64)
    cells = cells[: _candidates(values, first, stop, cells)]
    lanes = np.empty((DEGREE + 1, LANES))
    left, right = np.ones(LANES), -np.ones(LANES)
    y, moved, margins = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    roots = np.empty(2 * _PARTS)
    count = 0
    for batch in range(0, cells.size, LANES):
        members = cells[batch : batch + LANES]
        for i in range(members.size):
            left[i], right[i] = values[members[i]], values[members[i] + 1]
        _lane_polynomials(values, members, matrix, lanes)
        _lane_newton(lanes, left, right, y, moved)
        _lane_margins(lanes, right, margins)
        for i in range(members.size):
            changes = (left[i] > 0) != (right[i] > 0)
            if changes and margins[i] > 0 and moved[i] < _CONVERGED and abs(y[i]) < 1.0:
                number, roots[0] = 1, y[i]
            else:
                number = _cell_roots(lanes[:, i].copy(), left[i], right[i], roots)
            for k in range(number):
                u = (members[i] - reach) * step + 0.5 * (roots[k] + 1) * step
                if lower <= u < upper and count < found.size:
                    found[count] = u
                    count += 1
    return count
