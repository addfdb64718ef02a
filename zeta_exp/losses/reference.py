"""The laws that predicted spacings are compared with: of the GUE, or of the zeros at their height.

At any height that can be computed zeros are not yet GUE: the variance of a gap is 0.159 at n = 10^4
and 0.173 at 10^9, against 0.180, and that of eight gaps 0.18 and 0.31, against 0.39.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.target import Residuals
from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.gue import cue_law, gaudin_law, surmise_characteristic, surmise_expectation
from zeta_exp.theory.gue.quadrature import Function
from zeta_exp.zeros.cache import aligned_pieces

WINDOWS = (1, 2, 5, 8)
MEASURED_BELOW = 10**9  # from here on a matrix of the effective size is nearer than the GUE is
MOST_PIECES = 64  # of 2^16 gaps, spread over the training range: sampling term 1e-7
READ = 1 << 14  # gaps at once: 8 MiB of phases
# of N_eff = log(t/2π)/√(12Λ); Bogomolny, Bohigas, Leboeuf and Monastra, J. Phys. A 39 (2006) 10743
LAMBDA = 1.57314


class Law(ABC):
    """The law of the sum w of m consecutive spacings, mean m."""

    name: str
    of_zeros = False  # unknown before `calibrate` has told the zeros

    @abstractmethod
    def expectation(self, function: Function, m: int) -> NDArray[Any]:
        """E f(w), (...) of f: (Q,) to (..., Q)."""

    def characteristic(self, omega: NDArray[np.float64], m: int) -> NDArray[np.complex128]:
        """E exp(iωu) of the scaled window u: omega (K,) to (K,)."""

        def phases(w: NDArray[np.float64]) -> NDArray[np.complex128]:
            return np.exp(1j * np.multiply.outer(omega, scaled(w, m)))

        return np.asarray(self.expectation(phases, m), dtype=np.complex128)

    def check(self, m: int) -> None:  # noqa: B027
        """Raises `UserError` for a window that the law does not know."""

    def calibrate(self, residuals: Residuals, start: int, stop: int) -> None:  # noqa: B027
        """Learns the law from the training zeros [start, stop); most laws need none."""


def window_scale(m: int) -> float:
    """√(v_1/v_m) of the GUE's variances: one kernel sees all windows, whatever the reference."""
    return 1.0 if m == 1 else math.sqrt(gaudin_law().variance / gaudin_law(m).variance)


def scaled(w: Any, m: int) -> Any:
    """u = 1 + (w − m)·√(v_1/v_m): mean and variance of one gap, for the GUE; w itself for m = 1.

    w: array or tensor of any shape.
    """
    return w if m == 1 else 1 + (w - m) * window_scale(m)


class Surmise(Law):
    """Wigner's surmise: of one gap, in closed form, within 0.0017 of the true distribution."""

    name = "surmise"

    def expectation(self, function: Function, m: int) -> NDArray[Any]:
        """By quadrature, to 1e-14."""
        self.check(m)
        return surmise_expectation(function)

    def characteristic(self, omega: NDArray[np.float64], m: int) -> NDArray[np.complex128]:
        """In closed form."""
        self.check(m)
        return surmise_characteristic(omega)

    def check(self, m: int) -> None:
        """Knows single gaps only."""
        if m > 1:
            raise UserError(
                f"reference=surmise knows single gaps, and loss.gue_mmd.windows asks for sums of "
                f"{m}: use loss.gue_mmd.reference=gaudin or finite_height"
            )


class Gaudin(Law):
    """The limit of large unitary matrices, by Bornemann's quadrature, to 1e-12."""

    name = "gaudin"

    def expectation(self, function: Function, m: int) -> NDArray[Any]:
        """By quadrature."""
        return gaudin_law(m).expectation(function)


class Measured(Law):
    """The windows of the zeros [start, stop), read piece by piece, a bounded number of them."""

    def __init__(self, residuals: Residuals, start: int, stop: int) -> None:
        self._residuals, self._start, self._stop = residuals, start, stop

    def expectation(self, function: Function, m: int) -> NDArray[Any]:
        """The mean over the windows."""
        total, count = np.zeros(()), 0
        for w in self._windows(m):
            total = total + function(w).sum(axis=-1)
            count += w.size
        return np.asarray(total / count)

    def _windows(self, m: int) -> Iterator[NDArray[np.float64]]:
        """Sums of m consecutive gaps between zeros of the range, (≤ READ,) each."""
        pieces = aligned_pieces(self._start, self._stop - m)
        chosen = np.linspace(0, len(pieces) - 1, min(len(pieces), MOST_PIECES)).round()
        for begin, end in (pieces[int(place)] for place in chosen):
            residual = self._residuals(begin, end + m)
            window = m + residual[m:] - residual[:-m]
            yield from np.split(window, range(READ, window.size, READ))


class EffectiveCue(Law):
    """Matrices of a size between two whole ones: of the two laws, linear in 1/size²."""

    def __init__(self, size: float) -> None:
        below = math.floor(size)
        self._sizes = below, below + 1
        inverse = [1 / n**2 for n in (*self._sizes, size)]
        share = (inverse[2] - inverse[1]) / (inverse[0] - inverse[1])
        self._shares = share, 1 - share

    def expectation(self, function: Function, m: int) -> NDArray[Any]:
        """By quadrature."""
        parts = zip(self._shares, self._sizes, strict=True)
        return np.asarray(sum(share * cue_law(n, m).expectation(function) for share, n in parts))


class FiniteHeight(Law):
    """The law at the height of the training zeros.

    Measured on them below n = 10^9.  Above, where primes matter less, single gaps of matrices of
    N_eff = log(t/2π)/√(12·1.57314) levels.  Longer windows it has none for there: their variance
    is the primes' doing, and N_eff is further from the zeros than the GUE is (m = 2, n = 10^9:
    0.204 against 0.229 of the zeros and 0.249 of the GUE).
    """

    name = "finite_height"
    of_zeros = True

    def __init__(self) -> None:
        self._law: Law | None = None

    def calibrate(self, residuals: Residuals, start: int, stop: int) -> None:
        """Measures the zeros [start, stop), or takes the size of a matrix from their height."""
        if start < MEASURED_BELOW:
            self._law = Measured(residuals, start, stop)
        else:
            self._law = EffectiveCue(effective_size((start + stop) // 2))

    def expectation(self, function: Function, m: int) -> NDArray[Any]:
        """Of the measured or the effective law."""
        if self._law is None:
            raise ValueError("the law at a height is not known before `calibrate`")
        if m > 1 and isinstance(self._law, EffectiveCue):
            raise UserError(
                f"reference=finite_height has no law for sums of {m} gaps from n = 10^9 on, where "
                "it is that of a small matrix: use loss.gue_mmd.windows=[1] or "
                "loss.gue_mmd.reference=gaudin"
            )
        return self._law.expectation(function, m)


def effective_size(n: int) -> float:
    """N_eff = log(t̂_n/2π)/√(12Λ): levels of the unitary matrix with the gaps of zeros near n."""
    return math.log(float(smooth_height(n)) / (2 * math.pi)) / math.sqrt(12 * LAMBDA)


LAWS: dict[str, Callable[[], Law]] = {law.name: law for law in (Surmise, Gaudin, FiniteHeight)}


def make_law(name: str, term: str) -> Law:
    """The law called `name`, for a term."""
    if name not in LAWS:
        known = ", ".join(sorted(LAWS))
        raise UserError(f"loss.{term}.reference={name} is unknown; known: {known}")
    return LAWS[name]()
