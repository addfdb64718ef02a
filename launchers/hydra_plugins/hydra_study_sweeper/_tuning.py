"""The search of a cell: one grid after another, each at the best values so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ._plan import TUNING, Cell, Composer, Run
from .config import Step, StudyConf

ZERO_WON = "zero_was_best"


@dataclass(eq=False)  # a search is itself alone
class Search:
    """What is chosen for a cell, and what is still to be tried."""

    study: StudyConf
    cell: Cell
    chosen: dict[str, Any] = field(default_factory=dict)
    zero_won: bool | None = None  # of the factor's grid, None where it has none

    def steps(self) -> list[Step]:
        """The grids of this cell, in their order."""
        return [
            step
            for step in self.study.tuning.steps
            if (step.arms is None or self.cell.arm in step.arms)
            and (step.losses is None or self.cell.loss in step.losses)
        ]

    def trials(self, composer: Composer, index: int) -> list[Run]:
        """The runs of the grid `index`; none where the cell has fewer grids."""
        steps = self.steps()
        if index >= len(steps):
            return []
        tuning = self.study.tuning
        fixed = {
            **self.chosen,
            **composer.budget(self.cell, tuning.share),
            "seed": tuning.seed,
            "start": tuning.start,
        }
        key = steps[index].key
        return [
            composer.run(TUNING, self.cell, {**fixed, key: value}) for value in steps[index].values
        ]

    def choose(self, index: int, errors: Sequence[float]) -> bool:
        """Keeps the value of the least validation error; False where no trial has one.

        errors: of the grid's values in order, NaN for a trial that failed.  Of the factor the best
        value that is not 0 is kept, for the arm with it has to have it; whether 0 was better is
        remembered.
        """
        step = self.steps()[index]
        found = [(error, place) for place, error in enumerate(errors) if math.isfinite(error)]
        if step.key == self.study.factor and found:
            self.zero_won = not step.values[min(found)[1]]
            found = [(error, place) for error, place in found if step.values[place]]
        if not found:
            return False
        self.chosen[step.key] = step.values[min(found)[1]]
        return True

    def record(self) -> dict[str, Any]:
        """What study.json says of it."""
        won = {} if self.zero_won is None else {ZERO_WON: self.zero_won}
        return {**self.chosen, **won}
