"""The weighted sum of loss terms."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.errors import UserError
from zeta_exp.losses.base import LossTerm
from zeta_exp.losses.gue_mmd import GueMaximumMeanDiscrepancy
from zeta_exp.losses.gue_nll import GueMatchedLikelihood, GueNegativeLogLikelihood
from zeta_exp.losses.mse import MeanSquaredError
from zeta_exp.losses.reference import make_law
from zeta_exp.losses.rg import RG_FORMS, SCALES, check_scales
from zeta_exp.losses.spacing import SPACINGS
from zeta_exp.models import Model
from zeta_exp.target import Residuals

NO_ZEROS_NEEDED = {"reference": "surmise"}  # also what runs begun before there was a choice had
Statistics = dict[str, Tensor]  # the name of a term to its sums (S,), or (2, S) of two halves


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

    def measured_on(self, start: int) -> list[str]:
        """Names of active terms whose reference is the law of the training zeros from `start`."""
        return [name for name in self.active if self.terms[name].needs_zeros(start)]

    def margin(self, names: Iterable[str] | None = None) -> int:
        """Ordinals beyond a block whose outputs the named terms (all by default) need."""
        return max(self.terms[name].margin for name in (names or self.terms))

    @property
    def view_nodes(self) -> float:
        """Nodes that the active terms compute beside each node of a batch."""
        return sum(self.terms[name].view_nodes for name in self.active)

    def calibrate(self, residuals: Residuals, start: int, stop: int) -> None:
        """Tells every term the training zeros [start, stop), some of whose law it may compare with.

        Raises `UserError` where a reference has no law at their height.
        """
        for term in self.terms.values():
            term.calibrate(residuals, start, stop)

    def prepare(self, batch: Batch, model: Model) -> None:
        """Makes what the active terms read beside the batch itself, once and for all passes."""
        for name in self.active:
            self.terms[name].prepare(batch, model)

    def statistics(
        self, batch: Batch, output: Tensor, model: Model, names: Iterable[str] | None = None
    ) -> Statistics:
        """Sums of the named terms (all by default) over what the batch owns.

        (2, S), a row a half, for a term that is no mean and a batch with halves.
        """
        chosen = self.terms if names is None else names
        return {name: _sums(self.terms[name], batch, output, model) for name in chosen}

    def values(self, statistics: Statistics) -> Statistics:
        """The unweighted value of each term; none of a term, or half, that measured nothing."""
        found = {}
        for name, total in statistics.items():
            term, parts = self.terms[name], total.view(-1, total.shape[-1]).unbind()
            if all(term.count(part) > 0 for part in parts):
                found[name] = term.value(total) if len(parts) == 1 else term.value_of_halves(*parts)
        return found

    def slopes(self, statistics: Statistics) -> Statistics:
        """∂L/∂T of the total of each active term that measured something."""
        found = {}
        for name in self.active:
            if name not in statistics:
                continue
            term, total = self.terms[name], statistics[name]
            if total.dim() == 1 and term.count(total) > 0:
                found[name] = self.weights[name] * term.slope(total)
            elif total.dim() > 1 and all(term.count(part) > 0 for part in total):
                leaf = total.detach().requires_grad_()
                value = self.weights[name] * term.value_of_halves(*leaf.unbind())
                (found[name],) = torch.autograd.grad(value, leaf)
        return found

    def total(self, values: Mapping[str, Any]) -> Any:
        """Σ λ_i·L_i over the active terms among the values, tensors or numbers."""
        return sum(self.weights[name] * values[name] for name in self.active if name in values)


def _sums(term: LossTerm, batch: Batch, output: Tensor, model: Model) -> Tensor:
    """The statistics of one term, of each half where it needs them."""
    if batch.half is None or term.value_is_mean:
        return term.statistics(batch, output, model)
    halves = (batch.of_half(first) for first in (True, False))
    return torch.stack([term.statistics(half, output, model) for half in halves])


def add_statistics(left: Statistics | None, right: Statistics) -> Statistics:
    """The sum of two blocks' statistics."""
    if left is None:
        return right
    return {name: left[name] + right[name] for name in right}


def make_loss(
    weights: Mapping[str, float],
    spacing: str,
    rg: Mapping[str, Any],
    gue_mmd: Mapping[str, Any] = NO_ZEROS_NEEDED,
    gue_nll_matched: Mapping[str, Any] = NO_ZEROS_NEEDED,
) -> WeightedLoss:
    """The terms mse, gue_nll, gue_nll_matched, gue_mmd and rg.

    spacing: smooth | mean, the unfolding of predicted gaps; rg.form: block_spin | dilation | local,
    rg.scales: the levels b of the first and the last, ordinals a cell; reference: surmise, gaudin,
    or finite_height, which needs `calibrate`; windows: how many consecutive gaps are summed;
    calibrated: with what the prediction leaves unexplained.
    """
    if spacing not in SPACINGS:
        raise UserError(f"loss.spacing={spacing} is unknown; known: {', '.join(sorted(SPACINGS))}")
    form = rg["form"]
    if form not in RG_FORMS:
        raise UserError(f"loss.rg.form={form} is unknown; known: {', '.join(sorted(RG_FORMS))}")
    scales = rg.get("scales", SCALES)
    check_scales(scales)
    unfold = SPACINGS[spacing]
    terms: list[LossTerm] = [
        MeanSquaredError(),
        GueNegativeLogLikelihood(unfold),
        GueMatchedLikelihood(
            unfold, make_law(gue_nll_matched["reference"], GueMatchedLikelihood.name)
        ),
        GueMaximumMeanDiscrepancy(
            unfold,
            make_law(gue_mmd["reference"], GueMaximumMeanDiscrepancy.name),
            gue_mmd.get("windows", (1,)),
            bool(gue_mmd.get("calibrated", False)),
        ),
        RG_FORMS[form](scales),
    ]
    return WeightedLoss(terms, weights)
