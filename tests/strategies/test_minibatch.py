"""Mini-batches: exact on what they own, unbiased where they are halved, the same for any ranks."""

import numpy as np
import pytest
import torch

from tests.conftest import make_line, make_model
from tests.strategies.small import (
    SPLIT,
    batches,
    gradients,
    loss,
    make,
    minibatch,
    no_means,
    visits,
)
from zeta_exp.errors import UserError
from zeta_exp.graph import Block, adelic_offsets
from zeta_exp.graph.partitions import metis_membership
from zeta_exp.losses import make_loss
from zeta_exp.losses.weighted import add_statistics
from zeta_exp.ranks import Ranks
from zeta_exp.split import Split
from zeta_exp.strategies import FullBatch, Step
from zeta_exp.strategies import minibatch as module


@pytest.mark.parametrize("parts", [1, 7, 100, 148])
def test_parts_is_the_number_of_clusters(parts):
    for partition in ("contiguous", "metis") if parts < 100 else ("contiguous",):
        strategy = minibatch(parts=parts, partition=partition, blocks_per_step=1)
        sizes = [step.nodes for step in visits(strategy).epoch(0)]
        assert len(sizes) == parts
        if partition == "contiguous":
            assert max(sizes) - min(sizes) <= 1


def test_clusters_that_metis_leaves_empty_are_no_steps():
    line, model = make(adelic_offsets([2, 3, 5, 7, 11, 13]))
    opened = visits(minibatch(parts=148, partition="metis", blocks_per_step=1), line, model)
    steps = list(opened.epoch(0))
    assert len(steps) == opened.updates_per_epoch < 148
    assert min(step.nodes for step in steps) > 0
    assert sum(step.nodes for step in steps) == 297


@pytest.mark.parametrize("make_terms", [loss, no_means])
def test_one_huge_mini_batch_is_the_full_batch(make_terms):
    line, model = make()
    terms, results = make_terms(), []
    for strategy in (FullBatch(), minibatch(block_size=20, blocks_per_step=100)):
        (step,) = visits(strategy, line, model, terms).epoch(0)
        results.append([g.clone() for g in gradients(model, terms, step)])
    for full, blocks in zip(*results, strict=True):
        torch.testing.assert_close(full, blocks, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", [2, 5, 41, 297])
def test_outputs_are_those_of_the_whole_line(size):
    """Also where the halo is wider than the block, N divides by nothing, one block holds all."""
    line, model = make(adelic_offsets([2, 5]))  # sees 10 ordinals on either side
    with torch.no_grad():
        expected = model(line.runs([Block.with_halo(1, 320, 20)]))[0]
        for batch in batches(visits(minibatch(block_size=size), line, model)):
            found = model(batch)[batch.owned]
            torch.testing.assert_close(found, expected[batch.ordinals[batch.owned] - 1])


def test_spacings_of_clusters_stay_within_a_cluster():
    line, model = make()
    part = metis_membership(297, line.offsets, 11)
    pairs = 0
    for batch in batches(visits(minibatch(parts=11, partition="metis"), line, model)):
        left, right = batch.ordinals[:-1][batch.pairs], batch.ordinals[1:][batch.pairs]
        assert torch.equal(right, left + 1)
        np.testing.assert_array_equal(part[left - 3], part[right - 3])
        pairs += len(left)
    assert 0.8 * 297 < pairs < 297


def test_cluster_batches_are_those_of_pyg():
    """The edges of a batch are the ones that `ClusterLoader` hands out for the same clusters."""
    from torch_geometric.data import Data
    from torch_geometric.loader import ClusterData, ClusterLoader

    from zeta_exp.graph import ClusterGraph

    line, model = make(adelic_offsets([2, 3, 5]))
    part = metis_membership(297, line.offsets, 11)

    class SameClusters(ClusterData):
        def _metis(self, edge_index, num_nodes):
            return torch.from_numpy(part).long()

    ordinals = torch.arange(3, 300)
    edge_index, _ = ClusterGraph(ordinals, line.offsets).edges
    data = Data(edge_index=edge_index, ordinal=ordinals, num_nodes=297)
    loader = ClusterLoader(SameClusters(data, num_parts=11, log=False), batch_size=1)
    expected = {}
    for cluster in loader:
        pairs = {tuple(pair) for pair in cluster.ordinal[cluster.edge_index].T.tolist()}
        expected[frozenset(cluster.ordinal.tolist())] = pairs
    strategy = minibatch(parts=11, partition="metis", blocks_per_step=1)
    found = batches(visits(strategy, line, model))
    assert len(found) == len(expected)
    for batch in found:
        edges, _ = batch.graph.edges
        pairs = {tuple(pair) for pair in batch.ordinals[edges].T.tolist()}
        assert pairs == expected[frozenset(batch.ordinals.tolist())]


def test_a_step_keeps_the_edges_between_its_clusters():
    line, model = make()
    strategy = minibatch(parts=11, partition="metis", blocks_per_step=11)
    (batch,) = batches(visits(strategy, line, model))
    whole, _ = line.cluster(np.arange(3, 300), np.zeros(297), SPLIT.train).graph.edges
    assert torch.equal(batch.graph.edges[0], whole)
    assert batch.half is None  # the whole line needs no halves


def test_a_partition_is_read_from_the_cache(tmp_path, monkeypatch):
    folder = str(tmp_path / "elsewhere")
    strategy = minibatch(parts=11, partition="metis", partition_cache=folder)
    first = batches(visits(strategy))
    monkeypatch.setattr("zeta_exp.graph.partitions.metis_membership", None)
    again = batches(visits(strategy))
    assert all(torch.equal(a.ordinals, b.ordinals) for a, b in zip(first, again, strict=True))
    assert strategy.notes(SPLIT, loss(), make()[1]) == []


def test_what_is_wrong_with_the_cache_is_noted(tmp_path):
    (tmp_path / "taken").write_text("")
    strategy = minibatch(parts=11, partition="metis", partition_cache=str(tmp_path / "taken"))
    visits(strategy)
    (note,) = strategy.notes(SPLIT, loss(), make()[1])
    assert "could not be kept" in note


# halves


@pytest.mark.parametrize("world", [2, 3, 5])
@pytest.mark.parametrize("options", [{"block_size": 20}, {"parts": 7}, {"block_size": 100}])
def test_ranks_share_each_step_and_sum_to_it(world, options):
    line, model = make()
    terms = loss()
    alone = list(visits(minibatch(**options), line, model).epoch(1))
    shared = [
        list(visits(minibatch(**options), line, model, ranks=Ranks(rank, world)).epoch(1))
        for rank in range(world)
    ]
    for step, *parts in zip(alone, *shared, strict=True):
        assert {part.nodes for part in parts} == {step.nodes}
        assert {part.layout for part in parts} == {step.layout}
        (batch,) = step.batches(0)
        expected = terms.statistics(batch, model(batch), model, terms.active)
        total = None
        for part in parts:
            (batch,) = part.batches(0)
            found = terms.statistics(batch, model(batch), model, terms.active)
            assert {n: s.shape for n, s in found.items()} == {
                n: s.shape for n, s in expected.items()
            }
            total = total if part.idle else add_statistics(total, found)
        for name, sums in expected.items():
            torch.testing.assert_close(total[name], sums, rtol=1e-11, atol=1e-11)


def test_a_rank_without_a_block_is_idle():
    opened = visits(minibatch(block_size=100, blocks_per_step=2), ranks=Ranks(2, 3))
    for step in opened.epoch(0):
        assert step.idle
        assert step.portions == len(list(step.batches(0))) == 1
        assert step.nodes > 0


# ahead


def test_working_ahead_changes_no_byte(monkeypatch):
    strategy = minibatch(block_size=20)
    threaded = batches(visits(strategy))
    monkeypatch.setattr(module, "ahead", lambda items, depth: items)
    for one, other in zip(threaded, batches(visits(strategy)), strict=True):
        assert torch.equal(one.features, other.features)
        assert torch.equal(one.target, other.target)
        assert torch.equal(one.owned, other.owned)


def test_skipping_makes_no_batch_before(monkeypatch):
    line, model = make()
    opened = visits(minibatch(block_size=20), line, model)
    made = []
    monkeypatch.setattr(opened, "_batch", lambda *some: made.append(some))
    assert len(list(opened.epoch(0, skip=opened.updates_per_epoch - 1))) == 1
    assert len(made) == 1


# refusals


def test_rg_with_minibatch_is_refused_unless_local():
    _, model = make()
    for form in ("block_spin", "dilation"):
        with pytest.raises(UserError, match=r"rg=0.1 with strategy=minibatch.*form=local"):
            minibatch(block_size=64).check(SPLIT, loss(0.1, form), model)
        minibatch(block_size=64).check(SPLIT, loss(0.0, form), model)
    minibatch(block_size=64).check(SPLIT, loss(0.1, "local"), model)
    with pytest.raises(UserError, match=r"strategy.block_size=\d+ or more"):
        minibatch(block_size=16).check(SPLIT, loss(0.1, "local"), model)
    with pytest.raises(UserError, match="METIS"):
        minibatch(parts=4, partition="metis").check(SPLIT, loss(0.1, "local"), model)


def test_the_mean_unfolding_with_minibatch_is_refused():
    model = make_model("relational", make_line())
    unfolded = make_loss({"mse": 1.0, "gue_nll": 0.1}, "mean", {"form": "block_spin"})
    with pytest.raises(UserError, match=r"gue_nll=0.1 with strategy=minibatch.*spacing=smooth"):
        minibatch(block_size=64).check(SPLIT, unfolded, model)
    FullBatch().check(SPLIT, unfolded, model)


@pytest.mark.parametrize("scales", [(2, 4), (2,), (3, 7)])
@pytest.mark.parametrize("halo", [True, False])
def test_the_advised_block_size_is_enough(scales, halo):
    line, model = make()
    local = loss(0.1, "local", scales)
    with pytest.raises(UserError, match=f"cell of {max(scales)}") as refusal:
        minibatch(block_size=2 * max(scales), halo=halo).check(SPLIT, local, model)
    advised = int(str(refusal.value).split("block_size=")[1].split()[0])
    strategy = minibatch(block_size=advised, halo=halo, blocks_per_step=1)
    strategy.check(SPLIT, local, model)
    for batch in batches(visits(strategy, line, model, local)):
        if int(batch.owned.sum()) == advised:
            counted = local.terms["rg"].statistics(batch, model(batch), model)[1::3]
            assert (counted > 0).all()


def test_metis_beyond_what_it_can_hold_is_refused():
    model = make_model("mlp", make_line())
    huge = Split(start=1, N=10**9)
    minibatch().check(huge, loss(), model)
    with pytest.raises(UserError, match=r"900000000 training ordinals.*partition=contiguous"):
        minibatch(partition="metis").check(huge, loss(), model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block_size": 20, "parts": 3}, "give one of the two"),
        ({"block_size": 1}, "strategy.block_size=1"),
        ({"parts": 0}, "strategy.parts=0"),
        ({"blocks_per_step": 0}, "strategy.blocks_per_step=0"),
        ({"partition": "metis", "halo": True}, "METIS cluster has no halo"),
        ({"partition": "louvain"}, "known: contiguous, metis"),
        ({"block_size": 298}, "does not fit the 297 training ordinals"),
        ({"parts": 298}, "strategy.parts=298"),
    ],
)
def test_impossible_clusters_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        minibatch(**options).check(SPLIT, loss(), make_model("mlp", make_line()))


def test_a_batch_too_small_for_any_term_leaves_the_model_alone():
    line, model = make((1,))
    only_rg = make_loss({"rg": 1.0}, "smooth", {"form": "local"})
    tiny = line.runs([Block.with_halo(40, 42, 2)], scope=SPLIT.train)
    step = Step(2, 1, lambda done: iter([tiny]), "")
    assert all(not g.any() for g in gradients(model, only_rg, step))
