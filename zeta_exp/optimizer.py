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
    pct_start: float  # share of the updates in which the learning rate rises

    def __post_init__(self) -> None:
        for key, value, valid in (
            ("lr", self.lr, self.lr > 0),
            ("weight_decay", self.weight_decay, self.weight_decay >= 0),
            ("clip", self.clip, self.clip > 0),
            ("pct_start", self.pct_start, 0 < self.pct_start < 1),
        ):
            if not (valid and math.isfinite(value)):
                raise UserError(f"optimizer.{key}={value} is out of range: see conf/optimizer")

    def start(self, model: nn.Module, total_updates: int) -> "Optimisation":
        """The optimiser at update 0 of `total_updates`."""
        return Optimisation(self, model, total_updates)


class Optimisation:
    """The state of an optimiser in a run: the moments and the number of updates made.

    The learning rate is a function of updates/total_updates alone.
    """

    def __init__(self, recipe: AdamWOneCycle, model: nn.Module, total_updates: int) -> None:
        self._model = model
        self._clip = recipe.clip
        self._total_updates = total_updates
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True
        )
        self._schedule = OneCycleLR(
            self._optimizer,
            recipe.lr,
            total_steps=total_updates + 1,
            # torch divides by pct_start·total_steps − 1: keep that positive in the shortest runs
            pct_start=max(recipe.pct_start, 2 / (total_updates + 1)),
        )

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        return float(self._optimizer.param_groups[0]["lr"])

    def update(self) -> None:
        """One update from the accumulated gradient."""
        nn.utils.clip_grad_norm_(self._model.parameters(), self._clip)
        self._optimizer.step()
        self._schedule.step()

    def moments(self) -> dict[int, dict[str, Any]]:
        """Tensors of the optimiser by the index of the parameter."""
        return dict(self._optimizer.state_dict()["state"])

    def restore(self, moments: dict[int, dict[str, Any]], updates: int) -> None:
        """Continues after `updates` updates with the given moments."""
        if updates > self._total_updates:
            raise UserError(
                f"the run has made {updates} updates and the budget is {self._total_updates}: "
                "give budget.epochs that is no smaller"
            )
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self._schedule.last_epoch = updates - 1  # all the state that the schedule has
        with warnings.catch_warnings():  # that this step of the schedule follows no update
            warnings.simplefilter("ignore")
            self._schedule.step()
