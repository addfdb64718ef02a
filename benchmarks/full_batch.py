"""Regularisers of full-batch training, which otherwise learns its residuals by heart.

    python -m benchmarks.full_batch [--quick] [--docs]

Every run of first order takes the same number of gradients of the whole line: a way that needs two
an update makes half as many updates.  Against them stands the second order: the residuals are a
problem of least squares, which Levenberg and Marquardt's method solves, from the read-out at zero
and from an early state of Muon.  Values are chosen on the validation range of the shorter line, and
so is the evaluation of a run that counts; the next 10% is only measured.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from benchmarks.gauss_newton import DampedSteps, Damping, Windows
from benchmarks.harness import Options, Report, script
from zeta_exp.batch import Line
from zeta_exp.features import PrimePhases, tabulated
from zeta_exp.graph import Block
from zeta_exp.losses import make_loss
from zeta_exp.models import Relational
from zeta_exp.optimizer import MuonOneCycle
from zeta_exp.ranks import ALONE
from zeta_exp.split import Split
from zeta_exp.strategies import Accumulation, ExactGradient
from zeta_exp.strategies.fullbatch import FullBatch
from zeta_exp.target import Truth, make_target
from zeta_exp.zeros.source import ComputedZeros

OFFSETS = (1,)
RATE = 0.015  # highest of the cycle, for every run
EVERY = 10  # gradients between two evaluations
HEAD = [
    *("N", "way", "value", "gradients", "best at", "training", "validation", "next 10%"),
    *("training at the end", "next 10% at the end", "seconds"),
]


@dataclass(frozen=True)
class Size:
    """A line, a model and a number of gradients."""

    N: int = 10_000
    max_prime: int = 300
    hidden: int = 32
    layers: int = 4
    gradients: int = 1200  # of each run of first order
    early: int = 200  # after which Gauss–Newton goes on
    iterations: int = 12  # of Gauss–Newton
    solvers: int = 3  # how many of `SOLVERS` run


SIZES = (Size(N=2000, hidden=16), Size(solvers=1))
QUICK = Size(N=600, max_prime=30, hidden=8, layers=2, gradients=40, early=20, iterations=3)


@dataclass(frozen=True)
class Errors:
    """RMSE in mean spacings over each range."""

    training: float
    validation: float
    beyond: float  # the next 10%

    def cells(self) -> list[str]:
        """As a table has them."""
        return [f"{x:.4f}" for x in (self.training, self.validation, self.beyond)]


class Ground:
    """The line of all runs, with what measures a model on it."""

    def __init__(self, size: Size) -> None:
        self.size, self.split = size, Split(1, size.N)
        first, last = self.split.start, self.split.next_tenth[1]
        features = PrimePhases(size.max_prime, self.split)
        target = make_target("residual", self.split)
        self.line = Line(
            features=tabulated(features, first, last + size.layers),
            offsets=OFFSETS,
            target=target,
            truth=Truth(target, ComputedZeros().residuals, first, last),
        )
        self._batch = self.line.runs([Block.with_halo(first, last, size.layers)])
        self._dim = features.dim

    def fresh_model(self) -> Relational:
        """The model before training, its read-out at zero; the same for every run."""
        torch.manual_seed(0)
        return Relational(self._dim, OFFSETS, self.size.hidden, self.size.layers)

    @torch.no_grad()
    def errors(self, model: Relational) -> Errors:
        """Output minus target over the three ranges."""
        batch = self._batch
        error = (model(batch) - batch.target)[0].double()
        split, first = self.split, self.split.start
        ranges = (split.train, split.validation, split.next_tenth)
        return Errors(
            *(float(error[a - first : b - first].square().mean().sqrt()) for a, b in ranges)
        )

    @torch.no_grad()
    def training_error(self, model: Relational) -> Tensor:
        """Output minus target of the training ordinals, (N,)."""
        stop = self.split.train[1] - self.split.start
        return (model(self._batch) - self._batch.target)[0, :stop]

    def windows(self) -> Windows:
        """Of the training ordinals."""
        start, stop = self.split.train
        ordinals = np.arange(start - self.size.layers, stop + self.size.layers)
        features = self.line.features(np.maximum(ordinals, 1))
        return Windows.of(features, torch.from_numpy(ordinals >= 1), self.size.layers, OFFSETS)

    def gradients(self, model: Relational) -> Iterator[None]:
        """Leaves the gradient of the mean squared error with the parameters, over and over."""
        loss = make_loss({"mse": 1.0}, "smooth", {"form": "local"})
        visits = FullBatch().open(self.line, self.split, loss, model, ALONE)
        exact = ExactGradient(model, loss)
        (step,) = visits.epoch(0)
        while True:
            for _ in exact.of(step, Accumulation()):
                pass
            yield


@dataclass
class Record:
    """A run as it goes on: its errors at the best evaluation on validation, and now."""

    ground: Ground
    model: Relational
    best: Errors = field(default_factory=lambda: Errors(*[math.inf] * 3))
    best_at: int = 0
    at: int = 0
    end: Errors | None = None
    began: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0

    def evaluate(self, at: int) -> None:
        """Measures the model after so many gradients or iterations."""
        self.at, self.end = at, self.ground.errors(self.model)
        if self.end.validation < self.best.validation:
            self.best, self.best_at = self.end, at
        self.seconds = time.perf_counter() - self.began

    def cells(self) -> list[str]:
        """Under `HEAD` from `best at` on."""
        assert self.end is not None
        training, _, beyond = self.end.cells()
        return [f"{self.best_at:,}", *self.best.cells(), training, beyond, f"{self.seconds:.0f}"]


@dataclass(frozen=True)
class Way:
    """A regulariser of first-order training.

    A gradient is (1 − share)·g(θ) + share·g(θ + radius·g/|g|).  share = 1 is sharpness-aware
    minimisation (Foret et al. 2021); any other is the gradient of L + share·radius·|∇L| to first
    order in the radius (Barrett & Dherin 2021; Zhao et al. 2022).
    """

    name: str
    value: str
    radius: float = 0.0
    share: float = 0.0
    weight_noise: float = 0.0
    matrix_decay: float = 0.0

    @property
    def passes(self) -> int:
        """Gradients of an update."""
        return 2 if self.share else 1

    def recipe(self) -> MuonOneCycle:
        """The optimiser, as in conf/optimizer/muon.yaml."""
        return MuonOneCycle(
            lr=RATE,
            clip=1.0,
            pct_start=0.15,
            weight_decay=0.01,
            weight_noise=self.weight_noise,
            matrix_decay=self.matrix_decay,
        )


WAYS = (
    Way("nothing", ""),
    *(Way("weight noise", f"{x:g}", weight_noise=x) for x in (0.03, 0.05, 0.1)),
    *(Way("gradient norm", f"{x / 100:g}", radius=0.01, share=x) for x in (0.2, 0.5, 1.5)),
    *(Way("SAM", f"{x:g}", radius=x, share=1.0) for x in (0.005, 0.01, 0.03)),
    *(Way("decay of matrices", f"{x:g}", matrix_decay=x) for x in (0.1, 0.3, 1.0)),
)


def take_gradient(way: Way, model: Relational, gradients: Iterator[None]) -> None:
    """Leaves the gradient of the way with the parameters, which stay where they are."""
    next(gradients)
    if not way.share:
        return
    parameters = list(model.parameters())
    with torch.no_grad():
        first = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]
        norm = torch.cat([g.flatten() for g in first]).norm()
        before = [p.clone() for p in parameters]
        torch._foreach_add_(parameters, first, alpha=float(way.radius / (norm + 1e-12)))
    next(gradients)
    with torch.no_grad():
        torch._foreach_copy_(parameters, before)
        for parameter, gradient in zip(parameters, first, strict=True):
            assert parameter.grad is not None
            parameter.grad.mul_(way.share).add_(gradient, alpha=1 - way.share)


def first_order(ground: Ground, way: Way, gradients: int) -> Record:
    """Trains by Muon one-cycle until the gradients are used up."""
    model = ground.fresh_model()
    record, source = Record(ground, model), ground.gradients(model)
    updates = gradients // way.passes
    optimisation = way.recipe().start(model, updates)
    for update in range(updates):
        optimisation.begin(update)
        take_gradient(way, model, source)
        optimisation.update()
        taken = (update + 1) * way.passes
        if taken % EVERY < way.passes or update == updates - 1:
            record.evaluate(taken)
    return record


@dataclass(frozen=True)
class Solver:
    """A rule by which Gauss–Newton chooses its damping.

    judged: the error that a step has to lower, that of `training` or of `validation`.  early: it
    begins where Muon is after a few updates, not with the read-out at zero.
    """

    name: str
    judged: str
    damping: float  # the first
    early: bool = False


SOLVERS = (
    Solver("Levenberg–Marquardt", "training", 1e-2, early=True),
    Solver("Levenberg–Marquardt", "training", 1e-2),
    Solver("damping by validation", "validation", 1e-2, early=True),
)


def set_parameters(model: Relational, flat: Tensor) -> None:
    """Copies them from one vector (P,), in the model's order."""
    with torch.no_grad():
        vector_to_parameters(flat.clone(), model.parameters())


def second_order(ground: Ground, solver: Solver, model: Relational, iterations: int) -> Record:
    """Steps from the model's parameters until the iterations or the better steps end."""
    record, windows = Record(ground, model), ground.windows()
    damping = Damping(solver.damping)
    now = parameters_to_vector(model.parameters()).detach().clone()
    record.evaluate(0)

    def judged(step: Tensor) -> float:
        set_parameters(model, now + step)
        return float(getattr(ground.errors(model), solver.judged))

    for iteration in range(1, iterations + 1):
        before = judged(torch.zeros_like(now))
        steps = DampedSteps(windows.jacobian(model), ground.training_error(model))
        step = damping.descend(steps, judged, before)
        if step is None:
            set_parameters(model, now)
            break
        now = now + step
        set_parameters(model, now)
        record.evaluate(iteration)
    return record


def of_first_order(report: Report, ground: Ground, ways: Sequence[Way]) -> list[Way]:
    """A line of the table for each; returns the best value of every way on validation."""
    best: dict[str, tuple[float, Way]] = {}
    for way in ways:
        record = first_order(ground, way, ground.size.gradients)
        add(report, way.name, way.value, f"{ground.size.gradients:,}", record)
        error = record.best.validation
        if error < best.get(way.name, (math.inf, way))[0]:
            best[way.name] = error, way
    return [way for _, way in best.values()]


def of_second_order(report: Report, ground: Ground) -> None:
    """The same of the solvers, each from both starts."""
    size = ground.size
    early = first_order(ground, Way("", ""), size.early).model
    for solver in SOLVERS[: size.solvers]:
        model = ground.fresh_model()
        if solver.early:
            model.load_state_dict(early.state_dict())
        start, before = (f"after {size.early} of Muon", size.early) if solver.early else ("", 0)
        record = second_order(ground, solver, model, size.iterations)
        add(report, solver.name, start, f"{before} + {record.at} steps", record)


def add(report: Report, name: str, value: str, work: str, record: Record) -> None:
    """A line of the table, said as it is there, and the error beyond the range as a row."""
    N = record.ground.size.N
    cells = [f"{N:,}", name, value, work, *record.cells()]
    report.tables["full_batch"].append(cells)
    print("  " + " | ".join(cells), flush=True)
    title = ", ".join(filter(None, (f"full batch, next 10%, N = {N:,}: {name}", value)))
    report.limit(title, record.best.beyond, "RMSE")


def measure(report: Report, options: Options) -> None:
    """All values of each way on the first line, the best of each on the next."""
    report.tables["full_batch"] = [HEAD]
    ways: Sequence[Way] = WAYS
    for size in (QUICK,) if options.quick else SIZES:
        ground = Ground(size)
        ways = of_first_order(report, ground, ways)
        of_second_order(report, ground)


if __name__ == "__main__":
    script(measure)
