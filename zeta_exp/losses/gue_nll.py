"""Negative log-likelihood of the predicted spacings under the GUE, pointwise and matched."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from zeta_exp.batch import Batch
from zeta_exp.losses.base import MeanTerm
from zeta_exp.losses.reference import MEASURED_BELOW, Law
from zeta_exp.losses.spacing import WHOLE_LINE_SPACINGS, Spacing
from zeta_exp.models import Model
from zeta_exp.target import Residuals

SOFTNESS = 0.05  # mean spacings: below this a spacing counts as a crossing, smoothly


def softened_nll(s: Tensor) -> Tensor:
    """−log(32/π²) − 2 log s⁺ + 4s²/π, s⁺ = τ·softplus(s/τ), τ = 0.05: s (…) to float64 (…)."""
    s = s.double()  # once: a graph would keep every copy
    scaled = s / SOFTNESS
    positive = SOFTNESS * softplus(scaled)
    # softplus underflows to 0 for crossings beyond 37 mean spacings; its log there is s/τ
    log_positive = torch.where(
        s > -SOFTNESS * 30,
        positive.clamp(min=1e-300).log(),
        math.log(SOFTNESS) + scaled,
    )
    return -math.log(32 / math.pi**2) - 2 * log_positive + 4 / math.pi * s.square()


class GueNegativeLogLikelihood(MeanTerm):
    """mean[−log(32/π²) − 2 log s⁺ + 4s²/π], s⁺ = τ·softplus(s/τ), τ = 0.05.

    The Wigner surmise p(s) = (32/π²) s² exp(−4s²/π), softened at s = 0 so that a crossing (s ≤ 0)
    is penalised, in the right direction, and never dropped.  A pointwise likelihood is not a
    match of distributions: its minimiser is a picket fence at the mode √π/2.
    Statistics: [Σ nll, count].
    """

    name = "gue_nll"
    margin = 1

    def __init__(self, spacing: Spacing) -> None:
        self._spacing = spacing
        self.needs_whole_line = WHOLE_LINE_SPACINGS.get(spacing, "")
        self.not_additive = self.needs_whole_line

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """[Σ nll, count], float64."""
        s, counted = self._spacing(batch, output)
        return torch.stack([(softened_nll(s) * counted).sum(), counted.sum().double()])


class GueMatchedLikelihood(GueNegativeLogLikelihood):
    """(mean nll − h)², h = E nll(s) of the reference: the likelihood of the law, not its mode.

    h = 0.52815 of the surmise, 0.53240 of Gaudin's law, 0.47 to 0.51 of the zeros at n = 10^4 to
    10^7.  For N independent spacings of the law itself its mean is Var nll/N, and the mean of the
    product of two halves' deviations is 0.  Statistics: [Σ nll, count].
    """

    name = "gue_nll_matched"
    value_is_mean = False

    def __init__(self, spacing: Spacing, law: Law) -> None:
        super().__init__(spacing)
        self._law = law
        self.level = None if law.of_zeros else self._mean_of_law()  # h

    def needs_zeros(self, start: int) -> bool:
        """Where the reference is measured on them."""
        return self._law.of_zeros and start < MEASURED_BELOW

    def calibrate(self, residuals: Residuals, start: int, stop: int) -> None:
        """Measures h on the training zeros [start, stop), where the reference is their law."""
        if self._law.of_zeros:
            self._law.calibrate(residuals, start, stop)
            self.level = self._mean_of_law()

    def _mean_of_law(self) -> float:
        def nll(s: NDArray[np.float64]) -> NDArray[np.float64]:
            return softened_nll(torch.from_numpy(s)).numpy()

        return float(self._law.expectation(nll, 1))

    def value(self, total: Tensor) -> Tensor:
        """(Σ/count − h)²."""
        return self.value_of_halves(total, total)

    def value_of_halves(self, first: Tensor, second: Tensor) -> Tensor:
        """(mean_A − h)·(mean_B − h), of either sign."""
        return self._deviation(first) * self._deviation(second)

    def _deviation(self, total: Tensor) -> Tensor:
        if self.level is None:
            raise ValueError("the reference is not known before `calibrate`")
        return super().value(total) - self.level
