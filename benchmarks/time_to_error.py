"""Seconds and node-visits of training to a given error: this recipe, that of before, and PyG's.

    python -m benchmarks.time_to_error [--quick]

The error is the RMSE over the next tenth, in mean spacings.  A one-cycle schedule must know its
budget, so the time to an error is that of the shortest budget of a ladder of update counts whose
final error is low enough, medians over the seeds.  The pipelines take each rung in turn.  Only
training is timed: features (where they are tabulated), targets and METIS clusters are made before,
and evaluation comes after.  What is counted as visited are owned nodes, not halos.  Rows and rates
are seconds of the processor, which neighbours on the machine disturb least.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch

from benchmarks.harness import Options, Report, Row, in_turn, number, script
from benchmarks.ours import experiment
from benchmarks.peers.one_cycle import OneCycleClusters
from zeta_exp.batch import Line
from zeta_exp.evaluation.statistics import Errors
from zeta_exp.evaluation.window import Window
from zeta_exp.experiment import Experiment
from zeta_exp.features import PrimePhases, tabulated
from zeta_exp.models import Model
from zeta_exp.optimizer import Optimisation
from zeta_exp.ranks import ALONE
from zeta_exp.recipe import blocks_per_step
from zeta_exp.strategies import Accumulation, ExactGradient
from zeta_exp.strategies.base import Step
from zeta_exp.target import Truth, make_target

LADDER = (60, 90, 130, 200, 300, 450, 700, 1_000, 1_500, 2_200, 3_300)
RECIPE, BEFORE, PYG = "this recipe", "AdamW of before", "PyG, AdamW"
WIDE = (
    *("optimizer=adamw", "model.hidden=128", "model.layers=2", "model.reflection=false"),
    "loss.weights.gue_mmd=0.05",
)
TIMED_UPDATES = 100  # timed at once


@dataclass(frozen=True)
class Goal:
    """An error to be reached on a line."""

    zeros: int  # N: nine in ten train
    max_prime: int  # of the features
    error: float  # RMSE over the next tenth, in mean spacings
    seeds: Sequence[int]
    ladder: Sequence[int] = LADDER  # updates

    @property
    def overrides(self) -> list[str]:
        """The arguments of run.py."""
        return [f"N={self.zeros}", f"features.max_prime={self.max_prime}"]


GOALS = (
    Goal(10_000, 300, 0.0150, (0, 1, 2)),
    Goal(1_000_000, 1000, 0.0140, (0,), (*LADDER, 5_000, 7_500)),
)
QUICK = Goal(1_000, 30, 0.2, (0,), (10, 20))


class Learner(Protocol):
    """A training under way."""

    def step(self) -> int:
        """One update; returns the nodes it visited."""
        ...

    def error(self) -> float:
        """RMSE over the next tenth."""
        ...


class Pipeline(Protocol):
    """A way to train, with what it makes once for all trainings on a line."""

    def start(self, updates: int, seed: int) -> Learner:
        """A training before the first of so many updates."""
        ...


class Package:
    """This package: the parts that run.py makes, its loop without validation and checkpoints.

    make: from a seed to the run.
    """

    def __init__(self, make: Callable[[int], Experiment]) -> None:
        self._make = make
        run = make(0)
        start, stop = run.split.start, run.split.extrapolation[1]
        margin = run.model(dim=run.features.dim, offsets=run.graph).receptive_field
        margin += run.loss.margin()
        target = make_target(run.target, run.split)
        truth = Truth(target, run.zeros.residuals, start, start + run.N)
        truth(np.arange(*run.split.train))
        features = tabulated(run.features, start - margin, stop + margin)
        self.line = Line(features, run.graph, target, truth)

    def start(self, updates: int, seed: int) -> "PackageLearner":
        """The run of a seed with its schedule over so many updates."""
        run = self._make(seed)
        torch.manual_seed(seed)
        model = run.model(dim=run.features.dim, offsets=run.graph)
        return PackageLearner(run, self.line, model, run.optimizer.start(model, updates, seed))


class PackageLearner:
    """The update of `zeta_exp.training.Training`."""

    def __init__(
        self, run: Experiment, line: Line, model: Model, optimisation: Optimisation
    ) -> None:
        self._run, self._line, self.model = run, line, model
        self._optimisation = optimisation
        self._visits = run.strategy.open(line, run.split, run.loss, model, ALONE)
        self._gradient = ExactGradient(model, run.loss)
        self._steps = self._endless()

    def _endless(self) -> Iterator[Step]:
        epoch = 0
        while True:
            yield from self._visits.epoch(epoch)
            epoch += 1

    def step(self) -> int:
        """One update; returns the nodes it visited."""
        step = next(self._steps)
        self._optimisation.begin(self._optimisation.updates or 0)
        for _ in self._gradient.of(step, Accumulation()):
            pass
        self._optimisation.update()
        return step.nodes

    def error(self) -> float:
        """RMSE over the next tenth."""
        self.model.eval()
        errors = Errors()
        start, stop = self._run.split.next_tenth
        for piece in Window(self._line, start, stop, self.model.receptive_field).evaluate(
            self.model
        ):
            true = self._run.zeros.residuals(piece.start, piece.start + piece.residuals.size)
            errors.add(piece.residuals, true)
        return errors.rmse


def as_before(goal: Goal, seed: int) -> Experiment:
    """The run of the recipe of before: wide, AdamW, a prior in the loss, features at 1/√m."""
    run = experiment([*goal.overrides, *WIDE, f"seed={seed}"])
    return replace(run, features=PrimePhases(goal.max_prime))


def pipelines(goal: Goal) -> dict[str, Pipeline]:
    """The three by name."""

    def recipe(seed: int) -> Experiment:
        return experiment([*goal.overrides, f"seed={seed}"])

    return {
        RECIPE: Package(recipe),
        BEFORE: Package(lambda seed: as_before(goal, seed)),
        PYG: OneCycleClusters(recipe(0), blocks_per_step(goal.zeros)),
    }


@dataclass(frozen=True)
class Attempt:
    """A training of a fixed budget, or the medians of several."""

    updates: int
    visits: float  # owned nodes over all updates
    seconds: float
    processor_seconds: float
    error: float  # RMSE over the next tenth, in mean spacings


def attempt(pipeline: Pipeline, updates: int, seed: int) -> Attempt:
    """Trains once."""
    learner = pipeline.start(updates, seed)
    gc.collect()
    began, worked = time.perf_counter(), time.process_time()
    visits = sum(learner.step() for _ in range(updates))
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    return Attempt(updates, visits, seconds, processor, learner.error())


def middle(attempts: Sequence[Attempt]) -> Attempt:
    """The median of each number."""
    columns = zip(*(vars(one).values() for one in attempts), strict=True)
    updates, *others = map(statistics.median, columns)
    return Attempt(round(updates), *others)


def race(
    attempts: Mapping[str, Callable[[int], Attempt]], ladder: Sequence[int], target: float
) -> dict[str, Attempt]:
    """The first attempt of each that reaches the target, or its last; all take a rung in turn.

    attempts: from a number of updates to what comes of it.
    """
    found: dict[str, Attempt] = {}
    for updates in ladder:
        for name, climb in attempts.items():
            if name not in found or found[name].error > target:
                found[name] = climb(updates)
                print(f"    {name}: {found[name]}", flush=True)
    return found


HEAD = [
    *("N", "error", "pipeline", "updates", "visits", "s", "CPU s", "reached"),
    *("visits ×", "s ×", "CPU s ×"),
]


def cells(goal: Goal, name: str, found: Mapping[str, Attempt]) -> list[str]:
    """A row under `HEAD`; > where the longest budget has missed the error."""
    one, first = found[name], found[RECIPE]
    more = "> " if one.error > goal.error else ""
    spent = [f"{one.updates:,}", f"{one.visits:,.0f}", number(one.seconds)]
    spent.append(number(one.processor_seconds))
    ratios = ["", "", ""]
    if name != RECIPE and first.error <= goal.error:
        over = (one.visits / first.visits, one.seconds / first.seconds)
        processor = one.processor_seconds / first.processor_seconds
        ratios = [more + number(ratio) for ratio in (*over, processor)]
    row = [f"{goal.zeros:,}", f"{goal.error:.4f}", name, *(more + amount for amount in spent)]
    return [*row, f"{one.error:.4f}", *ratios]


def reach(report: Report, goal: Goal, taking: Mapping[str, Pipeline]) -> None:
    """The race to a goal: its rows of the table, and the ratios."""

    def climbing(pipeline: Pipeline) -> Callable[[int], Attempt]:
        return lambda updates: middle([attempt(pipeline, updates, seed) for seed in goal.seeds])

    climbers = {name: climbing(pipeline) for name, pipeline in taking.items()}
    found = race(climbers, goal.ladder, goal.error)
    table = report.tables.setdefault("time_to_error", [HEAD])
    table += [cells(goal, name, found) for name in found]
    first = found[RECIPE]
    for name in (BEFORE, PYG):
        missed = [which for which in (RECIPE, name) if found[which].error > goal.error]
        note = f" (missed: {', '.join(missed)})" if missed else ""
        ending = f"to {goal.error:.4f}, N = {goal.zeros:,}: {RECIPE}, {name}{note}"
        for what, unit in (("processor_seconds", "s"), ("visits", "nodes")):
            ours, peer = getattr(first, what), getattr(found[name], what)
            title = f"{what.replace('_', ' ')} {ending}"
            report.add(Row(title, ours, peer, peer / ours, unit))


def update_rates(report: Report, goal: Goal, taking: Mapping[str, Pipeline], rounds: int) -> None:
    """Updates a second, whole: batch, gradient, optimiser."""
    learners = {
        name: pipeline.start((rounds + 1) * TIMED_UPDATES, 0) for name, pipeline in taking.items()
    }

    def updating(learner: Learner) -> Callable[[], object]:
        return lambda: [learner.step() for _ in range(TIMED_UPDATES)]

    functions = {name: updating(one) for name, one in learners.items()}
    times = in_turn(functions, rounds, time.process_time)
    rates = {name: TIMED_UPDATES / seconds for name, seconds in times.medians().items()}
    table = report.tables.setdefault("update_rates", [["N", "pipeline", "updates/s", "× slower"]])
    for name, rate in rates.items():
        ratio = times.ratio(name, RECIPE)
        table.append([f"{goal.zeros:,}", name, number(rate), number(ratio)])
        if name != RECIPE:
            title = f"updates a second, N = {goal.zeros:,}: {RECIPE}, {name}"
            report.add(Row(title, rates[RECIPE], rate, ratio, "1/s"))


def measure(report: Report, options: Options) -> None:
    """Rates of the smallest line, and the race on each."""
    goals = (QUICK,) if options.quick else GOALS
    for goal in goals:
        taking = pipelines(goal)
        if goal is goals[0]:
            update_rates(report, goal, taking, 2 if options.quick else 7)
        reach(report, goal, taking)


if __name__ == "__main__":
    script(measure)
