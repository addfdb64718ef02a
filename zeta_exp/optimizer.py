"""The optimiser with its schedule and gradient clipping: one recipe, one object."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from zeta_exp.errors import UserError


@dataclass(frozen=True)
class AdamWOneCycle:
    """AdamW (Loshchilov & Hutter 2019) with the one-cycle schedule (Smith & Topin 2019)."""

    lr: float  # peak learning rate
    weight_decay: float
    clip: float  # largest Euclidean norm of the gradient
    pct_start: float  # share of the budget in which the learning rate rises

    def __post_init__(self) -> None:
        for key, value, valid in (
            ("lr", self.lr, self.lr > 0),
            ("weight_decay", self.weight_decay, self.weight_decay >= 0),
            ("clip", self.clip, self.clip > 0),
            ("pct_start", self.pct_start, 0 < self.pct_start < 1),
        ):
            if not (valid and math.isfinite(value)):
                raise UserError(f"optimizer.{key}={value} is out of range: see conf/optimizer")

    def start(self, model: nn.Module, total: int) -> "Optimisation":
        """The optimiser before its first update; total: the budget, in its own units."""
        return Optimisation(self, model, total)


class Optimisation:
    """The state of an optimiser in a run: the moments and how much of the budget is spent.

    The learning rate is a function of the share spent alone, in whatever units the budget counts.
    """

    def __init__(self, recipe: AdamWOneCycle, model: nn.Module, total: int) -> None:
        self._model = model
        self._clip = recipe.clip
        self._total = total
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True
        )
        self._schedule = OneCycleLR(
            self._optimizer,
            recipe.lr,
            total_steps=total + 1,
            # torch divides by pct_start·total_steps − 1: keep that positive in the shortest runs
            pct_start=max(recipe.pct_start, 2 / (total + 1)),
        )

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        return float(self._optimizer.param_groups[0]["lr"])

    def update(self, spent: float | None = None) -> None:
        """One update from the accumulated gradient.

        spent: of the budget, this update included; None for one unit more than before.
        """
        nn.utils.clip_grad_norm_(self._model.parameters(), self._clip)
        self._optimizer.step()
        if spent is not None:
            self._place(spent)
        self._schedule.step()

    def _place(self, spent: float) -> None:
        """Where the schedule goes with its next step; that is all the state that it has."""
        self._schedule.last_epoch = spent - 1  # type: ignore[assignment]  # torch only computes

    def moments(self) -> dict[int, dict[str, Any]]:
        """Tensors of the optimiser by the index of the parameter."""
        return dict(self._optimizer.state_dict()["state"])

    def restore(self, moments: dict[int, dict[str, Any]], spent: float) -> None:
        """Continues with the given moments where that much of the budget is spent."""
        if spent > self._total:
            raise UserError(
                f"the run has made {spent:g} updates and the budget is {self._total}: "
                "give a budget that is no smaller (budget.epochs or budget.updates)"
            )
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self._place(spent)
        with warnings.catch_warnings():  # that this step of the schedule follows no update
            warnings.simplefilter("ignore")
            self._schedule.step()
