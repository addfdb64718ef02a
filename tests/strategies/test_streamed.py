"""The streamed gradient is that of the whole line, whatever the blocks."""

from collections import Counter
from copy import copy
from dataclasses import replace

import pytest
import torch

from tests.conftest import make_line, make_model, sample
from zeta_exp.errors import UserError
from zeta_exp.labels import Labels
from zeta_exp.losses import make_loss
from zeta_exp.models import PyGModel, Relational
from zeta_exp.ranks import Ranks
from zeta_exp.split import Split
from zeta_exp.strategies import Accumulation, ExactGradient, FullBatch, Streamed
from zeta_exp.strategies.kept import KEPT_BYTES

SPLIT = Split(start=3, N=330)  # trains on [3, 300)
TERMS = ["mse", "gue_nll", "gue_nll_matched", "gue_mmd", "rg"]
WINDOWED = {"reference": "gaudin", "windows": [2, 8]}


def loss(weights, form="block_spin", scales=(2, 4)):
    return make_loss(weights, "smooth", {"form": form, "scales": list(scales)}, WINDOWED)


def all_terms(form="block_spin", scales=(2, 4)):
    return loss(dict.fromkeys(TERMS, 1.0), form, scales)


def streamed(block_size=None, steps_per_epoch=1):
    return Streamed(block_size, steps_per_epoch, seed=0)


def gradient(strategy, line, model, terms, epochs=1):
    """Loss and gradient of every step, one after the other."""
    exact = ExactGradient(model, terms)
    visits = strategy.open(line, SPLIT, terms, model, Ranks())
    results = []
    for epoch in range(epochs):
        for step in visits.epoch(epoch):
            state = Accumulation()
            for _ in exact.of(step, state):
                pass
            results.append((state.loss, [p.grad.clone() for p in model.parameters()]))
    return results


def difference(gradient, expected):
    """Relative Euclidean distance of two gradients."""
    ours, theirs = (torch.cat([g.flatten() for g in gs]) for gs in (gradient, expected))
    return float((ours - theirs).norm() / theirs.norm())


@pytest.mark.parametrize("form", ["block_spin", "dilation"])
@pytest.mark.parametrize("size", sample([7, 296, 2, 64, 101, 5000], 6))
def test_any_block_size_gives_the_full_batch_gradient(line, model_name, form, size):
    line = make_line(offsets=line.offsets, start=3, count=330)
    model = make_model(model_name, line)
    terms = all_terms(form)
    ((expected_loss, expected),) = gradient(FullBatch(), line, model, terms)
    ((streamed_loss, ours),) = gradient(streamed(size), line, model, terms)
    assert streamed_loss == pytest.approx(expected_loss, rel=1e-12)
    assert difference(ours, expected) < 1e-11


@pytest.mark.parametrize("conv", ["gcn", "gat", "sage", "rgcn"])
def test_pyg_convolutions_are_exact_by_blocks(conv):
    line = make_line(offsets=(1, 3), start=3, count=330)
    torch.manual_seed(0)
    model = PyGModel(line.features.dim, (1, 3), conv, hidden=8, layers=2, norm="layer").double()
    model.check(line.features, "residual")
    streamed(41).check(SPLIT, all_terms(), model)
    ((_, expected),) = gradient(FullBatch(), line, model, all_terms())
    ((_, ours),) = gradient(streamed(41), line, model, all_terms())
    assert difference(ours, expected) < 1e-11


@pytest.mark.parametrize("option", [{"norm": "batch"}, {"norm": "graph"}, {"dropout": 0.1}])
def test_pyg_models_that_are_not_exact_by_blocks_are_refused(option):
    line = make_line(offsets=(1, 3))
    model = PyGModel(line.features.dim, (1, 3), "gcn", hidden=8, layers=2, **option)
    with pytest.raises(UserError, match=r"strategy=streamed needs blocks that give the outputs"):
        streamed(41).check(SPLIT, all_terms(), model)
    FullBatch().check(SPLIT, all_terms(), model)


@pytest.mark.parametrize("size", [7, 64])
@pytest.mark.parametrize("fraction", [0.3, 1.0])
def test_calibrated_with_labels_any_block_gives_the_same(size, fraction):
    """A pair of labelled zeros counts once, though a block's edge lies between them."""
    line = make_line(offsets=(1, 2), start=3, count=330)
    truth = copy(line.truth)
    truth.labels = Labels(fraction, split=SPLIT)
    line = replace(line, truth=truth)
    model = make_model("relational", line)
    calibrated = {"reference": "gaudin", "windows": [1, 2, 5], "calibrated": True}
    terms = make_loss({"mse": 1.0, "gue_mmd": 1.0}, "smooth", {"form": "local"}, calibrated)
    ((expected_loss, expected),) = gradient(FullBatch(), line, model, terms)
    ((streamed_loss, ours),) = gradient(streamed(size), line, model, terms)
    assert streamed_loss == pytest.approx(expected_loss, rel=1e-12)
    assert difference(ours, expected) < 1e-11


@pytest.mark.parametrize("name", TERMS)
def test_each_loss_alone(name):
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    terms = loss({name: 1.0})
    ((_, expected),) = gradient(FullBatch(), line, model, terms)
    ((_, ours),) = gradient(streamed(37), line, model, terms)
    assert difference(ours, expected) < 1e-11


@pytest.mark.parametrize("scales", [(2,), (3, 5), (2, 4, 8, 16)])
def test_any_number_of_coarse_levels(scales):
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    terms = loss({"mse": 1.0, "rg": 1.0}, scales=scales)
    ((_, expected),) = gradient(FullBatch(), line, model, terms)
    ((_, ours),) = gradient(streamed(23), line, model, terms)
    assert difference(ours, expected) < 1e-11


def test_float32_is_as_exact_as_it_can_be():
    line = replace(make_line(start=3, count=330), dtype=torch.float32)
    model = make_model("relational", line).float()
    ((_, expected),) = gradient(FullBatch(), line, model, all_terms())
    ((_, ours),) = gradient(streamed(41), line, model, all_terms())
    assert difference(ours, expected) < 1e-5


@pytest.mark.parametrize("size", [10, 200])
def test_steps_are_the_gradients_of_their_parts(size):
    """k steps an epoch: each k-th of the line once, each exact whatever the blocks."""
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    terms = all_terms()
    exact = gradient(streamed(5000, steps_per_epoch=4), line, model, terms)
    ours = gradient(streamed(size, steps_per_epoch=4), line, model, terms)
    for (theirs_loss, theirs), (our_loss, own) in zip(exact, ours, strict=True):
        assert our_loss == pytest.approx(theirs_loss, rel=1e-11)
        assert difference(own, theirs) < 1e-11


@pytest.mark.parametrize("steps", [1, 4, 148])
def test_an_epoch_visits_every_ordinal_once(steps):
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    visits = streamed(20, steps).open(line, SPLIT, all_terms(), model, Ranks())
    owned = Counter()
    for step in visits.epoch(3):
        before = owned.total()
        for batch in step.batches(0):
            owned.update(batch.ordinals[batch.owned].tolist())
            assert batch.scope == SPLIT.train
        assert owned.total() - before == step.nodes
    assert owned == Counter(range(*SPLIT.train))
    assert visits.updates_per_epoch == steps


def test_the_order_of_the_steps_is_drawn_from_the_epoch():
    line = make_line(offsets=(1,), start=3, count=330)
    model = make_model("linear", line)
    visits = streamed(20, 10).open(line, SPLIT, all_terms(), model, Ranks())

    def order(epoch, skip=0):
        return [step.layout for step in visits.epoch(epoch, skip)]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1, skip=3) == order(1)[3:]


def test_a_gradient_half_done_goes_on_to_the_same_bytes():
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    terms = all_terms()
    ((whole_loss, whole),) = gradient(streamed(41), line, model, terms)
    visits = streamed(41).open(line, SPLIT, terms, model, Ranks())
    for stop in range(1, 16):
        (step,) = visits.epoch(0)
        state, work = Accumulation(), None
        work = ExactGradient(model, terms).of(step, state)
        for _ in range(stop):
            next(work)
        kept = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
        state = Accumulation(
            state.portions, dict(state.sums), copy(state.cotangents), state.layout, state.loss
        )
        model.zero_grad()
        for parameter, held in zip(model.parameters(), kept, strict=True):
            parameter.grad = held
        (step,) = visits.epoch(0)
        for _ in ExactGradient(model, terms).of(step, state):
            pass
        assert state.loss == whole_loss
        assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), whole, strict=True))


def test_a_gradient_half_done_with_other_blocks_begins_anew():
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    terms = all_terms()
    state = Accumulation()
    (step,) = streamed(41).open(line, SPLIT, terms, model, Ranks()).epoch(0)
    work = ExactGradient(model, terms).of(step, state)
    for _ in range(11):
        next(work)
    (step,) = streamed(64).open(line, SPLIT, terms, model, Ranks()).epoch(0)
    for _ in ExactGradient(model, terms).of(step, state):
        pass
    ((_, expected),) = gradient(FullBatch(), line, model, terms)
    assert difference([p.grad for p in model.parameters()], expected) < 1e-11


def test_means_need_one_pass_once_their_counts_are_known(monkeypatch):
    monkeypatch.setitem(KEPT_BYTES, "cpu", 0)
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    passes = []
    model.register_forward_hook(lambda *_: passes.append(1))
    for names, later in ((["mse", "gue_nll"], 3), (["mse", "gue_mmd"], 6), (["mse", "rg"], 9)):
        terms = loss(dict.fromkeys(names, 1.0))
        exact = ExactGradient(model, terms)
        visits = streamed(100).open(line, SPLIT, terms, model, Ranks())
        counts, gradients = [], []
        for epoch in range(3):
            passes.clear()
            (step,) = visits.epoch(epoch)
            for _ in exact.of(step, Accumulation()):
                pass
            counts.append(len(passes))
            gradients.append([p.grad.clone() for p in model.parameters()])
        assert counts[1] == counts[2] == later
        assert counts[0] >= counts[1]
        assert all(torch.equal(a, b) for a, b in zip(gradients[0], gradients[2], strict=True))


def test_what_is_not_exact_by_blocks_is_refused():
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    streamed(20).check(SPLIT, all_terms(), model)
    unfolded = make_loss(
        {"mse": 1.0, "gue_nll": 0.1}, "mean", {"form": "block_spin", "scales": [2, 4]}
    )
    with pytest.raises(UserError, match=r"gue_nll=0.1 with strategy=streamed.*fullbatch"):
        streamed(20).check(SPLIT, unfolded, model)
    with pytest.raises(UserError, match=r"rg=1 with strategy=streamed.*form=block_spin"):
        streamed(20).check(SPLIT, all_terms("local"), model)
    model.inexact = "batch normalisation averages over the batch"
    with pytest.raises(UserError, match="batch normalisation averages"):
        streamed(20).check(SPLIT, all_terms(), model)
    for terms in (unfolded, all_terms("local")):
        FullBatch().check(SPLIT, terms, model)


@pytest.mark.parametrize(
    ("block_size", "steps", "message"),
    [
        (1, 1, "strategy.block_size=1 is too small"),
        (10, 0, "strategy.steps_per_epoch=0 is too small"),
        (10, 149, "steps_per_epoch=149 leaves steps of less than 2 of the 297"),
    ],
)
def test_impossible_sizes_are_refused(block_size, steps, message):
    with pytest.raises(UserError, match=message):
        streamed(block_size, steps).check(SPLIT, all_terms(), make_model("mlp", make_line()))


def test_a_block_larger_than_the_line_is_the_line():
    strategy = streamed(10**6)
    strategy.check(SPLIT, all_terms(), make_model("mlp", make_line()))
    assert strategy.block_size(SPLIT, make_model("mlp", make_line()), "cpu") == 297


def test_a_block_suits_the_device():
    model, split = Relational(3, (1,), hidden=48), Split(1, 10**6)
    assert streamed(None).block_size(split, model, "cpu") == 4096
    assert streamed(500).block_size(split, model, "cpu") == 500
    assert streamed(None).block_size(split, model, "cuda") == 2**18


def test_a_halo_wider_than_the_block_is_noted():
    model = make_model("relational", make_line(offsets=(1, 2)))
    assert streamed(100).notes(SPLIT, all_terms(), model) == []
    (note,) = streamed(4).notes(SPLIT, all_terms(), model)
    assert "blocks of 4 ordinals see 12 on either side" in note
    assert "7.0 times the line" in note
