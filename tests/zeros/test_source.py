"""Sources of zeros: computed, and shuffled as a control."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.theory.counting import unfold
from zeta_exp.zeros import MAX_ORDINAL, ComputedZeros, ShuffledZeros, block, generate
from zeta_exp.zeros.cache import RUN, aligned_pieces

SPLIT = Split(start=60_001, N=20_000)  # a window of 2^16 ends within its training range


@pytest.fixture(scope="module")
def computed():
    return ComputedZeros()


@pytest.fixture(scope="module")
def shuffled():
    return ShuffledZeros(SPLIT, seed=3)


@pytest.mark.parametrize(
    ("start", "stop"), [(1, 2), (1, 301), (RUN - 5, RUN + 9), (RUN + 1, RUN + 1)]
)
def test_computed_zeros_are_the_engines(computed, start, stop):
    expected = block(start, stop - start) if stop > start else None
    assert computed.ordinates(start, stop).shape == (stop - start,)
    if expected:
        assert np.array_equal(computed.ordinates(start, stop), expected.ordinates)
        assert np.array_equal(computed.residuals(start, stop), expected.residuals)


def test_callers_cannot_spoil_the_cache(computed):
    first = computed.residuals(1, 100)
    first[:] = 0
    assert np.array_equal(computed.residuals(1, 100), block(1, 99).residuals)


def test_the_last_run_ends_at_the_engines_limit(computed):
    last = computed.ordinates(MAX_ORDINAL, MAX_ORDINAL + 1)
    assert last == pytest.approx([42653549.760951556], abs=1e-8)
    with pytest.raises(UserError, match=str(MAX_ORDINAL)):
        computed.ordinates(MAX_ORDINAL, MAX_ORDINAL + 2)


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
