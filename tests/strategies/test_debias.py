"""Terms that are no means, from two halves of a step: unbiased where one step alone is not."""

from itertools import permutations

import numpy as np
import pytest
import torch

from tests.conftest import make_line, make_model
from tests.strategies.small import SPLIT, batches, gradients, loss, make, minibatch, visits
from zeta_exp.graph import Block
from zeta_exp.graph.partitions import metis_membership
from zeta_exp.losses import make_loss
from zeta_exp.losses.weighted import add_statistics
from zeta_exp.models import Model
from zeta_exp.strategies import Step


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


@pytest.mark.parametrize("name", ["gue_mmd", "gue_nll_matched"])
def test_all_pairs_of_blocks_give_the_gradient_of_the_line(name):
    """E over ordered pairs of different blocks = full − (Σ_i of the blocks alone − full)/(K−1).

    With d_i a block's mean deviation, Σ_{i≠j} d_i d_j/K(K−1) = |d|² − (mean |d_i|² − |d|²)/(K−1):
    the value of the line but for the correction of a finite population, where a single block is
    off by K − 1 times as much.
    """
    line, model = make()
    windows = {"reference": "gaudin", "windows": [1, 8]}
    terms = make_loss({name: 1.0}, "smooth", {"form": "block_spin"}, windows)
    term = terms.terms[name]
    halo = model.receptive_field + term.margin
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


@pytest.mark.parametrize("name", ["gue_mmd", "gue_nll_matched"])
@pytest.mark.parametrize("partition", ["contiguous", "metis"])
def test_the_mean_over_many_steps_is_the_value_of_the_line(partition, name):
    """Where a plain step is off by the variance of its mean, many of its standard errors.

    What is drawn without replacement from K clusters falls short of independence by 1/(K − 1).
    """
    line, model, terms, clusters = make()[0], Walk(), loss(), 27

    def values(per_step, debias, epochs=1):
        options = {"parts": clusters, "blocks_per_step": per_step, "partition": partition}
        opened = visits(minibatch(debias=debias, **options), line, model)
        for batch in (b for epoch in range(epochs) for b in batches(opened, epoch)):
            found = terms.values(terms.statistics(batch, model(batch), model, [name]))
            yield float(found[name])

    (truth,) = values(clusters, debias=False)
    alone = np.mean(list(values(1, debias=False)))
    expected = truth - (alone - truth) / (clusters - 1)
    plain, halved = (np.array(list(values(3, debias, epochs=60))) for debias in (False, True))
    errors = [sample.std() / np.sqrt(len(sample)) for sample in (plain, halved)]
    assert plain.mean() - expected > 10 * errors[0]
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
