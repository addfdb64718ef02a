"""What stands out has a small p-value, and where nothing does the p-values are spread evenly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.evaluation.anomalies import (
    ClosestPairs,
    closest_pairs,
    fit_tail,
    largest_errors,
)
from zeta_exp.evaluation.statistics import spacings
from zeta_exp.theory.gue import sample_cue_residuals
from zeta_exp.zeros.engine import stream

HIGH = 10**12  # zeros there have the close pairs of matrices of 5.6 rows


def test_a_planted_error_is_found_and_tested():
    rng = np.random.default_rng(0)
    true = rng.normal(0, 0.3, 4000)
    predicted = true + rng.normal(0, 0.02, 4000)
    predicted[1234] += 0.3
    first, second = largest_errors(501, predicted, true, count=2)
    assert (first.ordinal, first.predicted, first.true) == (1735, predicted[1234], true[1234])
    assert first.error == pytest.approx(0.3, abs=0.1)
    assert first.p_value < 1e-3 < 0.05 < second.p_value
    assert abs(first.error) > abs(second.error)


@pytest.mark.parametrize("draw", ["standard_normal", "standard_exponential"])
def test_errors_of_one_law_do_not_stand_out(draw):
    """150 samples: the first p-value is below 5% no more often, and half of them near ½."""
    rng = np.random.default_rng(1)
    p = []
    for _ in range(150):
        errors = getattr(rng, draw)(2000)
        p.append([e.p_value for e in largest_errors(1, errors, np.zeros(2000))])
    first = np.array(p)[:, 0]
    assert (first < 0.05).mean() <= 0.05 + 4.5 * (0.05 * 0.95 / 150) ** 0.5
    assert 0.3 < np.median(first) < 0.7
    assert (np.array(p)[:, 19] < 0.05).mean() <= 0.05


def test_tails_are_told_apart():
    rng = np.random.default_rng(2)
    normal, exponential = fit_tail(rng.normal(size=50_000)), fit_tail(rng.exponential(size=50_000))
    assert normal.shape == pytest.approx(1.75, abs=0.3)
    assert exponential.shape == pytest.approx(1.0, abs=0.15)
    assert exponential.chance(np.array([8.0])) == pytest.approx([np.exp(-8)], rel=0.4)
    assert normal.chance(np.array([0.0])) == pytest.approx([0.1])
    pareto = fit_tail(rng.pareto(3.0, 50_000) + 1)
    assert pareto.chance(np.array([100.0])) == pytest.approx([1e-6], rel=0.9)


def test_too_few_errors_have_no_tail():
    with pytest.raises(UserError, match="150 errors have no tail to compare with: it takes 200"):
        largest_errors(1, np.arange(150.0), np.zeros(150))
    with pytest.raises(UserError, match="have no tail"):
        largest_errors(1, np.zeros(1000), np.zeros(1000))


def test_the_closest_of_the_first_ten_thousand_zeros_is_lehmers_pair():
    """γ = 7005.063, 7005.101 (Lehmer, Acta Math. 95 (1956) 291), ordinals 6709 and 6710."""
    residuals = np.concatenate([b.residuals for b in stream(1, 10_000)])
    pair = closest_pairs(1, residuals, count=1)[0]
    assert pair.ordinal == 6709
    assert pair.spacing == pytest.approx(
        (7005.100565 - 7005.062866) * np.log(7005 / 6.2832) / 6.2832, rel=1e-3
    )
    assert 0.05 < pair.p_value < 0.95, "remarkable for a search by hand, not among so many"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 500), max_size=6), st.integers(1, 30))
def test_portions_do_not_matter(seed, cuts, count):
    residuals = np.random.default_rng(seed).normal(0, 0.3, 500)
    parts, start = ClosestPairs(count), HIGH
    for part in np.split(residuals, sorted(cuts)):
        parts.add(start, part)
        start += part.size
    whole = closest_pairs(HIGH, residuals, count)
    found = parts.found()
    assert [(p.ordinal, p.spacing) for p in found] == [(p.ordinal, p.spacing) for p in whole]
    assert [p.p_value for p in found] == pytest.approx([p.p_value for p in whole], rel=1e-9)
    assert [p.spacing for p in whole] == sorted(spacings(residuals))[:count]
    assert parts.gaps == 499


def test_matrices_of_the_zeros_size_have_even_p_values():
    """80 samples at 10^12: as many first and fifth p-values below ½ as chance allows."""
    rng = np.random.default_rng(3)
    p = []
    for _ in range(80):
        pairs = closest_pairs(HIGH, sample_cue_residuals(1200, 6, rng), count=5)
        p.append([pair.p_value for pair in pairs])
    share = (np.array(p) < 0.5).mean(axis=0)
    assert share[[0, 4]] == pytest.approx([0.5, 0.5], abs=4.5 * (0.25 / 80) ** 0.5)


def test_a_planted_pair_is_told():
    residuals = sample_cue_residuals(1200, 6, np.random.default_rng(4))
    residuals[601] = residuals[600] - 1 + 1e-4
    (pair,) = closest_pairs(HIGH, residuals, count=1)
    assert pair.ordinal == HIGH + 600
    assert pair.p_value < 1e-6
