"""The weighted sum of loss terms."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.errors import UserError
from zeta_exp.losses.base import LossTerm
from zeta_exp.losses.gue_mmd import GueMaximumMeanDiscrepancy
from zeta_exp.losses.gue_nll import GueNegativeLogLikelihood
from zeta_exp.losses.mse import MeanSquaredError
from zeta_exp.losses.rg import RG_FORMS
from zeta_exp.losses.spacing import SPACINGS
from zeta_exp.models import Model

Statistics = dict[str, Tensor]  # the name of a term to its sums (S,)


class WeightedLoss:
    """Σ λ_i·L_i over terms named in `weights`; terms of weight 0 are measured, not trained."""

    def __init__(self, terms: Iterable[LossTerm], weights: Mapping[str, float]) -> None:
        self.terms = {term.name: term for term in terms}
        for name, weight in weights.items():
            if name not in self.terms:
                known = ", ".join(sorted(self.terms))
                raise UserError(f"loss weight '{name}' is unknown; known: {known}")
            if not (math.isfinite(weight) and weight >= 0):
                raise UserError(f"loss.weights.{name}={weight} must be a number ≥ 0")
        if not any(weights.values()):
            raise UserError("all loss weights are zero: give at least one of loss.weights.* > 0")
        self.weights = {name: float(weights.get(name, 0.0)) for name in self.terms}

    @property
    def active(self) -> list[str]:
        """Names of the terms that train."""
        return [name for name, weight in self.weights.items() if weight > 0]

    @property
    def whole_line_terms(self) -> list[str]:
        """Names of active terms that no mini-batch can compute."""
        return [name for name in self.active if self.terms[name].needs_whole_line]

    def margin(self, names: Iterable[str] | None = None) -> int:
        """Ordinals beyond a block whose outputs the named terms (all by default) need."""
        return max(self.terms[name].margin for name in (names or self.terms))

    @property
    def view_nodes(self) -> float:
        """Nodes that the active terms compute beside each node of a batch."""
        return sum(self.terms[name].view_nodes for name in self.active)

    def statistics(
        self, batch: Batch, output: Tensor, model: Model, names: Iterable[str] | None = None
    ) -> Statistics:
        """Sums of the named terms (all by default) over what the batch owns."""
        chosen = self.terms if names is None else names
        return {name: self.terms[name].statistics(batch, output, model) for name in chosen}

    def values(self, statistics: Statistics) -> Statistics:
        """The unweighted value of each term; none of a term that measured nothing."""
        return {
            name: self.terms[name].value(total)
            for name, total in statistics.items()
            if self.terms[name].count(total) > 0
        }

    def total(self, values: Mapping[str, Any]) -> Any:
        """Σ λ_i·L_i over the active terms among the values, tensors or numbers."""
        return sum(self.weights[name] * values[name] for name in self.active if name in values)


def add_statistics(left: Statistics | None, right: Statistics) -> Statistics:
    """The sum of two blocks' statistics."""
    if left is None:
        return right
    return {name: left[name] + right[name] for name in right}


def make_loss(weights: Mapping[str, float], spacing: str, rg: Mapping[str, str]) -> WeightedLoss:
    """The four terms mse, gue_nll, gue_mmd and rg.

    spacing: smooth | mean, the unfolding of predicted gaps; rg.form: block_spin | dilation | local.
    """
    if spacing not in SPACINGS:
        raise UserError(f"loss.spacing={spacing} is unknown; known: {', '.join(sorted(SPACINGS))}")
    form = rg["form"]
    if form not in RG_FORMS:
        raise UserError(f"loss.rg.form={form} is unknown; known: {', '.join(sorted(RG_FORMS))}")
    unfold = SPACINGS[spacing]
    terms: list[LossTerm] = [
        MeanSquaredError(),
        GueNegativeLogLikelihood(unfold),
        GueMaximumMeanDiscrepancy(unfold),
        RG_FORMS[form](),
    ]
    return WeightedLoss(terms, weights)
