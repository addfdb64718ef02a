"""Losses and gradients of every step of some strategies, by as many processes as torchrun says.

`python -m tests.gradients FILE` is one of the processes; the first writes FILE.
"""

import sys

import torch

from tests.conftest import make_line, make_model
from zeta_exp.losses import make_loss
from zeta_exp.ranks import Ranks, joined
from zeta_exp.split import Split
from zeta_exp.strategies import Accumulation, ExactGradient, MiniBatch, Streamed

SPLIT = Split(start=3, N=330)  # trains on [3, 300)
TERMS = ("mse", "gue_nll", "gue_nll_matched", "gue_mmd", "rg")
FORM = {"form": "block_spin", "scales": [2, 4]}  # of rg
EPOCHS = 2  # the second knows the counts of the first


def losses():
    """Every term alone, all of them, and the other exact form of rg."""
    named = {name: make_loss({name: 1.0}, "smooth", FORM) for name in TERMS}
    named["all"] = make_loss(dict.fromkeys(TERMS, 1.0), "smooth", FORM)
    windows = {"reference": "gaudin", "windows": [1, 2, 5, 8]}
    named["windows"] = make_loss({"mse": 1.0, "gue_mmd": 1.0}, "smooth", FORM, windows)
    dilation = {**FORM, "form": "dilation"}
    named["dilation"] = make_loss({"mse": 1.0, "rg": 1.0}, "smooth", dilation)
    return named


def cases():
    """(strategy, loss) by name; blocks for all, more for one than for another, none for some."""
    terms = losses()
    yield from ((f"streamed/100 {name}", (Streamed(100, 1, seed=0), terms[name])) for name in terms)
    for size in (60, 149, 5000):
        yield f"streamed/{size}", (Streamed(size, 1, seed=0), terms["all"])
    yield "steps", (Streamed(60, 3, seed=0), terms["all"])
    means = make_loss(dict.fromkeys(TERMS[:3], 1.0), "smooth", FORM)
    # METIS clusters are wired to those of the same process only: one a step is the same for all
    for per_step, partition in ((5, "contiguous"), (1, "contiguous"), (1, "metis")):
        strategy = MiniBatch(30, None, per_step, None, partition, seed=0)
        yield f"{partition}/{per_step}", (strategy, means)


def gradients(strategy, terms, ranks):
    """(loss, gradient) of every step: (steps, 1 + parameters) float64."""
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    exact = ExactGradient(model, terms, ranks)
    visits = strategy.open(line, SPLIT, terms, model, ranks)
    rows = []
    for epoch in range(EPOCHS):
        for step in visits.epoch(epoch):
            state = Accumulation()
            for _ in exact.of(step, state):
                pass
            loss = torch.tensor([state.loss], dtype=torch.float64)
            rows.append(torch.cat([loss, *(p.grad.flatten() for p in model.parameters())]))
    return torch.stack(rows)


def everything(ranks: Ranks) -> dict[str, torch.Tensor]:
    """The gradients of all cases."""
    torch.set_num_threads(1)
    return {name: gradients(*case, ranks) for name, case in cases()}


if __name__ == "__main__":
    with joined() as ranks:
        computed = everything(ranks)
        assert ranks.alike({name: rows.numpy().tobytes() for name, rows in computed.items()})
        if ranks.first:
            torch.save(computed, sys.argv[1])
