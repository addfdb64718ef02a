"""Floor 6: how long a run trains, in the currency in which runs are to be equal."""

import math
from dataclasses import dataclass

from zeta_exp.errors import UserError

KINDS = ("epochs", "updates", "node_visits", "seconds")
MILLISECONDS = 1000  # the schedule counts whole units, and a second is too coarse a one


@dataclass(frozen=True)
class Budget:
    """A run ends with the first update that spends its budget, also in the midst of an epoch.

    kind=epochs: visits of the whole training range.  updates: of the optimiser.  node_visits: owned
    ordinals summed over all updates; the last update may exceed the budget by less than its own.
    seconds: spent training and validating, the one kind whose numbers depend on the machine.
    """

    epochs: int
    kind: str = "epochs"
    updates: int | None = None
    node_visits: int | None = None
    seconds: float | None = None
    patience: int | None = None  # evaluations without a better val_rmse that end a run

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"budget.kind={self.kind} is unknown; known: {', '.join(KINDS)}")
        for kind in KINDS:
            self._check(kind, getattr(self, kind))
        if self.patience is not None and self.patience < 1:
            raise UserError(
                f"budget.patience={self.patience} ends a run before it trains: use 1 or more, or "
                "null for none"
            )

    def _check(self, kind: str, amount: float | None) -> None:
        """Refuses a budget that trains nothing, is missing, or that nobody reads."""
        if amount is None:
            if kind == self.kind:
                raise UserError(f"budget.kind={kind} needs budget.{kind}: give budget.{kind}=…")
            return
        least = 1 / MILLISECONDS if kind == "seconds" else 1
        if not (amount >= least and math.isfinite(amount)):
            raise UserError(f"budget.{kind}={amount} trains nothing: use {least:g} or more")
        # a strategy brings epochs of its own, so only what was asked for is refused
        if kind not in (self.kind, "epochs"):
            raise UserError(
                f"budget.{kind}={amount} is never read with budget.kind={self.kind}: "
                f"add budget.kind={kind}, or leave it out"
            )

    @property
    def words(self) -> str:
        """60 epochs, 2,000 updates, 30 seconds; and the patience."""
        name = "zeros visited" if self.kind == "node_visits" else self.kind
        amount = f"{getattr(self, self.kind):,} {name}"
        if self.patience is None:
            return amount
        return f"{amount}, or until {self.patience} evaluations bring no better one"

    def total(self, updates_per_epoch: int) -> int:
        """The budget in the units that `spent` counts: updates, ordinals or milliseconds."""
        if self.kind == "epochs":
            return self.epochs * updates_per_epoch
        if self.kind == "seconds":
            return max(1, round(MILLISECONDS * (self.seconds or 0)))
        return int(getattr(self, self.kind))

    def spent(self, updates: int, node_visits: int, wall_s: float) -> float:
        """How much of the total a run has spent; at most all of it, where updates are not counted.

        Those two currencies can't be spent exactly: a run that has ended may have a little more.
        """
        if self.kind == "node_visits":
            return min(node_visits, self.total(0))
        if self.kind == "seconds":
            return min(MILLISECONDS * wall_s, self.total(0))
        return updates

    def exhausted(self, stale: int) -> bool:
        """Whether `stale` evaluations in a row without a better val_rmse end the run."""
        return self.patience is not None and stale >= self.patience
