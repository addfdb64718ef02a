"""Number statistics against closed forms, direct sums, and Berry's formula for the zeros."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeta_exp.evaluation.statistics import (
    anderson_darling,
    form_factor,
    lag_correlation,
    number_variance,
    pair_correlation,
    rigidity,
    spacing_ratio,
    spacings,
    spectral_statistics,
)
from zeta_exp.evaluation.statistics import spectrum as module
from zeta_exp.evaluation.statistics.blocks import MOST_BLOCKS, Blocks, bootstrap, sign_flip_p_value
from zeta_exp.evaluation.statistics.gaps import law_p_values, same_law_p_values
from zeta_exp.evaluation.statistics.levels import (
    LENGTHS,
    PAIR_EDGES,
    RIGIDITY_LENGTHS,
    TAU,
    WINDOW,
    means,
)
from zeta_exp.evaluation.statistics.spectrum import Spectrum, spectrum_of
from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.gue import gaudin_law, sample_cue_residuals, sample_poisson_residuals
from zeta_exp.theory.rigidity import (
    gue_form_factor,
    gue_number_variance,
    gue_pair_correlation,
    gue_rigidity,
    zeta_number_variance,
    zeta_rigidity,
)
from zeta_exp.zeros.engine import stream

LENGTH = np.array(LENGTHS)


@pytest.fixture(scope="module")
def cue():
    """Circles of 300 levels: below L = 30 they differ from large matrices by less than 0.007."""
    return spectral_statistics(sample_cue_residuals(20_000, 300, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def high():
    residuals = [block.residuals for block in stream(900_001, 100_000)]
    return spectral_statistics(np.concatenate(residuals))


@pytest.fixture(scope="module")
def poisson():
    return np.random.default_rng(1).uniform(0, 60_000, 60_000)


def sure(estimate, expected, systematic=0.0, places=slice(None)):
    """Within 4.5 standard errors."""
    limit = 4.5 * estimate.error + systematic
    assert (np.abs(estimate.value - expected)[places] < limit[places]).all()


def test_number_variance_of_the_zeros_is_that_of_berry(high):
    """n in (9·10^5, 10^6]: within 0.02 for L ≤ 50, and far below random matrices."""
    expected = zeta_number_variance(LENGTH, float(smooth_height(950_000)))
    near = LENGTH <= 50
    assert np.abs(high.number_variance.value - expected)[near].max() <= 0.02
    assert high.number_variance.value[LENGTHS.index(50)] < 0.40 < gue_number_variance(50.0)
    far = np.array(RIGIDITY_LENGTHS)
    expected = zeta_rigidity(far, float(smooth_height(950_000)))
    assert high.rigidity.value == pytest.approx(expected, abs=0.005)
    assert high.rigidity.value[-1] < 0.21 < 0.28 < gue_rigidity(100.0)


def test_large_matrices_have_their_laws(cue):
    sure(cue.number_variance, gue_number_variance(LENGTH), 0.007, LENGTH <= 30)
    sure(cue.rigidity, gue_rigidity(np.array(RIGIDITY_LENGTHS)), 0.003, slice(4))
    sure(cue.pair_correlation, gue_pair_correlation(PAIR_EDGES[:-1], PAIR_EDGES[1:]), 0.003)
    sure(cue.form_factor, gue_form_factor(TAU), 0.03)
    sure(cue.variance, 0.179994)
    sure(cue.lags, [-0.308371], places=slice(1))
    sure(cue.ratio, 0.5996)


def test_independent_levels_have_theirs(poisson):
    sure(number_variance(poisson), LENGTH)
    sure(rigidity(poisson), np.array(RIGIDITY_LENGTHS) / 15)
    sure(pair_correlation(poisson), np.ones(40))
    sure(form_factor(poisson), np.ones(24))
    gaps = np.diff(np.sort(poisson))
    assert spacing_ratio(gaps) == pytest.approx(2 * np.log(2) - 1, abs=0.006)
    assert anderson_darling(gaps) > 1000


def test_intervals_and_staircases_by_hand():
    """Counts of every interval; a line fitted to every staircase, on a fine grid."""
    levels = np.sort(np.random.default_rng(2).uniform(0, 40, 40))
    origin, last = np.ceil(levels[0]), levels[-1]
    fine = (np.arange(4000) + 0.5) / 4000
    for length in (2.5, 7.0):
        starts = np.arange(origin, last - length, 0.25)
        counts = np.searchsorted(levels, starts + length) - np.searchsorted(levels, starts)
        found = number_variance(levels, (length,)).value
        assert found == pytest.approx([np.mean((counts - length) ** 2)])
        squares = []
        for start in np.arange(origin, last - length, 1.0):
            stairs = np.searchsorted(levels, start + length * fine).astype(float)
            line = np.polynomial.Polynomial.fit(fine, stairs, 1)(fine)
            squares.append(np.mean((stairs - line) ** 2))
        assert rigidity(levels, (length,)).value == pytest.approx([np.mean(squares)], rel=2e-3)


def test_a_picket_fence_has_no_variance_and_the_least_rigidity():
    fence = np.arange(2000.0) + 0.3
    assert number_variance(fence, (1.0, 10.0)).value == pytest.approx([0, 0])
    assert rigidity(fence, (10.0, 50.0)).value == pytest.approx([1 / 12, 1 / 12], rel=0.02)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 3000), max_size=6))
def test_portions_do_not_matter(seed, cuts):
    residuals = np.random.default_rng(seed).normal(0, 0.4, 3000)  # with crossings
    whole, parts = spectrum_of(residuals), Spectrum()
    for part in np.split(residuals, sorted(cuts)):
        parts.add(part)
    parts.finish()
    assert np.array_equal(whole.gap_blocks.sums(), parts.gap_blocks.sums())
    assert np.array_equal(whole.level_blocks.sums(), parts.level_blocks.sums())


@pytest.mark.parametrize("count", [64, 700, 5000])
def test_pieces_and_memory(monkeypatch, count):
    """Small pieces give the same sums, and hold no more residuals than they need."""
    residuals = sample_poisson_residuals(count, np.random.default_rng(3))
    whole = spectral_statistics(residuals)
    monkeypatch.setattr(module, "PIECE", 2)
    parts, most = Spectrum(), 0
    for part in np.array_split(residuals, 50):
        parts.add(part)
        most = max(most, parts._residuals.size)
    found = parts.finish().statistics()
    assert most < 2 * WINDOW + module.REACH + 4 * module.WANDER + count / 50
    for name in ("variance", "ratio", "lags", "number_variance", "rigidity", "pair_correlation"):
        expected = getattr(whole, name).value
        assert getattr(found, name).value == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_simple_statistics_agree_with_arrays():
    residuals = sample_cue_residuals(1000, 100, np.random.default_rng(4))
    found, sample = spectral_statistics(residuals), spacings(residuals)
    assert found.variance.value == pytest.approx(sample.var())
    assert found.ratio.value == pytest.approx(spacing_ratio(sample))
    expected = [lag_correlation(sample, lag) for lag in range(1, 9)]
    assert found.lags.value == pytest.approx(expected, abs=2e-3)


def test_what_is_too_short_has_no_value():
    few = spectral_statistics(np.zeros(30))
    assert np.isnan(few.number_variance.value[LENGTH > 30]).all()
    assert few.number_variance.value[LENGTH < 25] == pytest.approx(0.0, abs=0.26)
    assert np.isnan(few.variance.error).all()
    assert np.isnan(few.p_values).all()
    with pytest.raises(ValueError, match="3 levels have no statistics"):
        spectral_statistics(np.zeros(3))
    with pytest.raises(ValueError, match="not unfolded"):
        spectral_statistics(np.full(30, 1e3))


@pytest.mark.soak
def test_p_values_are_uniform_where_the_law_holds_and_small_where_not():
    """200 samples of large matrices: as many below 5% and 50% as chance allows (4.5 sigma)."""
    p = []
    for seed in range(200):
        residuals = sample_cue_residuals(1600, 100, np.random.default_rng(seed))
        p.append(law_p_values(spectrum_of(residuals).gap_blocks.sums()))
    share = np.array([(np.array(p) <= level).mean(axis=0) for level in (0.05, 0.5)])
    assert share[0].max() <= 0.05 + 4.5 * (0.05 * 0.95 / 200) ** 0.5
    assert np.abs(share[1] - 0.5).max() <= 4.5 * (0.25 / 200) ** 0.5
    other = sample_poisson_residuals(1600, np.random.default_rng(5))
    assert (law_p_values(spectrum_of(other).gap_blocks.sums()) == 0.001).all()


def test_one_law_or_two():
    rng = np.random.default_rng(6)
    first, second = (sample_cue_residuals(4000, 100, rng) for _ in range(2))
    poisson = sample_poisson_residuals(4000, rng)
    sums = [spectrum_of(each).gap_blocks.sums() for each in (first, second, poisson)]
    assert (same_law_p_values(sums[0], sums[1]) > 0.01).all()
    assert (same_law_p_values(sums[0], sums[2]) == 0.001).all()
    assert (same_law_p_values(sums[0], sums[0]) == 1).all()


def test_anderson_darling_is_one_on_average():
    """For independent spacings, drawn by inverting the law; standard deviation 0.76 (Stephens)."""
    grid = np.linspace(0, 5, 20_001)
    chances = np.random.default_rng(7).random((400, 100))
    found = [anderson_darling(np.interp(row, gaudin_law().cdf(grid), grid)) for row in chances]
    assert np.mean(found) == pytest.approx(1, abs=4.5 * 0.76 / 20)


def test_blocks_add_up_and_stay_few():
    rows = np.random.default_rng(8).integers(0, 9, (3 * MOST_BLOCKS + 17, 2)).astype(float)
    blocks = Blocks()
    blocks.add(rows)
    assert blocks.sums().shape[0] <= MOST_BLOCKS
    assert blocks.sums().sum(axis=0).tolist() == rows.sum(axis=0).tolist()
    assert blocks.sums()[0].tolist() == rows[: blocks.width].sum(axis=0).tolist()


def test_bootstrap_finds_the_error_of_a_mean():
    sums = np.column_stack([np.random.default_rng(9).normal(size=500), np.ones(500)])
    estimate = bootstrap(sums, means)
    assert estimate.error == pytest.approx([500**-0.5], rel=0.25)


def test_flipped_signs_of_a_shift():
    shifted = np.random.default_rng(10).normal(1.0, 1.0, size=(100, 1))
    assert sign_flip_p_value(shifted, np.abs)[0] == 0.001
    assert sign_flip_p_value(shifted - shifted.mean(), np.abs)[0] > 0.99
