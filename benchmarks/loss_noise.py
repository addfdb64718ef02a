"""Is a loss term a stable signal in a mini-batch?  Noise and direction of its gradient.

    python -m benchmarks.loss_noise [--quick] [--docs]

The gradient of each term over steps of two blocks, debiased as in training, beside that over the
whole training range, at two stages of a training.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.harness import Options, Report, number, script
from benchmarks.ours import Setup, Training, line_of, minibatch
from zeta_exp.batch import Batch, Line
from zeta_exp.graph import Block
from zeta_exp.losses import WeightedLoss, make_loss
from zeta_exp.models import Model
from zeta_exp.ranks import ALONE
from zeta_exp.zeros.source import ComputedZeros

START, NODES = 1_000_001, 40_000  # where spacings have one law; from 1 on it drifts
BLOCKS = {64: 120, 200: 60, 2000: 10}  # ordinals of a block, and steps that are measured
STAGES = (150, 1500)  # updates of training before each measurement
HEIGHT = {"reference": "finite_height"}
TERMS = {  # what is measured: the name of a term, and how it is made
    "mse": ("mse", {}),
    "gue_nll": ("gue_nll", {}),
    "gue_nll_matched, finite_height": ("gue_nll_matched", {"gue_nll_matched": HEIGHT}),
    "gue_mmd, surmise": ("gue_mmd", {}),
    "gue_mmd, finite_height": ("gue_mmd", {"gue_mmd": HEIGHT}),
    "gue_mmd, finite_height, windows 1, 2, 5, 8": (
        "gue_mmd",
        {"gue_mmd": {**HEIGHT, "windows": [1, 2, 5, 8]}},
    ),
    "rg, local": ("rg", {}),
}
HEAD = ["term", "updates", "size, mse = 1"]


def losses(setup: Setup) -> dict[str, WeightedLoss]:
    """One loss a term, its reference measured on the training range."""
    made = {}
    for title, (name, options) in TERMS.items():
        made[title] = make_loss({name: 1.0}, "smooth", {"form": "local"}, **options)
        made[title].calibrate(ComputedZeros().residuals, *setup.split.train)
    return made


@dataclass(frozen=True)
class Gradients:
    """The gradients of every term at one set of parameters."""

    setup: Setup
    line: Line
    model: Model
    losses: Mapping[str, WeightedLoss]

    def of(self, batch: Batch) -> dict[str, Tensor]:
        """Of the values over a batch, each (P,) float64; one forward pass for all."""
        output = self.model(batch)
        found = {}
        for title, loss in self.losses.items():
            statistics = loss.statistics(batch, output, self.model, loss.active)
            total = loss.total(loss.values(statistics))
            parts = torch.autograd.grad(
                total, list(self.model.parameters()), retain_graph=True, allow_unused=True
            )
            shapes = zip(parts, self.model.parameters(), strict=True)
            flat = [torch.zeros_like(p) if g is None else g for g, p in shapes]
            found[title] = torch.cat([g.flatten() for g in flat]).double()
        return found

    def whole(self) -> dict[str, Tensor]:
        """Over the training range in one batch."""
        margin = self.model.receptive_field + max(loss.margin() for loss in self.losses.values())
        return self.of(self.line.runs([Block.with_halo(*self.setup.split.train, margin)]))

    def steps(self, size: int, count: int) -> Iterator[dict[str, Tensor]]:
        """Of the first steps of an epoch, two blocks each, the halves of a debiased value."""
        strategy = minibatch(size, 2)
        widest = max(self.losses.values(), key=WeightedLoss.margin)
        visits = strategy.open(self.line, self.setup.split, widest, self.model, ALONE)
        for _, step in zip(range(count + 1), visits.epoch(0), strict=False):
            for batch in step.batches(0):
                if len(batch.blocks) == 2:  # one alone, of an odd number, has no halves
                    yield self.of(batch)


def quality(steps: Tensor, whole: Tensor) -> tuple[float, float]:
    """Mean cosine to the whole gradient, and noise in units of its length; (S, P) and (P,)."""
    cosine = torch.cosine_similarity(steps, whole[None]).mean()
    noise = (steps - whole).square().sum(1).mean().sqrt() / whole.norm()
    return float(cosine), float(noise)


def rows(gradients: Gradients, updates: int, quick: bool) -> list[list[str]]:
    """A row a term: its size, then cosine and noise for each size of block."""
    whole = gradients.whole()
    table = {
        title: [title, f"{updates:,}", number(float(g.norm() / whole["mse"].norm()))]
        for title, g in whole.items()
    }
    for size, count in BLOCKS.items():
        steps = list(gradients.steps(size, 3 if quick else count))
        for title, cells in table.items():
            stacked = torch.stack([step[title] for step in steps])
            cells += map(number, quality(stacked, whole[title]))
    return list(table.values())


def measure(report: Report, options: Options) -> None:
    """Both stages of one training with the default loss."""
    setup = Setup(8000 if options.quick else NODES, loss="gue_mmd", start=START)
    training = Training(setup, minibatch(64, 4))
    terms = losses(setup)
    line = line_of(setup, training.model.receptive_field + 8)
    sizes = [f"{what}, blocks of {size:,}" for size in BLOCKS for what in ("cosine", "noise")]
    table, done = [[*HEAD, *sizes]], 0
    for updates in (5, 10) if options.quick else STAGES:
        for _ in range(updates - done):
            training.step()
        done = updates
        found = rows(Gradients(setup, line, training.model, terms), updates, options.quick)
        table += found
        for cells in found:
            print("  " + " | ".join(cells), flush=True)
    report.tables["loss_noise"] = table


if __name__ == "__main__":
    script(measure)
