"""Mini-batches: exact on what they own, unbiased where they are halved, the same for any ranks."""

from itertools import permutations

import numpy as np
import pytest
import torch

from tests.conftest import make_line, make_model
from zeta_exp.errors import UserError
from zeta_exp.graph import Block, adelic_offsets
from zeta_exp.graph.partitions import metis_membership
from zeta_exp.losses import make_loss
from zeta_exp.losses.weighted import add_statistics
from zeta_exp.models import Model
from zeta_exp.ranks import ALONE, Ranks
from zeta_exp.split import Split
from zeta_exp.strategies import Accumulation, ExactGradient, FullBatch, MiniBatch, Step
from zeta_exp.strategies import minibatch as module

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


def test_one_huge_mini_batch_is_the_full_batch():
    line, model = make()
    results = []
    for strategy in (FullBatch(), minibatch(block_size=20, blocks_per_step=100)):
        (step,) = visits(strategy, line, model).epoch(0)
        results.append([g.clone() for g in gradients(model, loss(), step)])
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


def test_a_step_has_two_halves_of_its_clusters():
    for strategy in (minibatch(block_size=20, blocks_per_step=4), minibatch(parts=9, halo=False)):
        for batch in batches(visits(strategy)):
            assert batch.half.shape == (len(batch.blocks), 1)
            first = int(batch.half.sum())
            assert first == len(batch.blocks) // 2 > 0


def test_halves_of_metis_steps_are_whole_clusters():
    line, model = make()
    part = metis_membership(297, line.offsets, 11)
    opened = visits(minibatch(parts=11, partition="metis", blocks_per_step=4), line, model)
    for batch in batches(opened):
        of_half = [set(part[batch.ordinals[h] - 3]) for h in (batch.half, ~batch.half)]
        assert all(of_half)
        assert not of_half[0] & of_half[1]


@pytest.mark.parametrize(
    "options",
    [
        {"block_size": 20, "blocks_per_step": 1},
        {"block_size": 20, "debias": False},
        {"block_size": 20, "blocks_per_step": 15},
        {"parts": 1},
    ],
)
def test_no_halves_of_one_cluster_or_the_whole_line(options):
    assert all(batch.half is None for batch in batches(visits(minibatch(**options))))


def whole_total(line, model, term, blocks):
    """The total over some blocks, as if they were the line."""
    total = None
    for block in blocks:
        batch = line.runs([block], SPLIT.train)
        total = add_statistics(total, {"": term.statistics(batch, model(batch), model)})
    return total[""]


def test_all_pairs_of_blocks_give_the_gradient_of_the_line():
    """E over ordered pairs of different blocks = full − (Σ_i of the blocks alone − full)/(K−1).

    With d_i a block's mean deviation, Σ_{i≠j} d_i d_j/K(K−1) = |d|² − (mean |d_i|² − |d|²)/(K−1):
    the value of the line but for the correction of a finite population, where a single block is
    off by K − 1 times as much.
    """
    line, model = make()
    terms = make_loss({"gue_mmd": 1.0}, "smooth", {"form": "block_spin"})
    term = terms.terms["gue_mmd"]
    halo = model.receptive_field + 1
    blocks = [Block.with_halo(first, first + 27, halo) for first in range(3, 300, 27)]
    parameters = list(model.parameters())

    def slope(value):
        return torch.cat([g.flatten() for g in torch.autograd.grad(value, parameters)])

    full = slope(term.value(whole_total(line, model, term, blocks)))
    alone = sum(slope(term.value(whole_total(line, model, term, [b]))) for b in blocks) / 11
    pairs = []
    for chosen in permutations(blocks, 2):
        batch = line.runs(chosen, SPLIT.train, half=np.array([True, False]))
        step = Step(54, 1, lambda done, batch=batch: iter([batch]), "")
        pairs.append(torch.cat([g.flatten().clone() for g in gradients(model, terms, step)]))
    mean = sum(pairs) / len(pairs)
    torch.testing.assert_close(mean, full - (alone - full) / 10, rtol=1e-9, atol=1e-12)
    assert (mean - full).norm() < 0.11 * (alone - full).norm()


class Walk(Model):
    """Outputs whose spacings are independent, of a gamma law of variance 1/4."""

    receptive_field = 2

    def __init__(self):
        super().__init__()
        spacings = np.random.default_rng(5).gamma(4, 1 / 4, 400)
        self._values = torch.from_numpy(np.cumsum(spacings - 1))

    def forward(self, batch):
        return self._values[batch.ordinals]


@pytest.mark.parametrize("partition", ["contiguous", "metis"])
def test_the_mean_over_many_steps_is_the_value_of_the_line(partition):
    """Where a plain step is off by the variance of its mean, many of its standard errors.

    What is drawn without replacement from K clusters falls short of independence by 1/(K − 1).
    """
    line, model, terms, clusters = make()[0], Walk(), loss(), 27

    def values(per_step, debias, epochs=1):
        options = {"parts": clusters, "blocks_per_step": per_step, "partition": partition}
        opened = visits(minibatch(debias=debias, **options), line, model)
        for batch in (b for epoch in range(epochs) for b in batches(opened, epoch)):
            found = terms.values(terms.statistics(batch, model(batch), model, ["gue_mmd"]))
            yield float(found["gue_mmd"])

    (truth,) = values(clusters, debias=False)
    alone = np.mean(list(values(1, debias=False)))
    expected = truth - (alone - truth) / (clusters - 1)
    plain, halved = (np.array(list(values(3, debias, epochs=60))) for debias in (False, True))
    errors = [sample.std() / np.sqrt(len(sample)) for sample in (plain, halved)]
    assert plain.mean() - expected > 20 * errors[0]
    assert abs(halved.mean() - expected) < 3 * errors[1]


def test_a_step_of_one_of_two_clusters_leaves_the_term_out():
    """An odd number of clusters in pairs: one step has one, and no second half."""
    terms = loss()
    line, model = make()
    strategy = minibatch(parts=7, blocks_per_step=2)
    lone = [b for b in batches(visits(strategy, line, model)) if len(b.blocks) == 1]
    assert len(lone) == 1
    values = terms.values(terms.statistics(lone[0], model(lone[0]), model))
    assert "gue_mmd" not in values
    assert "mse" in values


def test_the_bias_of_a_mini_batch_is_named():
    model = make_model("relational", make_line())

    def notes(**options):
        return minibatch(**options).notes(SPLIT, loss(), model)

    assert notes(block_size=64) == []
    assert notes(block_size=64, blocks_per_step=5, debias=False) == []  # 5 hold the line
    for options in ({"debias": False}, {"blocks_per_step": 1}):
        (note,) = notes(block_size=64, **options)
        assert note.startswith("gue_mmd is no mean")
    only_means = make_loss({"mse": 1.0}, "smooth", {"form": "block_spin"})
    assert minibatch(block_size=64, debias=False).notes(SPLIT, only_means, model) == []


# ranks


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
