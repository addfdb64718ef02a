"""Sources of zeros: computed, and shuffled as a control."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.theory.counting import smooth_height, unfold
from zeta_exp.zeros import (
    MAX_ORDINAL,
    ComputedZeros,
    ShuffledZeros,
    ZeroBlock,
    block,
    engine,
    generate,
)
from zeta_exp.zeros.cache import CAPACITY, RUN, aligned_pieces

SPLIT = Split(start=60_001, N=20_000)  # a window of 2^16 ends within its training range


@pytest.fixture(scope="module")
def computed():
    return ComputedZeros()


@pytest.fixture(scope="module")
def true_residuals():
    return block(1, 7 * RUN).residuals


@pytest.fixture(scope="module")
def shuffled():
    return ShuffledZeros(SPLIT, seed=3)


@pytest.mark.parametrize(
    ("start", "stop"), [(1, 2), (1, 301), (RUN - 5, RUN + 9), (RUN + 1, RUN + 1)]
)
def test_computed_zeros_are_the_engines(computed, start, stop):
    assert computed.ordinates(start, stop).shape == (stop - start,)
    if stop > start:
        assert np.array_equal(computed.ordinates(start, stop), generate(start, stop - start))
        assert np.array_equal(computed.residuals(start, stop), block(start, stop - start).residuals)


@settings(max_examples=20, deadline=None)
@given(requests=st.lists(st.tuples(st.integers(1, 5 * RUN), st.integers(1, 2 * RUN)), max_size=4))
def test_what_is_kept_does_not_change_what_is_given(true_residuals, requests):
    source = ComputedZeros(capacity=2)
    for start, length in requests:
        residuals = source.residuals(start, start + length)
        assert np.array_equal(residuals, true_residuals[start - 1 : start - 1 + length])


def test_callers_cannot_spoil_the_cache(computed):
    first = computed.residuals(1, 100)
    first[:] = 0
    assert np.array_equal(computed.residuals(1, 100), block(1, 99).residuals)


@pytest.fixture
def computed_ranges(monkeypatch):
    """The ranges that the engine is asked for."""
    asked = []
    stream = engine.stream

    def noted(start, count):
        asked.append((start, start + count))
        return stream(start, count)

    monkeypatch.setattr(engine, "stream", noted)
    return asked


def test_only_what_is_missing_is_computed_and_in_one_go(computed_ranges):
    source = ComputedZeros()
    source.residuals(RUN + 7, RUN + 9)
    source.residuals(RUN + 1, 2 * RUN + 1)
    assert computed_ranges == [(RUN + 1, 2 * RUN + 1)]
    source.residuals(1, 4 * RUN)
    assert computed_ranges[1:] == [(1, RUN + 1), (2 * RUN + 1, 4 * RUN + 1)]


def test_ordinates_are_kept_once_they_are_asked_for(computed_ranges):
    source = ComputedZeros()
    source.residuals(1, 9)
    assert not any(run.ordinates.size for run in source._kept.values())
    first = source.ordinates(3, 9)
    assert computed_ranges == [(1, RUN + 1)] * 2
    assert np.array_equal(source.ordinates(3, 9), first)
    source.residuals(1, RUN)
    assert len(computed_ranges) == 2
    source.ordinates(1, 3 * RUN)  # of what is missing, all in one go
    assert computed_ranges[2:] == [(RUN + 1, 3 * RUN + 1)]


def test_what_is_kept_is_small(monkeypatch):
    """Of a long line about 16 MiB stay, whatever is read of it."""

    def zeros(start, count):
        yield ZeroBlock(start, 0.0, np.zeros(count), np.zeros(count), 0.0)

    monkeypatch.setattr(engine, "stream", zeros)
    source = ComputedZeros()
    for first in range(1, 100 * RUN, RUN):
        source.residuals(first, first + RUN)
    assert len(source._kept) == CAPACITY
    assert sum(run.residuals.nbytes for run in source._kept.values()) == 20 * 2**20


def test_a_long_request_keeps_the_last_runs_only(computed_ranges):
    source = ComputedZeros(capacity=2)
    assert source.residuals(1, 4 * RUN).size == 4 * RUN - 1
    source.residuals(2 * RUN + 1, 4 * RUN)
    assert computed_ranges == [(1, 4 * RUN + 1)]


def test_where_blocks_are_long_two_of_them_are_computed_at_once(monkeypatch):
    """Reading on in small steps must not compute the same block again and again."""

    def zeros(start, count):
        asked.append(count)
        yield ZeroBlock(start, 0.0, np.zeros(count), np.zeros(count), 0.0)

    asked = []
    monkeypatch.setattr(engine, "stream", zeros)
    for n in (10**9, 10**12, MAX_ORDINAL - 10):
        ComputedZeros().residuals(n, n + 1)
    lengths = [np.sqrt(smooth_height(n) / (2 * np.pi)) for n in (10**9, 10**12)]
    assert [
        2 * length <= count < 2 * length + RUN
        for length, count in zip(lengths, asked, strict=False)
    ]
    assert asked[2] < RUN


def test_zeros_far_up_are_those_of_the_block():
    start, count, source = 10**10, 3, ComputedZeros()
    expected = block(start, count)
    assert np.array_equal(source.residuals(start, start + count), expected.residuals)
    ordinates = source.ordinates(start, start + count)
    assert ordinates == pytest.approx(expected.base + expected.offsets, rel=3e-16)


def test_the_last_zeros_of_the_engine_can_be_had():
    source = ComputedZeros()
    with pytest.raises(UserError, match=str(MAX_ORDINAL)):
        source.ordinates(MAX_ORDINAL, MAX_ORDINAL + 2)
    last_run = MAX_ORDINAL // RUN * RUN + 1
    assert source._end_of_missing(last_run, MAX_ORDINAL + 1, False) == MAX_ORDINAL + 1


@pytest.mark.parametrize(("start", "stop"), [(0, 5), (-3, 5), (9, 5)])
def test_ranges_that_cannot_be_met(computed, start, stop):
    with pytest.raises(UserError):
        computed.residuals(start, stop)


def test_threads_agree():
    source = ComputedZeros(capacity=2)
    starts = [1, RUN - 10, 2 * RUN + 5, 5, 3 * RUN - 3, RUN + 7]
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda start: source.ordinates(start, start + 50), starts))
    for start, ordinates in zip(starts, results, strict=True):
        assert np.array_equal(ordinates, generate(start, 50))


def test_provenance_and_notes(computed, shuffled):
    assert computed.provenance() == {"name": "computed"}
    assert computed.notes() == []
    assert shuffled.provenance() == {
        "name": "shuffled",
        "seed": 3,
        "start": SPLIT.start,
        "stop": SPLIT.extrapolation[1],
    }
    assert "control" in shuffled.notes()[0]


RANGES = [SPLIT.train, SPLIT.validation, SPLIT.extrapolation]
WINDOWS = [piece for limits in RANGES for piece in aligned_pieces(*limits)]


@pytest.mark.parametrize(("start", "stop"), WINDOWS)
def test_each_window_is_permuted_within_itself(computed, shuffled, start, stop):
    """A permutation of the range's own values: nothing leaks from one range to another."""
    true, mixed = computed.residuals(start, stop), shuffled.residuals(start, stop)
    assert np.array_equal(np.sort(mixed), np.sort(true))
    assert abs(np.corrcoef(mixed, true)[0, 1]) < 4 / np.sqrt(stop - start)


def test_outside_the_ranges_nothing_moves(computed, shuffled):
    for start, stop in [(SPLIT.start - 50, SPLIT.start), (SPLIT.extrapolation[1], 83_000)]:
        assert np.array_equal(shuffled.residuals(start, stop), computed.residuals(start, stop))
        assert np.array_equal(shuffled.ordinates(start, stop), computed.ordinates(start, stop))


def test_the_seed_decides(shuffled):
    start, stop = SPLIT.train
    again, other = ShuffledZeros(SPLIT, seed=3), ShuffledZeros(SPLIT, seed=4)
    assert np.array_equal(shuffled.residuals(start, stop), again.residuals(start, stop))
    assert not np.array_equal(shuffled.residuals(start, stop), other.residuals(start, stop))


def test_windows_are_shuffled_differently():
    source = ShuffledZeros(Split(start=1, N=200_000), seed=0)
    lengths = source._true.residuals(1, 2 * RUN + 1)
    mixed = source.residuals(1, 2 * RUN + 1)
    first = np.argsort(lengths[:RUN])[np.argsort(np.argsort(mixed[:RUN]))]
    second = np.argsort(lengths[RUN:])[np.argsort(np.argsort(mixed[RUN:]))]
    assert np.mean(first == second) < 0.01


def test_of_the_shuffled_zeros_too_a_range_may_be_empty(shuffled):
    assert shuffled.residuals(SPLIT.start, SPLIT.start).size == 0
    with pytest.raises(UserError):
        shuffled.residuals(0, 5)


def test_of_a_long_line_only_the_windows_asked_for_are_made(computed_ranges):
    source = ShuffledZeros(Split(start=1, N=10**9), seed=0)
    source.residuals(5 * RUN - 30, 5 * RUN + 40)
    assert computed_ranges == [(4 * RUN + 1, 5 * RUN + 1), (5 * RUN + 1, 6 * RUN + 1)]
    assert len(source._shuffled) == 2


@pytest.mark.parametrize("cut", [1, 777, 6000])
def test_any_block_gives_the_same_values(shuffled, cut):
    start, stop = SPLIT.start - 100, SPLIT.extrapolation[1] + 100
    middle = start + cut
    for whole in (shuffled.residuals, shuffled.ordinates):
        parts = np.concatenate([whole(start, middle), whole(middle, stop)])
        assert np.array_equal(parts, whole(start, stop))


def test_ordinates_are_rebuilt_from_the_shuffled_residuals(shuffled):
    start, stop = SPLIT.train[0], SPLIT.extrapolation[1]
    rebuilt = unfold(shuffled.ordinates(start, stop), np.arange(start, stop))
    assert rebuilt == pytest.approx(shuffled.residuals(start, stop), abs=1e-9)


def test_negative_seed_is_refused():
    with pytest.raises(UserError, match="seed=-1"):
        ShuffledZeros(SPLIT, seed=-1)
