"""Every strategy visits each training ordinal once an epoch, in an order seed and epoch fix."""

from collections import Counter

import numpy as np
import pytest
import torch

from tests.conftest import make_line, make_model
from zeta_exp.errors import UserError
from zeta_exp.graph import Block, adelic_offsets
from zeta_exp.graph.partitions import metis_clusters
from zeta_exp.losses import make_loss
from zeta_exp.split import Split
from zeta_exp.strategies import FullBatch, MiniBatch

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


STRATEGIES = {
    "fullbatch": FullBatch(),
    "blocks": minibatch(block_size=20),
    "ragged": minibatch(block_size=41),
    "parts": minibatch(parts=7),
    "cut": minibatch(block_size=20, halo=False),
    "metis": minibatch(parts=11, partition="metis"),
}


def loss(rg=0.0, form="block_spin"):
    return make_loss({"mse": 1.0, "gue_mmd": 0.1, "rg": rg}, "smooth", {"form": form})


def visits(strategy, seed_line=None, model=None):
    line = seed_line or make_line(offsets=(1, 2), start=3, count=330)
    model = model or make_model("relational", line)
    return strategy.open(line, SPLIT, loss(), model)


@pytest.fixture(params=STRATEGIES)
def strategy(request):
    return STRATEGIES[request.param]


def test_an_epoch_owns_every_training_ordinal_once(strategy):
    opened = visits(strategy)
    batches = list(opened.epoch(0))
    assert len(batches) == opened.updates_per_epoch
    owned = Counter(int(n) for b in batches for n in b.ordinals[b.owned])
    assert owned == Counter(range(*SPLIT.train))
    assert all(b.scope == SPLIT.train for b in batches)
    assert sum(b.owned_count for b in batches) == 297


def test_no_target_beyond_what_is_owned(strategy):
    for batch in visits(strategy).epoch(0):
        assert not batch.target[~batch.owned].any()
        assert batch.target[batch.owned].all()


@pytest.mark.parametrize("parts", [1, 7, 100, 148])
def test_parts_is_the_number_of_clusters(parts):
    for partition in ("contiguous", "metis") if parts < 100 else ("contiguous",):
        strategy = minibatch(parts=parts, partition=partition, blocks_per_step=1)
        sizes = [batch.owned_count for batch in visits(strategy).epoch(0)]
        assert len(sizes) == parts
        if partition == "contiguous":
            assert max(sizes) - min(sizes) <= 1


def test_order_is_a_function_of_seed_and_epoch(strategy):
    def order(epoch, skip=0):
        return [b.ordinals[b.owned].tolist() for b in opened.epoch(epoch, skip)]

    opened = visits(strategy)
    assert order(4) == order(4)
    assert order(4, skip=1) == order(4)[1:]
    if opened.updates_per_epoch > 1:
        assert order(4) != order(5)


def test_gradient_of_full_batch_is_that_of_the_whole_line():
    """One huge mini-batch with its halo is the full batch."""
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    gradients = []
    for strategy in (FullBatch(), minibatch(block_size=20, blocks_per_step=100)):
        model.zero_grad()
        (batch,) = visits(strategy, line, model).epoch(0)
        strategy.gradient(model, loss(), batch)
        gradients.append([p.grad.clone() for p in model.parameters()])
    for full, blocks in zip(*gradients, strict=True):
        torch.testing.assert_close(full, blocks, rtol=1e-6, atol=1e-10)


def test_spacings_of_clusters_stay_within_a_cluster():
    opened = visits(STRATEGIES["metis"])
    clusters = {n: c for c, block in enumerate(_parts(opened)) for n in block}
    pairs = 0
    for batch in opened.epoch(0):
        left, right = batch.ordinals[:-1][batch.pairs], batch.ordinals[1:][batch.pairs]
        assert torch.equal(right, left + 1)
        assert [clusters[int(n)] for n in left] == [clusters[int(n)] for n in right]
        pairs += len(left)
    assert 0.8 * 297 < pairs < 297


def _parts(opened):
    part = opened._part
    return [np.flatnonzero(part == k) + SPLIT.train[0] for k in range(part.max() + 1)]


def test_cluster_batches_are_those_of_pyg():
    """The edges of a batch are the ones that `ClusterLoader` hands out."""
    from torch_geometric.loader import ClusterLoader

    offsets = adelic_offsets([2, 3, 5])
    clusters = metis_clusters(*SPLIT.train, offsets=offsets, parts=11)
    line = make_line(offsets=offsets, start=3, count=330)
    for data in ClusterLoader(clusters, batch_size=3, shuffle=False):
        pyg = {tuple(pair) for pair in data.ordinal[data.edge_index].T.tolist()}
        ordinals = np.sort(data.ordinal.numpy())
        batch = line.cluster(ordinals, ordinals * 0, SPLIT.train)
        edge_index, _ = batch.graph.edges
        assert {tuple(pair) for pair in batch.ordinals[edge_index].T.tolist()} == pyg


def test_rg_with_minibatch_is_refused_unless_local():
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    for form in ("block_spin", "dilation"):
        with pytest.raises(UserError, match=r"rg=0.1 with strategy=minibatch.*form=local"):
            minibatch(block_size=64).check(SPLIT, loss(0.1, form), model)
        FullBatch().check(SPLIT, loss(0.1, form), model)
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


def test_the_advised_block_size_is_enough():
    line = make_line(offsets=(1, 2), start=3, count=330)
    model = make_model("relational", line)
    for halo in (True, False):
        with pytest.raises(UserError) as refusal:
            minibatch(block_size=8, halo=halo).check(SPLIT, loss(0.1, "local"), model)
        advised = int(str(refusal.value).split("block_size=")[1].split()[0])
        strategy = minibatch(block_size=advised, halo=halo, blocks_per_step=1)
        strategy.check(SPLIT, loss(0.1, "local"), model)
        local = loss(0.1, "local")
        for batch in strategy.open(line, SPLIT, local, model).epoch(0):
            if batch.owned_count == advised:
                counted = local.terms["rg"].statistics(batch, model(batch), model)[1::3]
                assert (counted > 0).all()


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


def test_the_bias_of_a_mini_batch_is_named():
    assert FullBatch().notes(loss()) == []
    (note,) = minibatch(block_size=64).notes(loss())
    assert note.startswith("gue_mmd is no mean")


def test_a_batch_too_small_for_any_term_leaves_the_model_alone():
    line = make_line(offsets=(1,), start=3, count=330)
    model = make_model("relational", line)
    only_rg = make_loss({"rg": 1.0}, "smooth", {"form": "local"})
    tiny = line.runs([Block.with_halo(40, 42, 2)], scope=SPLIT.train)
    assert minibatch(block_size=64).gradient(model, only_rg, tiny) == 0
    assert all(p.grad is None for p in model.parameters())


def test_memory_estimate_counts_the_views_of_rg():
    model = make_model("relational", make_line())
    bytes_of = [FullBatch().peak_bytes(SPLIT, loss(rg), model, dim=100) for rg in (0.0, 0.1)]
    assert bytes_of[1] > 1.5 * bytes_of[0]


def test_memory_estimate_grows_with_what_is_seen_at_once():
    model = make_model("relational", make_line())
    big = Split(start=1, N=10**6)
    full = FullBatch().peak_bytes(big, loss(), model, dim=100)
    assert full > 90 * FullBatch().peak_bytes(Split(start=1, N=10**4), loss(), model, dim=100)
    small = minibatch(block_size=64)
    assert small.peak_bytes(big, loss(), model, 100) < full / 1000
