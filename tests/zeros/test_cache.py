"""The cache of runs: bounded, computed once, shared by threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.zeros.cache import RUN, RunCache, aligned_pieces


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_pieces_tile_the_range_and_are_cut_where_runs_begin(start, length):
    pieces = aligned_pieces(start, start + length)
    assert [n for piece in pieces for n in piece][1:-1:2] == [low for low, _ in pieces[1:]]
    if length:
        assert (pieces[0][0], pieces[-1][1]) == (start, start + length)
    for low, high in pieces:
        assert low < high
        assert (low - 1) // RUN == (high - 2) // RUN


def test_least_recently_used_is_dropped():
    asked = []
    cache = RunCache(lambda key: asked.append(key) or -key, capacity=2)
    assert [cache(key) for key in (1, 2, 1, 3, 1, 2)] == [-1, -2, -1, -3, -1, -2]
    assert asked == [1, 2, 3, 2]
    assert len(cache) == 2


def test_threads_share_one_computation():
    asked, entered, go_on = [], threading.Event(), threading.Event()

    def compute(key):
        asked.append(key)
        entered.set()
        assert go_on.wait(10)
        return object()

    cache = RunCache(compute, capacity=4)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(cache, 7) for _ in range(4)]
        assert entered.wait(10)
        go_on.set()
        values = [future.result(10) for future in futures]
    assert asked == [7]
    assert all(value is values[0] for value in values)


def test_a_failure_is_raised_and_forgotten():
    failures = [RuntimeError("once")]

    def compute(key):
        if failures:
            raise failures.pop()
        return key

    cache = RunCache(compute, capacity=2)
    with pytest.raises(RuntimeError, match="once"):
        cache(3)
    assert cache(3) == 3
