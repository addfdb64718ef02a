"""The two-way decomposition: exact identities, and intervals that keep their promise."""

import numpy as np
import pytest
from scipy import stats

from zeta_exp.verdict.effects import (
    Components,
    components_of,
    effect_of,
    mean_squares,
    spread,
)

RNG = np.random.default_rng(1)


def crossed(rng, studies, seeds, origins, sd):
    """Tables (K, S, O) with seed, origin and cell effects of these standard deviations."""
    a, b, e = sd
    return (
        a * rng.standard_normal((studies, seeds, 1))
        + b * rng.standard_normal((studies, 1, origins))
        + e * rng.standard_normal((studies, seeds, origins))
    )


def test_the_squares_add_up_to_the_total():
    cells = RNG.standard_normal((3, 7, 4))
    a, b, c = mean_squares(cells)
    total = np.square(cells - cells.mean((1, 2), keepdims=True)).sum((1, 2))
    np.testing.assert_allclose(6 * a + 3 * b + 18 * c, total)


def test_the_mean_squares_have_their_expectations():
    sd = (0.5, 2.0, 1.0)
    found = [square.mean() for square in mean_squares(crossed(RNG, 20_000, 6, 4, sd))]
    np.testing.assert_allclose(found, [1 + 4 * 0.25, 1 + 6 * 4.0, 1], rtol=0.05)


def test_a_table_of_seed_effects_alone_is_a_t_test_over_seeds():
    column = RNG.standard_normal(9)
    effect = effect_of(np.repeat(column[:, None], 5, axis=1))
    assert effect.variance == pytest.approx(column.var(ddof=1) / 9)
    assert effect.satterthwaite == pytest.approx(8)
    assert effect.df <= 8


def test_with_one_origin_it_is_the_t_test():
    column = RNG.standard_normal(9)
    effect = effect_of(column[:, None])
    expected = stats.ttest_1samp(column, 0.2)
    assert effect.scope == "seeds"
    assert 2 * min(effect.p_above(0.2), effect.p_below(0.2)) == pytest.approx(expected.pvalue)
    np.testing.assert_allclose(effect.interval(0.95), expected.confidence_interval(0.95))


def test_one_pair_has_no_interval():
    effect = effect_of(np.array([[0.3]]))
    assert effect.estimate == 0.3
    assert effect.scope == "none"
    assert np.isnan(effect.interval(0.95)).all()


@pytest.mark.parametrize("squares", [(0.1, 0.1, 1.0), (0.0, 3.0, 1.0), (5.0, 5.0, 1.0)])
def test_negative_components_never_shrink_the_variance(squares):
    a, b, c = map(np.array, squares)
    variance, df, satterthwaite = spread(a, b, c, 10, 5)
    assert variance * 50 >= max(a + b - c, a, b, c)
    assert 4 <= df <= satterthwaite <= 13


def test_equal_cells_have_no_variance_and_a_p_value():
    effect = effect_of(np.zeros((10, 5)))
    assert effect.variance == 0
    assert effect.p_above(0) == effect.p_below(0) == 0.5
    assert effect.p_above(-0.01) == 0
    assert effect.p_below(-0.01) == 1


def test_the_interval_and_the_p_value_agree():
    effect = effect_of(RNG.standard_normal((10, 5)) + 0.4)
    low, high = effect.interval(0.9)
    assert effect.p_above(float(low)) == pytest.approx(0.05)
    assert effect.p_below(float(high)) == pytest.approx(0.05)


SIZES = [(10, 5), (20, 5), (5, 10)]
RATIOS = [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1), (2, 5, 1), (5, 5, 0.1), (0.5, 5, 1)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("sd", RATIOS, ids=str)
@pytest.mark.parametrize("level", [0.95, 0.9875])
def test_intervals_cover_the_truth_whatever_the_components_are(size, sd, level):
    studies = 4_000
    effect = effect_of(crossed(np.random.default_rng(3), studies, *size, sd))
    low, high = effect.interval(level)
    missed = np.mean((low > 0) | (high < 0))
    promise = 1 - level
    assert missed < 1.05 * promise + 3 * np.sqrt(promise * level / studies)


def test_components_are_found_and_never_negative():
    cells = crossed(np.random.default_rng(5), 1, 400, 300, (0.5, 2.0, 1.0))[0]
    found = components_of(cells, Components(9, 9, 9))
    np.testing.assert_allclose([found.seed, found.cell], [0.25, 1.0], rtol=0.2)
    assert found.origin == pytest.approx(4.0, rel=0.35)
    flat = components_of(np.arange(6.0).reshape(3, 2) % 2, Components(9, 9, 9))
    assert min(flat.seed, flat.origin, flat.cell) >= 0


def test_what_one_origin_hides_is_taken_from_elsewhere():
    found = components_of(RNG.standard_normal((8, 1)), Components(9, 7, 9))
    assert (found.seed, found.origin) == (0, 7)
    assert components_of(np.zeros((1, 1)), Components(1, 2, 3)) == Components(1, 2, 3)
