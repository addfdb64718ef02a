"""Negative log-likelihood of the predicted spacings under the GUE."""

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from zeta_exp.batch import Batch
from zeta_exp.losses.base import MeanTerm
from zeta_exp.losses.spacing import WHOLE_LINE_SPACINGS, Spacing
from zeta_exp.models import Model

SOFTNESS = 0.05  # mean spacings: below this a spacing counts as a crossing, smoothly


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
        spacing, counted = self._spacing(batch, output)
        s = spacing.double()
        scaled = s / SOFTNESS
        positive = SOFTNESS * softplus(scaled)
        # softplus underflows to 0 for crossings beyond 37 mean spacings; its log there is s/τ
        log_positive = torch.where(
            s > -SOFTNESS * 30,
            positive.clamp(min=1e-300).log(),
            math.log(SOFTNESS) + scaled,
        )
        nll = -math.log(32 / math.pi**2) - 2 * log_positive + 4 / math.pi * s.square()
        return torch.stack([(nll * counted).sum(), counted.sum().double()])
