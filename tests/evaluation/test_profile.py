"""The error profile: windows spread evenly over the line, and the errors in them."""

import json

import numpy as np
import pytest

from zeta_exp.evaluation.profile import MOST, Profile, ProfileErrors, profile_windows
from zeta_exp.result import write_result
from zeta_exp.split import Split

SIZES = (100, 149, 1_000, 119_150, 119_151, 119_200, 10**6, 10**9)


@pytest.mark.parametrize("start", [1, 10**12])
@pytest.mark.parametrize("N", SIZES)
def test_windows_lie_evenly_on_the_line(start, N):
    split = Split(start, N)
    windows = profile_windows(split)
    flat = [end for window in windows for end in window]
    assert flat == sorted(flat)
    assert split.start <= flat[0]
    assert flat[-1] <= split.next_tenth[1]
    assert all(stop > first for first, stop in windows)
    assert sum(stop - first for first, stop in windows) <= MOST
    edges = split.start + N * np.arange(56) / 50
    for place, (first, stop) in enumerate(windows):
        assert edges[place] - 1 <= first < stop <= edges[place + 1] + 1


@pytest.mark.parametrize("N", SIZES)
def test_no_window_crosses_into_validation_or_beyond(N):
    split = Split(1, N)
    windows = profile_windows(split)
    for places, (start, stop) in (
        (slice(0, 45), split.train),
        (slice(45, 50), split.validation),
        (slice(50, 55), split.next_tenth),
    ):
        assert all(start <= first < last <= stop for first, last in windows[places])


@pytest.mark.parametrize("N", [100, 149, 1_000, 119_150])
def test_a_short_line_is_tiled(N):
    split = Split(7, N)
    windows = profile_windows(split)
    covered = [n for first, stop in windows for n in range(first, stop)]
    assert covered == list(range(split.start, split.next_tenth[1]))


@pytest.mark.parametrize("N", [1_000, 10**6])
@pytest.mark.parametrize("longest", [37, 8_192])
def test_stretches_are_the_windows_and_no_longer(N, longest):
    split = Split(1, N)
    stretches = ProfileErrors(split).stretches(longest)
    assert all(0 < stop - first <= longest for first, stop in stretches)
    assert ordinals(stretches) == ordinals(profile_windows(split))


def ordinals(ranges):
    return [n for first, stop in ranges for n in range(first, stop)]


@pytest.mark.parametrize("N", [1_000, 300_000])
def test_pieces_of_any_length_give_the_errors_of_the_windows(N):
    split, rng = Split(11, N), np.random.default_rng(0)
    start, stop = split.start, split.next_tenth[1]
    true = rng.standard_normal(stop - start)
    predicted = true + 0.1 * rng.standard_normal(stop - start)
    errors = ProfileErrors(split)
    cuts = np.sort(rng.choice(np.arange(start + 1, stop), 30, replace=False)).tolist()
    for low, high in zip([start, *cuts], [*cuts, stop], strict=True):
        place = slice(low - start, high - start)
        errors.add(low, predicted[place], true[place])
    profile = errors.profile
    for first, last, rmse in zip(profile.first, profile.last, profile.rmse, strict=True):
        place = slice(first - start, last + 1 - start)
        direct = np.sqrt(np.mean((predicted - true)[place] ** 2))
        assert rmse == pytest.approx(direct, rel=1e-12)


@pytest.mark.parametrize("ratio", [1, 3.5])
def test_a_model_good_on_one_half_shows_by_how_much(ratio):
    """The error is constant on each half of the line, which the fifth tenth's end parts."""
    split = Split(1, 1_000)
    error = np.where(np.arange(1, 1_101) <= 500, 0.01, 0.01 * ratio)
    errors = ProfileErrors(split)
    errors.add(1, error, np.zeros(1_100))
    assert errors.profile.tenths == pytest.approx([0.01] * 5 + [0.01 * ratio] * 6)
    assert errors.profile.worst_over_best == pytest.approx(ratio)


def test_neither_the_lowest_zeros_nor_those_beyond_are_compared():
    rmse = np.full(55, 0.01)
    rmse[:5], rmse[50:] = 5, 1e-6
    assert Profile.over(Split(1, 1_000), rmse).worst_over_best == pytest.approx(1)


def test_a_tenth_is_the_root_mean_square_of_its_windows():
    rmse = np.random.default_rng(0).uniform(1, 2, 55)
    tenths = Profile.over(Split(1, 1_000), rmse).tenths
    assert tenths == pytest.approx(
        [np.sqrt(np.mean(rmse[i : i + 5] ** 2)) for i in range(0, 55, 5)]
    )


def test_it_comes_back_from_result_json(tmp_path):
    """With NaN, which JSON has not, where a model has diverged."""
    rmse = np.random.default_rng(0).uniform(1, 2, 55)
    for broken in (False, True):
        rmse[20] = np.nan if broken else rmse[20]
        profile = Profile.over(Split(1, 1_000), rmse)
        write_result(tmp_path, profile.as_result())
        result = json.loads((tmp_path / "result.json").read_text())
        again = Profile.of(result)
        for name in ("first", "last", "rmse"):
            assert np.array_equal(getattr(again, name), getattr(profile, name), equal_nan=True)
        expected = None if broken else profile.worst_over_best
        assert result["profile_worst_over_best"] == expected


def test_an_exact_model_has_no_ratio():
    assert np.isnan(Profile.over(Split(1, 1_000), np.zeros(55)).worst_over_best)


def test_a_result_of_an_older_version_has_none():
    assert Profile.of({"val_rmse": 0.01}) is None
