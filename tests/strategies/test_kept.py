"""Graphs kept between the passes spare forward passes and change no bit."""

import weakref
from dataclasses import replace

import pytest
import torch

from tests.conftest import make_line, make_model
from tests.strategies.small import SPLIT, loss
from zeta_exp.features import FeatureTable
from zeta_exp.graph import Block
from zeta_exp.ranks import ALONE
from zeta_exp.strategies import Accumulation, ExactGradient, Streamed
from zeta_exp.strategies.kept import KEPT_BYTES, KeptGraphs

WIDTH, ROWS = 8, 100


def product(weight):
    """A sum whose graph keeps one float32 tensor (ROWS, WIDTH) and the weight."""
    x = torch.ones(ROWS, WIDTH)
    return {"mse": (x @ weight).sum()}, weakref.ref(x)


@pytest.fixture
def weight():
    return torch.ones(WIDTH, 1, requires_grad=True)


def budget(monkeypatch, graphs):
    monkeypatch.setitem(KEPT_BYTES, "cpu", int(graphs * 4 * ROWS * WIDTH))


def test_as_many_as_fit_are_kept_in_order_without_the_parameters(monkeypatch, weight):
    budget(monkeypatch, 3.5)
    kept, graphs = KeptGraphs([weight]), []
    while kept.has_room:
        with kept.measured():
            graphs.append(product(weight)[0])
        kept.put(graphs[-1])
    assert len(kept) == len(graphs) == 3
    assert [kept.take() for _ in range(3)] == graphs
    assert not kept


def test_one_that_is_too_large_is_not_kept_and_none_is_tried_again(monkeypatch, weight):
    budget(monkeypatch, 0.5)
    kept = KeptGraphs([weight])
    assert kept.has_room
    with kept.measured():
        sums, _ = product(weight)
    kept.put(sums)
    assert not kept
    assert not kept.has_room
    kept.clear()
    assert not kept.has_room


def test_views_of_one_tensor_count_once(weight):
    kept = KeptGraphs([weight])
    with kept.measured():
        x = torch.ones(ROWS, WIDTH, requires_grad=True) * 2
        sums = {"mse": (x * x.view(-1).view(ROWS, WIDTH)).sum()}
    kept.put(sums)
    assert kept._taken == 4 * ROWS * WIDTH


def test_what_is_lent_takes_no_room(weight):
    kept, table = KeptGraphs([weight]), torch.ones(2 * ROWS, WIDTH)
    for lent, size in ((None, 4 * ROWS * WIDTH), (table, 0)):
        kept.clear()
        with kept.measured(lent):
            kept.put({"mse": (table[ROWS:] @ weight).sum()})
        assert kept._taken == size


@pytest.mark.parametrize("of_run", [True, False])
def test_features_are_lent_by_the_table_of_a_run_alone(of_run):
    line = make_line()
    table = FeatureTable(line.features, 1, 100, of_run)
    seen, beyond = (
        replace(line, features=table, dtype=torch.float32).runs([Block(5, 60, 5, hi)])
        for hi in (60, 120)
    )
    assert (seen.lent is seen.features) == of_run
    assert beyond.lent is None  # computed
    assert line.runs([Block(5, 60, 5, 60)]).lent is None


def test_a_graph_taken_and_dropped_frees_what_it_held(weight):
    kept = KeptGraphs([weight])
    with kept.measured():
        sums, tensor = product(weight)
    kept.put(sums)
    del sums
    assert tensor() is not None
    kept.take()
    assert tensor() is None


def passes_and_gradients(graphs, monkeypatch):
    """Forward passes and the gradients of steps of four portions, `graphs` of them kept."""
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    terms = loss(rg=0.1)
    monkeypatch.setitem(KEPT_BYTES, "cpu", 2**40)
    exact = ExactGradient(model, terms)
    count = []
    monkeypatch.setattr(KeptGraphs, "has_room", property(lambda kept: len(kept) < graphs))
    model.register_forward_hook(lambda *_: count.append(1))
    passes, found = [], []
    visits = Streamed(80, 1, 0).open(line, SPLIT, terms, model, ALONE)
    for epoch in range(2):
        count.clear()
        model.zero_grad()
        for step in visits.epoch(epoch):
            for _ in exact.of(step, Accumulation()):
                pass
        passes.append(len(count))
        found.append([p.grad.clone() for p in model.parameters()])
    return passes, found


@pytest.mark.parametrize("graphs", [1, 3, 4])
def test_what_is_kept_is_not_computed_again_and_changes_no_bit(monkeypatch, graphs):
    views = 3  # the line and its cells of 2 and 4; of rg, a mean, the second step knows the counts
    plain, expected = passes_and_gradients(0, monkeypatch)
    fewer, found = passes_and_gradients(graphs, monkeypatch)
    assert plain == [4 * views + 4 * views, 4 + 4 * views]
    rest = 4 - graphs
    assert fewer == [4 * views + rest * views, graphs * views + rest + rest * views]
    for some, others in zip(found, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(some, others, strict=True))


def test_a_step_left_half_done_leaves_no_graph_to_the_next():
    line = make_line(offsets=(1, 2), start=3, count=330)
    model, terms = make_model("relational", line), loss(rg=0.1)
    exact = ExactGradient(model, terms)
    visits = Streamed(80, 2, 0).open(line, SPLIT, terms, model, ALONE)
    first, second = visits.epoch(0)
    next(exact.of(first, Accumulation()))  # one portion of it, kept
    for _ in exact.of(second, Accumulation()):
        pass
    found = [p.grad.clone() for p in model.parameters()]
    for _ in ExactGradient(model, terms).of(second, Accumulation()):
        pass
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), found, strict=True))
