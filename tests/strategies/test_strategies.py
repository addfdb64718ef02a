"""Every strategy visits each training ordinal once an epoch, in an order seed and epoch fix."""

from collections import Counter
from typing import ClassVar

import pytest
import torch

from tests.conftest import make_line, make_model
from zeta_exp.errors import UserError
from zeta_exp.losses import make_loss
from zeta_exp.ranks import ALONE, Ranks
from zeta_exp.split import Split
from zeta_exp.strategies import FullBatch, MiniBatch, Streamed

SPLIT = Split(start=3, N=330)  # trains on [3, 300)


def minibatch(block_size=None, parts=None, halo=None, partition="contiguous", blocks_per_step=3):
    return MiniBatch(block_size, parts, blocks_per_step, halo, partition, seed=0)


STRATEGIES = {
    "fullbatch": FullBatch(),
    "streamed": Streamed(block_size=50, steps_per_epoch=1, seed=0),
    "in steps": Streamed(block_size=50, steps_per_epoch=4, seed=0),
    "blocks": minibatch(block_size=20),
    "ragged": minibatch(block_size=41),
    "parts": minibatch(parts=7),
    "whole": minibatch(parts=1),
    "cut": minibatch(block_size=20, halo=False),
    "metis": minibatch(parts=11, partition="metis"),
    "metis alone": minibatch(parts=11, partition="metis", blocks_per_step=1),
}


@pytest.fixture(params=STRATEGIES)
def strategy(request):
    return STRATEGIES[request.param]


class Together(Ranks):
    """Processes that agree in one."""

    said: ClassVar = {}

    def agree(self, value):
        return self.said.setdefault(self.world, value)


def loss(rg=0.0):
    return make_loss({"mse": 1.0, "gue_mmd": 0.1, "rg": rg}, "smooth", {"form": "block_spin"})


def visits(strategy, ranks=ALONE):
    line = make_line(offsets=(1, 2), start=3, count=330)
    return strategy.open(line, SPLIT, loss(), make_model("relational", line), ranks)


def owned(step):
    """The ordinals that each portion of a step answers for."""
    if step.idle:
        return []
    return [int(n) for batch in step.batches(0) for n in batch.ordinals[batch.owned]]


@pytest.mark.parametrize("world", [1, 2, 5])
def test_an_epoch_owns_every_training_ordinal_once(strategy, world):
    if world > 1 and strategy in (STRATEGIES["fullbatch"], STRATEGIES["metis"]):
        with pytest.raises(UserError, match=r"fullbatch|metis"):
            visits(strategy, Together(1, world))
        return
    Together.said.clear()
    opened = [visits(strategy, Together(rank, world)) for rank in range(world)]
    epochs = [list(one.epoch(0)) for one in opened]
    assert {len(steps) for steps in epochs} == {opened[0].updates_per_epoch}
    counted = Counter()
    for together in zip(*epochs, strict=True):
        ordinals = [n for step in together for n in owned(step)]
        assert {step.nodes for step in together} == {len(ordinals)}
        counted.update(ordinals)
    assert counted == Counter(range(*SPLIT.train))


def test_portions_can_be_asked_for_again_and_from_the_middle(strategy):
    for step in visits(strategy).epoch(0):
        portions = [batch.ordinals[batch.owned].tolist() for batch in step.batches(0)]
        assert len(portions) == step.portions
        for done in range(step.portions):
            rest = [batch.ordinals[batch.owned].tolist() for batch in step.batches(done)]
            assert rest == portions[done:]


def test_no_target_beyond_what_is_owned(strategy):
    for step in visits(strategy).epoch(0):
        for batch in step.batches(0):
            assert batch.scope == SPLIT.train
            assert not batch.target[~batch.known].any()
            assert batch.target[batch.owned].all()


def test_order_is_a_function_of_seed_and_epoch(strategy):
    def order(epoch, skip=0):
        return [owned(step) for step in opened.epoch(epoch, skip)]

    opened = visits(strategy)
    assert order(4) == order(4)
    for skip in range(1, opened.updates_per_epoch + 1):
        assert order(4, skip) == order(4)[skip:]
    if opened.updates_per_epoch > 1:
        assert order(4) != order(5)


def test_batches_have_the_same_bytes_every_time(strategy):
    first, second = (
        [batch.features for step in visits(strategy).epoch(2) for batch in step.batches(0)]
        for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
