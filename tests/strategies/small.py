"""Small mini-batches that the tests share."""

import torch

from tests.conftest import make_line, make_model
from zeta_exp.losses import make_loss
from zeta_exp.ranks import ALONE
from zeta_exp.split import Split
from zeta_exp.strategies import Accumulation, ExactGradient, MiniBatch

SPLIT = Split(start=3, N=330)  # trains on [3, 300)


def minibatch(**options):
    defaults = {
        "block_size": None,
        "parts": None,
        "blocks_per_step": 3,
        "halo": None,
        "partition": "contiguous",
        "seed": 0,
    }
    return MiniBatch(**(defaults | options))


def loss(rg=0.0, form="block_spin", scales=(2, 4)):
    weights = {"mse": 1.0, "gue_mmd": 0.1, "rg": rg}
    return make_loss(weights, "smooth", {"form": form, "scales": list(scales)})


def no_means():
    """The terms whose halves are multiplied, with windows of all lengths."""
    windows = {"reference": "gaudin", "windows": [1, 2, 5, 8]}
    weights = {"gue_nll_matched": 1.0, "gue_mmd": 0.1}
    return make_loss(weights, "smooth", {"form": "block_spin"}, windows)


def make(offsets=(1, 2)):
    line = make_line(offsets=offsets, start=3, count=330)
    return line, make_model("relational", line)


def visits(strategy, line=None, model=None, terms=None, ranks=ALONE):
    if line is None:
        line, model = make()
    return strategy.open(line, SPLIT, terms or loss(), model, ranks)


def batches(opened, epoch=0):
    return [batch for step in opened.epoch(epoch) for batch in step.batches(0)]


def gradients(model, terms, step):
    model.zero_grad()
    state = Accumulation()
    list(ExactGradient(model, terms).of(step, state))
    return [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]


# clusters
