"""Verdicts from p-values, and Holm's correction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.verdict.sweeps import noisy
from zeta_exp.verdict.decision import (
    ESSENTIAL,
    HARMS,
    HELPS,
    NO_DIFFERENCE,
    UNDECIDED,
    holm,
    p_values_of,
    verdicts,
)
from zeta_exp.verdict.effects import effect_of

MARGIN = float(np.log(1.05))


def test_holm_of_a_known_family():
    # Holm (1979): 0.01·3, then the running maximum of 0.02·2 and 0.03·1
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.02])), [0.04, 0.03, 0.04])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_lies_between_nothing_and_bonferroni(p):
    p = np.array(p)
    corrected = holm(p)
    assert (corrected >= p).all()
    assert (corrected <= np.minimum(len(p) * p, 1) + 1e-15).all()
    assert corrected.min() == min(len(p) * p.min(), 1)
    order = np.argsort(p, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=4))
def test_holm_works_family_by_family(families):
    together = holm(np.array(families))
    np.testing.assert_array_equal(together, [holm(np.array(p)) for p in families])


@pytest.mark.parametrize(
    ("effect", "sd", "verdict"),
    [
        (np.log(1.2), 0.02, ESSENTIAL),
        (np.log(1.04), 0.02, HELPS),
        (np.log(1.01), 0.01, HELPS),  # inside the margin too: the stronger claim is told
        (-np.log(1.2), 0.02, HARMS),
        (-np.log(1.02), 0.01, HARMS),
        (0.0, 0.05, NO_DIFFERENCE),
        (0.0, 0.5, UNDECIDED),
    ],
)
def test_each_verdict(effect, sd, verdict):
    table = effect_of(noisy(effect, sd=sd)[None])
    assert verdicts(table, MARGIN).tolist() == [verdict]
    low, high = (bound.item() for bound in table.interval(0.95))
    assert (low > MARGIN) == (verdict == ESSENTIAL)
    assert (low > 0) == (verdict in (ESSENTIAL, HELPS))
    assert (high < 0) == (verdict == HARMS)


@pytest.mark.parametrize("size", [(9, 5), (10, 4), (3, 1), (1, 1)], ids=str)
def test_a_small_study_is_undecided_however_clear_it_looks(size):
    table = effect_of(noisy(1.0, seeds=size[0], origins=size[1])[None])
    assert verdicts(table, MARGIN).tolist() == [UNDECIDED]


@pytest.mark.parametrize("effect", np.linspace(-0.1, 0.1, 9))
def test_an_essential_factor_helps(effect):
    tests = p_values_of(effect_of(noisy(effect, sd=0.05)), MARGIN)
    assert tests.margin >= tests.zero or effect < 0


def test_a_family_makes_claims_harder():
    centred = effect_of(noisy(0.0, sd=0.03))
    shift = centred.standard_error * stats.t.isf(0.015, centred.df)  # p = 0.03 alone
    near = noisy(float(shift), sd=0.03)
    alone = verdicts(effect_of(near[None]), MARGIN)
    others = [noisy(0.03, sd=1.0, seed=seed) for seed in (2, 3, 4)]
    together = verdicts(effect_of(np.stack([near, *others])), MARGIN)
    assert alone[0] == HELPS
    assert together[0] != HELPS
