"""An epoch visits every block once, in an order that costs nothing to enter in the middle."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeta_exp.strategies.order import (
    WINDOW,
    ShuffledOrder,
    Steps,
    Tiling,
    WindowedOrder,
    dealt,
)
from zeta_exp.zeros.cache import RUN

HIGH = 10**13 - 10**9


@given(start=st.integers(1, 500), nodes=st.integers(2, 300), cut=st.integers(1, 300))
def test_a_tiling_is_the_list_of_blocks(start, nodes, cut):
    stop = start + nodes
    sized, parted = Tiling.of_size(start, stop, cut), Tiling.in_parts(start, stop, min(cut, nodes))
    edges = {
        sized: [*range(start, stop, cut), stop],
        parted: [start + i * nodes // parted.count for i in range(parted.count + 1)],
    }
    for tiling, expected in edges.items():
        assert [tiling.limits(block) for block in range(tiling.count)] == [*pairwise(expected)]
        for ordinal in range(start - 3, stop + 3):
            assert tiling.first_from(ordinal) == np.searchsorted(expected[:-1], ordinal)


@pytest.mark.parametrize("start", [1, RUN, RUN + 1, 40_000, HIGH])
@pytest.mark.parametrize("size", [1000, 1024, RUN, 3 * RUN, 7 * RUN + 1])
def test_blocks_are_grouped_by_the_run_they_begin_in(start, size):
    tiling = Tiling.of_size(start, start + 6 * RUN + 77, size)
    edges = tiling.runs()
    assert edges[0] == 0
    assert edges[-1] == tiling.count
    first = (start - 1) // RUN
    for run, (low, high) in enumerate(pairwise(edges)):
        for block in range(low, high):
            assert (tiling.limits(block)[0] - 1) // RUN == first + run


@pytest.mark.parametrize("nodes", [5 * RUN, 20 * RUN + 12_345])
@pytest.mark.parametrize("size", [700, RUN + 1])
def test_every_block_is_visited_once(nodes, size):
    order = WindowedOrder(Tiling.of_size(1000, 1000 + nodes, size), seed=3)
    blocks = list(order.epoch(7))
    assert len(blocks) == order.count
    assert sorted(blocks) == list(range(order.count))


def test_the_order_is_a_function_of_seed_and_epoch():
    tiling = Tiling.of_size(1, 30 * RUN, 1000)
    order = list(WindowedOrder(tiling, seed=0).epoch(0))
    assert order == list(WindowedOrder(tiling, seed=0).epoch(0))
    assert order != list(WindowedOrder(tiling, seed=0).epoch(1))
    assert order != list(WindowedOrder(tiling, seed=1).epoch(0))


def test_a_range_within_a_window_is_shuffled_as_a_whole():
    order = WindowedOrder(Tiling.of_size(1, 1 + WINDOW * RUN, 1024), seed=0)
    blocks = np.array(list(order.epoch(0)))
    assert abs(np.corrcoef(blocks, np.arange(len(blocks)))[0, 1]) < 0.15  # 3/√512
    halves = blocks[: len(blocks) // 2]
    assert halves.min() < 16 < len(blocks) - 16 < halves.max()


def test_a_source_that_keeps_a_window_is_asked_for_each_run_once():
    tiling = Tiling.of_size(1, 1 + 50 * RUN, 1024)
    runs = np.array([tiling.limits(b)[0] // RUN for b in WindowedOrder(tiling, seed=0).epoch(0)])
    per_window = WINDOW * RUN // 1024
    for run in range(50):
        (places,) = np.nonzero(runs == run)
        assert places[-1] - places[0] < per_window
    assert set(runs[:per_window]) != set(range(WINDOW))  # and the windows come in random order


def test_the_middle_of_an_epoch_of_a_billion_is_reached_by_arithmetic():
    steps = Steps(WindowedOrder(Tiling.of_size(HIGH, HIGH + 10**9, 64), seed=0), per_step=16)
    assert steps.count == -(-(10**9) // (64 * 16))
    skip = steps.count - 2
    last = list(steps.epoch(5, skip))
    assert len(last) == 2
    (before, *rest) = steps.epoch(5, skip - 1)
    assert rest == last
    assert not set(before) & set(last[0])


@settings(max_examples=60)
@given(count=st.integers(1, 60), per_step=st.integers(1, 70), epoch=st.integers(0, 3))
def test_steps_are_few_and_equal(count, per_step, epoch):
    order = ShuffledOrder(count, seed=1)
    steps = Steps(order, per_step)
    made = list(steps.epoch(epoch))
    assert len(made) == steps.count == -(-count // per_step)
    sizes = set(map(len, made))
    assert max(sizes) <= per_step
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) > 1 or per_step <= 2 or count == 1  # none that can't be halved
    assert [block for step in made for block in step] == list(order.epoch(epoch))
    for skip in (1, len(made) // 2, len(made)):
        assert list(steps.epoch(epoch, skip)) == made[skip:]


def test_the_windows_of_an_epoch_are_shuffled_apart():
    """A window's shuffle is neither the permutation of the windows nor another window's."""
    order = WindowedOrder(Tiling.of_size(1, 1 + WINDOW * WINDOW * RUN, RUN), seed=0)
    blocks = np.array(list(order.epoch(0))).reshape(WINDOW, WINDOW)
    shuffles = {tuple(window % WINDOW) for window in blocks}
    assert len(shuffles) == WINDOW
    assert tuple(blocks[:, 0] // WINDOW) not in shuffles


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 100, 141, 1000])
def test_what_is_dealt_comes_from_all_along(count):
    groups = dealt(count, np.random.default_rng(0))
    assert sorted(np.concatenate(groups)) == list(range(count))
    stretch = -(-count // WINDOW)
    assert len(groups) <= stretch
    for group in groups:
        assert len(set(group // stretch)) == len(group)  # no two of one stretch
        assert len(group) >= count // stretch - 1


def test_each_window_of_a_long_line_is_from_all_along_it():
    """Neighbouring runs would leave a network fitted to those that came last."""
    tiling = Tiling.of_size(1, 1 + 64 * RUN, 1024)
    places = np.array(list(WindowedOrder(tiling, seed=0).epoch(0))) / tiling.count
    for part in np.split(places, 64):  # a quarter of a window each
        assert np.quantile(part, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.06)
