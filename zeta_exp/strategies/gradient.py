"""The exact gradient of a step, in the memory of one portion of it.

A loss is L = Σ_i λ_i·v_i(T_i) with totals T_i = Σ_portions s_i(portion), so

    ∂L/∂θ = Σ_portions (∂L/∂T)·∂s(portion)/∂θ .

The first pass sums the totals, one small backward gives ∂L/∂T, the second pass back-propagates it
through one portion after the other.  The graphs of the first portions are kept between the passes
where they fit in `KEPT_BYTES`; those of the others are made again.  A single portion needs one pass
only, and so do terms that are means: for Σ/count the derivative 1/count does not depend on the
outputs, and is known once the counts have been seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.losses import WeightedLoss
from zeta_exp.losses.weighted import Statistics, add_statistics
from zeta_exp.models import Model
from zeta_exp.ranks import ALONE, Ranks
from zeta_exp.strategies.base import Step
from zeta_exp.strategies.kept import KeptGraphs


@dataclass
class Accumulation:
    """How far the gradient of a step has come: with the parameters' gradients, all of its state."""

    portions: int = 0  # done in the present pass
    sums: Statistics = field(default_factory=dict)  # of those portions
    cotangents: Statistics | None = None  # ∂L/∂T; None in the first pass
    layout: str = ""  # of the step, as `Step.layout`
    loss: float = 0.0  # once the step is done


class ExactGradient:
    """Adds the gradient of a step's loss to the parameters."""

    def __init__(self, model: Model, loss: WeightedLoss, ranks: Ranks = ALONE) -> None:
        self._model, self._loss, self._ranks = model, loss, ranks
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._means: dict[int, Statistics] = {}  # ∂L/∂T of terms that are means, by the step's key
        self._kept = KeptGraphs(self._parameters)

    def of(self, step: Step, state: Accumulation) -> Iterator[None]:
        """Works on from `state` and keeps it up to date; yields after each of several portions.

        A fresh state, or one of a step cut otherwise, begins anew.  Raises `LostRankError` where
        another process has gone.
        """
        if state.layout != step.layout:
            vars(state).update(vars(Accumulation(layout=step.layout)))
            for parameter in self._parameters:
                parameter.grad = None
        if step.portions == 1 and state.cotangents is None:
            self._at_once(step, state)
            return
        if state.cotangents is None:
            known = self._means.get(step.key, {}) if step.key is not None else {}
            names = [name for name in self._loss.active if name not in known]
            self._kept.clear()  # of a step that was left
            if state.sums and set(state.sums) != set(names):
                # begun by a process that knew the counts of means, which this one has to sum
                state.portions, state.sums = 0, {}
            yield from self._first_pass(step, state, names)
            self._end_first_pass(step, state, known)
        yield from self._second_pass(step, state)
        self._close(step, state)

    def _at_once(self, step: Step, state: Accumulation) -> None:
        """Statistics with their graph: no second forward pass."""
        (batch,) = step.batches(0)
        statistics = self._statistics(batch, self._loss.active)
        known = self._means.get(step.key, {}) if step.key is not None else {}
        state.sums = {n: self._own(step, s) for n, s in statistics.items() if n not in known}
        self._end_first_pass(step, state, known)
        self._back(statistics, state, step)
        self._close(step, state)

    def _first_pass(self, step: Step, state: Accumulation, names: Sequence[str]) -> Iterator[None]:
        if not names:
            return
        for batch in step.batches(state.portions):
            if state.portions == len(self._kept) and self._kept.has_room:
                sums = self._keeping(batch)
            else:
                with torch.no_grad():
                    sums = self._statistics(batch, names)
            self._add(step, state, {name: sums[name] for name in names})
            yield

    def _keeping(self, batch: Batch) -> Statistics:
        """All that the second pass needs of a portion."""
        with self._kept.measured(batch.lent):
            sums = self._statistics(batch, self._loss.active)
        self._kept.put(sums)
        return sums

    def _end_first_pass(self, step: Step, state: Accumulation, known: Statistics) -> None:
        self._ranks.sum_(state.sums.values())
        cotangents = known | self._derivatives(state.sums)
        if step.key is not None:
            self._means[step.key] = {
                name: value
                for name, value in cotangents.items()
                if self._loss.terms[name].value_is_mean
            }
        state.portions, state.sums, state.cotangents = 0, {}, cotangents

    def _derivatives(self, totals: Statistics) -> Statistics:
        """∂L/∂T of each total; zero where a term has measured nothing."""
        found = self._loss.slopes(totals)
        return {
            name: found[name] if name in found else torch.zeros_like(total)
            for name, total in totals.items()
        }

    def _second_pass(self, step: Step, state: Accumulation) -> Iterator[None]:
        while self._kept:
            self._back(self._kept.take(), state, step)
            yield
        if state.portions < step.portions:
            for batch in step.batches(state.portions):
                self._back(self._statistics(batch, self._loss.active), state, step)
                yield

    def _back(self, statistics: Statistics, state: Accumulation, step: Step) -> None:
        """Back-propagates one portion and counts it."""
        assert state.cotangents is not None
        trained = [name for name, sums in statistics.items() if sums.requires_grad]
        if trained and not step.idle:
            torch.autograd.backward(
                [statistics[name] for name in trained],
                [state.cotangents[name] for name in trained],
            )
        self._add(step, state, statistics)

    def _close(self, step: Step, state: Accumulation) -> None:
        """Sums over the processes; the loss of the step."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        if not self._ranks.alone:
            gradients = [self._gradient_of(parameter) for parameter in self._parameters]
        self._ranks.sum_([*gradients, *state.sums.values()])
        state.loss = float(self._loss.total(self._loss.values(state.sums)))

    @staticmethod
    def _gradient_of(parameter: Tensor) -> Tensor:
        """The gradient, zeros where there is none: processes exchange messages of equal length."""
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        return parameter.grad

    def _statistics(self, batch: Batch, names: Sequence[str]) -> Statistics:
        return self._loss.statistics(batch, self._model(batch), self._model, names)

    def _add(self, step: Step, state: Accumulation, sums: Statistics) -> None:
        own = {name: self._own(step, value) for name, value in sums.items()}
        state.sums = add_statistics(state.sums or None, own)
        state.portions += 1

    @staticmethod
    def _own(step: Step, sums: Tensor) -> Tensor:
        """The sums without their graph, to be summed in place; nothing where they are another's."""
        return torch.zeros_like(sums) if step.idle else sums.detach().clone()
