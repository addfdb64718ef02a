"""What the network's output means: the residual δ_n, or the ordinate γ_n itself."""

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeta_exp.errors import UserError
from zeta_exp.labels import EVERY_ZERO, Labels
from zeta_exp.split import Split
from zeta_exp.theory.counting import LOWEST_HEIGHT, rebuild, smooth_count, smooth_height
from zeta_exp.zeros.cache import aligned_pieces
from zeta_exp.zeros.stretch import COARSE_FROM

REQUEST_GAP = 64  # ordinals not asked for that one request may span: cheaper than a second request
KEPT_TARGETS = 2**20  # 4 MiB of float32

Residuals = Callable[[int, int], NDArray[np.float64]]  # (start, stop) -> δ (stop − start,)


class Target(Protocol):
    """The quantity that is learnt, and the way back to the residual."""

    name: str

    def encode(self, n: NDArray[np.int64], residual: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the output should be for ordinals n (B,) with residuals δ (B,)."""
        ...

    def residual(self, ordinals: Tensor, output: Tensor) -> Tensor:
        """Predicted residual δ̂_n in mean spacings; both (…)."""
        ...


class ResidualTarget:
    """The output is δ_n, of order 0.3 at any height: no large number meets float32."""

    name = "residual"

    def encode(self, n: NDArray[np.int64], residual: NDArray[np.float64]) -> NDArray[np.float64]:
        """δ_n itself."""
        return residual

    def residual(self, ordinals: Tensor, output: Tensor) -> Tensor:
        """The output itself."""
        return output


class OrdinateTarget:
    """The published scripts' target: the output is γ_n, in units of the last training height.

    The output is float32, which resolves 2^−24 of that height: .01 mean spacings at n = 10^5, 6 at
    10^8.  So it is the residual that is to be learnt there; from 10^10 on it has to be.
    """

    name = "ordinate"

    def __init__(self, split: Split) -> None:
        if split.extrapolation[1] > COARSE_FROM:
            raise UserError(
                f"target=ordinate has no digits left for zeros beyond the {COARSE_FROM}th, and the "
                f"run goes to {split.extrapolation[1] - 1}: use target=residual"
            )
        self.unit = float(smooth_height(split.train[1]))

    def encode(self, n: NDArray[np.int64], residual: NDArray[np.float64]) -> NDArray[np.float64]:
        """γ_n / unit."""
        return rebuild(n, residual) / self.unit

    def height(self, output: Tensor) -> Tensor:
        """Predicted ordinate γ̂, float64, kept above the height where N̄ turns."""
        return (output.double() * self.unit).clamp(min=LOWEST_HEIGHT)

    def residual(self, ordinals: Tensor, output: Tensor) -> Tensor:
        """δ̂_n = N̄(γ̂_n) − (n − ½), float64."""
        return smooth_count(self.height(output)) - (ordinals.double() - 0.5)


def make_target(name: str, split: Split) -> Target:
    """The target called `name`."""
    if name == "residual":
        return ResidualTarget()
    if name == "ordinate":
        return OrdinateTarget(split)
    raise UserError(f"target={name} is unknown; known: ordinate, residual")


class Truth:
    """Encoded targets of the ordinals [start, stop), made as they are asked for; zero elsewhere.

    Of up to `KEPT_TARGETS` ordinals those once made are kept; of more ordinals none are.  May be
    called from several threads.

    labels: zeros without a label have the target 0, whatever their residual is.
    """

    def __init__(
        self,
        target: Target,
        residuals: Residuals,
        start: int,
        stop: int,
        labels: Labels = EVERY_ZERO,
    ) -> None:
        self._target, self._residuals, self.labels = target, residuals, labels
        self._start, self._stop = start, stop
        count = stop - start if stop - start <= KEPT_TARGETS else 0
        self._kept = np.zeros(count + 1, np.float32)  # and a zero for all that is outside
        self._known = np.arange(count + 1) == count
        self._filling = threading.Lock()

    def __call__(self, ordinals: NDArray[np.int64]) -> Tensor:
        """Targets of ordinals (…), float32 (…); fast where they come in ascending runs."""
        outside = len(self._kept) - 1
        place = ordinals - self._start
        place[(place < 0) | (place > outside)] = outside
        if self._known[place].all() and outside:
            return torch.from_numpy(self._kept[place])
        values = self._made(ordinals.ravel()).reshape(ordinals.shape)
        if outside:
            with self._filling:
                self._kept[place] = values
                self._known[place] = True
        return torch.from_numpy(values)

    def known(self, ordinals: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the ordinals (…) have a target: labelled ones of [start, stop)."""
        inside = (ordinals >= self._start) & (ordinals < self._stop)
        return inside if self.labels.whole else inside & self.labels.known(ordinals)

    def _made(self, n: NDArray[np.int64]) -> NDArray[np.float32]:
        """Targets of ordinals (B,) in ascending runs."""
        values = np.zeros(n.size, dtype=np.float32)
        step = np.diff(n)
        cuts = np.flatnonzero((step < 0) | (step > REQUEST_GAP)) + 1
        for begin, end in pairwise([0, *cuts.tolist(), n.size]):
            if begin < end:
                self._fill(values[begin:end], n[begin:end])
        return values

    def _fill(self, values: NDArray[np.float32], n: NDArray[np.int64]) -> None:
        """Writes the targets of ascending ordinals n (B,) into values (B,), zeros so far."""
        low, high = max(int(n[0]), self._start), min(int(n[-1]) + 1, self._stop)
        if low >= high:
            return
        for first, last in aligned_pieces(low, high):
            begin, end = np.searchsorted(n, (first, last))
            if begin == end:
                continue
            asked = n[begin:end]
            residual = self._residuals(first, last)[asked - first]
            encoded = self._target.encode(asked, residual)
            values[begin:end] = encoded if self.labels.whole else self._shown(asked, encoded)

    def _shown(self, n: NDArray[np.int64], encoded: NDArray[np.float64]) -> NDArray[np.float64]:
        """The targets of labelled ordinals, and 0 of the others."""
        return np.where(self.labels.known(n), encoded, 0.0)
