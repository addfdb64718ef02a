"""The peers compute what ours computes, and every benchmark runs at a tiny size."""

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from benchmarks import halo, memory, ours, steps
from benchmarks.harness import Options, Report, Usage
from benchmarks.ours import Setup, Training, compared, line_of, minibatch
from benchmarks.peak import product_operations
from benchmarks.peers import pyg, scripts
from benchmarks.peers.clusters import ClusterTraining
from benchmarks.peers.graphs import edge_list, propagation_weights
from zeta_exp.graph import Block
from zeta_exp.strategies import FullBatch

NODES = 300


def alone(setup):
    """Our batch of 1 … nodes with no node beyond, as the peers have it."""
    block = Block(1, setup.nodes + 1, 1, setup.nodes + 1)
    return line_of(setup, 50).runs([block])


@pytest.mark.parametrize(
    "setup",
    [compared(NODES, "hybrid_gcn"), compared(NODES, "relational"), Setup(NODES)],
    ids=["hybrid_gcn", "relational", "default"],
)
def test_twins_give_our_outputs_and_gradients(setup):
    model = setup.fresh_model()
    data = pyg.data_of(setup)
    twin = pyg.twin(setup, model)
    expected = model(alone(setup))[0]
    found = twin(data.x, data.edge_index, pyg.edge_values(data))
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    expected.square().mean().backward()
    found.square().mean().backward()
    gradient = model.embed.weight.grad
    torch.testing.assert_close(
        twin.embed.weight.grad, gradient, atol=1e-5 * float(gradient.abs().max()), rtol=1e-4
    )


@pytest.mark.parametrize(("model", "taps"), [("hybrid_gcn", 1), ("relational", 15)])
def test_operations_are_those_of_the_products(model, taps):
    """Twice the multiplications forward, four times back; the embedding's input takes none."""
    setup = compared(NODES, model)
    embed, layer, width = setup.features().dim * 64, taps * 64**2, 64
    head = {"hybrid_gcn": 6 * (64**2 + width), "relational": 6 * width + 4 * setup.features().dim}
    a_node = 4 * embed + 3 * 6 * layer + head[model]
    counted = product_operations(pyg.FullBatch(setup).step)
    assert counted == NODES * a_node


def test_the_sparse_matrix_gives_our_outputs():
    setup = compared(NODES, "hybrid_gcn")
    peer = pyg.FullBatch(setup, csr=True)
    found = peer.model(*peer.inputs)
    torch.testing.assert_close(found, setup.fresh_model()(alone(setup))[0], atol=1e-5, rtol=0)


def test_targets_are_those_of_our_batch():
    setup = compared(NODES, "relational")
    assert torch.equal(pyg.targets_of(setup), alone(setup).target[0])


def test_the_edge_list_is_that_of_the_batch():
    setup = compared(NODES, "hybrid_gcn")
    edge_index, _ = edge_list(NODES, setup.offsets, loops=True)
    weights = propagation_weights(edge_index, setup.offsets)
    expected_index, expected_weights = alone(setup).graph.edges

    def dense(index, values):
        return torch.zeros(NODES, NODES).index_put((index[1], index[0]), values.float())

    torch.testing.assert_close(dense(edge_index, weights), dense(expected_index, expected_weights))


def test_an_epoch_of_clusters_visits_each_node_once():
    training = ClusterTraining(compared(NODES, "relational"), 20, 100)
    nodes = [training.step() for _ in range(len(training._loader))]
    assert sum(nodes) == NODES


def test_our_training_visits_each_node_once():
    training = Training(compared(NODES, "relational"), minibatch(50, 2))
    assert sum(training.step() for _ in range(3)) == NODES
    training.load_epoch()
    training.epoch()


def test_the_split_trains_as_many_nodes_as_asked():
    for nodes in (100, 123, 10**9):
        start, stop = Setup(nodes).split.train
        assert stop - start == nodes


def test_scripts_learn():
    script = scripts.FullBatchScript(NODES)
    before = [parameter.clone() for parameter in script.model.parameters()]
    assert script.step() == NODES
    assert all(p.isfinite().all() for p in script.model.parameters())
    changed = zip(before, script.model.parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in changed)
    scripts.MiniBatchScript(NODES, 20, 100).epoch()


def test_the_quadratic_discrepancy_tells_laws_apart():
    torch.manual_seed(0)
    gue = torch.randn(1000, 3).norm(dim=1) / (2 * (2 / torch.pi) ** 0.5)
    equal = torch.ones(1000)
    assert scripts.mmd(gue) < 0.01 < scripts.mmd(equal)
    assert gue.mean() == pytest.approx(1, abs=0.05)


def test_ours_runs_full_batch():
    setup = Setup(NODES, loss="seed")
    assert Training(setup, FullBatch()).step() == NODES


@pytest.mark.soak
def test_steps_report_every_kind_of_row(monkeypatch):
    monkeypatch.setattr(steps, "CLUSTER", 20)
    monkeypatch.setattr(steps, "NODES_PER_STEP", 100)
    monkeypatch.setattr(steps, "BLOCK", 50)
    report = Report(barred=False)
    setup = compared(NODES, "hybrid_gcn")
    steps.full_batch(report, setup, "hybrid_gcn", rounds=1)
    steps.streamed_and_plain(report, setup, "hybrid_gcn", rounds=1)
    steps.mini_batch(report, setup, "hybrid_gcn", rounds=1)
    steps.published(report, NODES, rounds=1)
    assert len(report.rows) == 10
    assert all(row.ours > 0 and row.ratio > 0 for row in report.rows)


def test_a_halo_makes_blocks_exact(monkeypatch):
    monkeypatch.setattr(halo, "BLOCKS", (64, 2_000))
    report = Report()
    halo.measure(report, Options(quick=True, threads=1, docs=False))
    assert all(row.met for row in report.rows)
    head, *body = report.tables["halo"]
    assert {len(cells) for cells in body} == {len(head)}
    cut = [float(cells[4].rstrip("%")) for cells in body]
    assert cut == sorted(cut, reverse=True)
    assert cut[0] > 1


def test_memory_stops_where_the_next_size_would_take_too_much(monkeypatch):
    asked = []

    def measured(function, threads, nodes):
        asked.append(nodes)
        return Usage(nodes / 100, 0.0, nodes / 10, None)

    monkeypatch.setattr(memory, "in_fresh_process", measured)
    sizes = (10**3, 10**4, 10**7)
    memory.growing(Report(), "flat", print, sizes, 1, flat=True)
    assert asked == [1000, 3000]
    asked.clear()
    monkeypatch.setattr(memory, "LONGEST_S", 1e9)
    memory.growing(Report(), "growing", print, sizes, 1, flat=False)
    assert asked == [1000, 10**4]


def test_the_difference_of_mini_batches_is_the_largest(monkeypatch):
    def measured(function, threads, nodes, steps):
        return Usage(nodes / 100, 0.0, 1.0, None)

    monkeypatch.setattr(memory, "in_fresh_process", measured)
    report = Report()
    memory.mini_batches(report, (1_000, 9_000, 5_000), threads=1)
    assert [row.ours for row in report.rows] == [10, 90, 50, 80]
    assert [row.met for row in report.rows] == [None, None, None, False]


def test_what_is_weighed_goes_all_the_way_to_the_update():
    updates = []
    hook = register_optimizer_step_post_hook(lambda *_: updates.append(1))
    counts = []
    for weighed in (
        lambda: ours.streamed_step(NODES),
        lambda: ours.plain_step(NODES),
        lambda: ours.minibatch_steps(NODES, 2),
        lambda: pyg.full_batch_step(NODES),
    ):
        updates.clear()
        weighed()
        counts.append(len(updates))
    hook.remove()
    assert counts == [1, 1, 2, 1]
