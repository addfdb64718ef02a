"""Runs of this package as `run.py` sets them up, a step at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import hydra
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import nn

from benchmarks.harness import ROOT
from conf import schema
from conf.checks import resolved
from zeta_exp import recipe
from zeta_exp.batch import Line
from zeta_exp.experiment import Experiment
from zeta_exp.features import Features, LogIndex, PrimePhases, tabulated
from zeta_exp.graph import adelic_offsets
from zeta_exp.losses import make_loss
from zeta_exp.models import HybridGCN, Model, Relational
from zeta_exp.ranks import ALONE
from zeta_exp.split import Split
from zeta_exp.strategies import Strategy
from zeta_exp.strategies.base import Step
from zeta_exp.strategies.fullbatch import FullBatch
from zeta_exp.strategies.gradient import Accumulation, ExactGradient
from zeta_exp.strategies.minibatch import MiniBatch
from zeta_exp.strategies.streamed import Streamed
from zeta_exp.target import Truth, make_target
from zeta_exp.zeros.source import ComputedZeros

ADELIC = (2, 3, 5, 7, 11, 13)
MODELS: Mapping[str, type[HybridGCN | Relational]] = {
    "hybrid_gcn": HybridGCN,
    "relational": Relational,
}
WEIGHTS = {  # by name, those of conf/loss and one more
    "mse": {"mse": 1.0, "gue_nll": 0.0, "gue_mmd": 0.0, "rg": 0.0},
    "gue_mmd": {"mse": 1.0, "gue_nll": 0.0, "gue_mmd": 0.05, "rg": 0.0},
    "rmt": {"mse": 1.0, "gue_nll": 0.02, "gue_mmd": 0.05, "rg": 0.0},
    "seed": {"mse": 1.0, "gue_nll": 0.02, "gue_mmd": 0.05, "rg": 0.1},
}
LEARNING_RATE = 1e-3  # no step may blow up: times are not to depend on it


def experiment(overrides: Sequence[str]) -> Experiment:
    """The run that `run.py` makes of these arguments."""
    schema.register()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = resolved(compose("config", list(overrides)))
    parts = hydra.utils.instantiate(config, _convert_="all")
    return Experiment(**parts, config=OmegaConf.to_container(config))


@dataclass(frozen=True)
class Setup:
    """A model and its line; by default that of N = 10^5 but for the reflection, which PyG lacks."""

    nodes: int  # ordinals start … start + nodes − 1 train
    model: str = "relational"
    hidden: int = 48
    layers: int = 8
    primes: tuple[int, ...] = ()
    max_prime: int | None = 300  # of the features; None: log n alone
    loss: str = "mse"
    rg: str = "block_spin"
    spacing: str = "smooth"
    target: str = "residual"
    device: str = "cpu"
    start: int = 1
    reflection: bool = False

    @property
    def split(self) -> Split:
        """The split whose training range has the nodes."""
        return Split(self.start, -(-self.nodes * 10 // 9))

    @property
    def offsets(self) -> tuple[int, ...]:
        """Offsets of the edges."""
        return adelic_offsets(self.primes)

    def features(self) -> Features:
        """The features of a node."""
        return LogIndex() if self.max_prime is None else PrimePhases(self.max_prime)

    def fresh_model(self, seed: int = 0) -> Model:
        """The model, its read-out away from zero so that outputs show all of it."""
        torch.manual_seed(seed)
        more = {"reflection": True} if self.reflection else {}
        model = MODELS[self.model](
            self.features().dim, self.offsets, self.hidden, self.layers, **more
        )
        if isinstance(model.head, nn.Linear):
            model.head.reset_parameters()
        return model

    def truth(self) -> Truth:
        """Targets of the training range from the engine."""
        target = make_target(self.target, self.split)
        return Truth(target, ComputedZeros().residuals, *self.split.train)


def compared(nodes: int, model: str, **others: str) -> Setup:
    """What is compared with PyTorch Geometric: three layers of 64, adelic edges, 71 features."""
    return Setup(nodes, model, 64, 3, ADELIC, 100, **others)


def line_of(setup: Setup, margin: int) -> Line:
    """The line with features at hand where they are few, and targets from the engine."""
    start, stop = setup.split.start, setup.split.extrapolation[1]
    return Line(
        features=tabulated(setup.features(), start - margin, stop + margin),
        offsets=setup.offsets,
        target=make_target(setup.target, setup.split),
        truth=setup.truth(),
        device=torch.device(setup.device),
    )


@dataclass
class Training:
    """A run that makes one update a call."""

    setup: Setup
    strategy: Strategy
    model: Model = field(init=False)

    def __post_init__(self) -> None:
        setup = self.setup
        self.model = setup.fresh_model().to(setup.device)
        self._loss = make_loss(WEIGHTS[setup.loss], setup.spacing, {"form": setup.rg})
        self._optimizer = torch.optim.AdamW(self.model.parameters(), LEARNING_RATE, fused=True)
        self.strategy.check(setup.split, self._loss, self.model)
        line = line_of(setup, self.model.receptive_field + self._loss.margin())
        self._visits = self.strategy.open(line, setup.split, self._loss, self.model, ALONE)
        self._gradient = ExactGradient(self.model, self._loss)
        self._steps = self._endless()

    def _endless(self) -> Iterator[Step]:
        epoch = 0
        while True:
            yield from self._visits.epoch(epoch)
            epoch += 1

    def load_epoch(self) -> None:
        """Makes the batches of an epoch and nothing else."""
        for _ in range(self._visits.updates_per_epoch):
            for _ in next(self._steps).batches(0):
                pass

    def epoch(self) -> None:
        """The updates of an epoch."""
        for _ in range(self._visits.updates_per_epoch):
            self.step()

    def step(self) -> int:
        """One update; returns the nodes it visited."""
        step = next(self._steps)
        self._optimizer.zero_grad()
        for _ in self._gradient.of(step, Accumulation()):
            pass
        self._optimizer.step()
        return step.nodes


def streamed(block_size: int | None = None) -> Strategy:
    """strategy=streamed, the whole line a step."""
    return Streamed(block_size=block_size, steps_per_epoch=1, seed=0)


def minibatch(block_size: int, blocks_per_step: int) -> Strategy:
    """strategy=minibatch, contiguous blocks with their halos."""
    return MiniBatch(
        block_size=block_size,
        parts=None,
        blocks_per_step=blocks_per_step,
        halo=None,
        partition="contiguous",
        seed=0,
    )


def by_default(nodes: int, loss: str) -> Setup:
    """The model that the configuration gives so many zeros and primes to 300 from ordinal 1."""
    hidden = recipe.hidden(nodes, 1, nodes)  # as if no prime were missing
    layers = recipe.layers(nodes, 1, nodes)
    return Setup(nodes, hidden=hidden, layers=layers, loss=loss, reflection=True)


def streamed_step(nodes: int) -> None:
    """One exact step of the default model with all four losses, block by block."""
    Training(by_default(nodes, "seed"), streamed()).step()


def plain_step(nodes: int) -> None:
    """The same step in one piece."""
    Training(by_default(nodes, "seed"), FullBatch()).step()


def minibatch_steps(nodes: int, steps: int) -> None:
    """The first steps of an epoch of the default configuration, 4 blocks of 64 each."""
    training = Training(by_default(nodes, "mse"), minibatch(64, 4))
    for _ in range(steps):
        training.step()
