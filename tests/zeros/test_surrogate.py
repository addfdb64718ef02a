"""Surrogates of the zeros: any stretch of an endless line, with the law that it is named after."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from zeta_exp.errors import UserError
from zeta_exp.theory.gue import gaudin_law
from zeta_exp.zeros import engine
from zeta_exp.zeros.cache import RUN
from zeta_exp.zeros.stretch import Stretch
from zeta_exp.zeros.surrogate import CueZeros, PoissonZeros

SIZE = 16  # small matrices are quickly drawn
COUNT = 8000
STRICT = 1.63 / np.sqrt(COUNT)  # 1% point of Kolmogorov's distance


@pytest.fixture(scope="module", params=[CueZeros, PoissonZeros], ids=lambda kind: kind.__name__)
def source(request):
    return request.param(SIZE, seed=5)


def spacings(source, start, stop):
    return 1 + np.diff(source.residuals(start, stop))


@settings(max_examples=25, deadline=None)
@given(
    start=st.one_of(st.integers(1, 5), st.integers(RUN - 40, RUN + 40)),
    length=st.integers(0, 90),
    cut=st.integers(0, 90),
)
def test_an_ordinal_has_the_same_bits_in_every_request(source, start, length, cut):
    middle, stop = start + min(cut, length), start + length
    for whole in (source.residuals, source.ordinates):
        parts = np.concatenate([whole(start, middle), whole(middle, stop)])
        assert np.array_equal(parts, whole(start, stop))


def test_the_seed_decides(source):
    again, other = type(source)(SIZE, seed=5), type(source)(SIZE, seed=6)
    assert np.array_equal(again.residuals(1, 99), source.residuals(1, 99))
    assert not np.array_equal(other.residuals(1, 99), source.residuals(1, 99))


@pytest.mark.parametrize("border", [SIZE, RUN, engine.MAX_ORDINAL // RUN * RUN])
def test_circles_and_runs_are_joined_without_a_seam(source, border):
    """The last level of a circle has residual 0, where that of the next circle starts from."""
    before, after = source.residuals(border, border + 2)
    assert before == 0
    again = source.residuals(border + SIZE, border + SIZE + 1)
    assert again == 0
    gaps = spacings(source, border, border + SIZE + 1)
    assert gaps.sum() == pytest.approx(SIZE)
    assert gaps.min() > 0
    assert gaps[0] == 1 + after


def test_no_two_circles_are_alike(source):
    line = source.residuals(1, 2 * RUN + 1).reshape(-1, SIZE)
    assert len(np.unique(line[:, 0])) == len(line)


def test_cue_passes_the_test_of_gaudin_and_poisson_fails_it():
    unitary = spacings(CueZeros(64, seed=1), 1, COUNT + 2)
    poisson = spacings(PoissonZeros(64, seed=1), 1, COUNT + 2)
    law = gaudin_law().cdf
    assert kstest(unitary, law).statistic < STRICT < 0.2 < kstest(poisson, law).statistic
    assert unitary.var() == pytest.approx(0.18, abs=0.015)
    assert poisson.var() == pytest.approx(1, abs=0.1)


def test_residuals_of_cue_have_the_variance_of_keating_and_snaith(source):
    residuals = CueZeros(SIZE, seed=2).residuals(1, RUN + 1)
    expected = (np.log(SIZE) + 1 + np.euler_gamma) / (2 * np.pi**2) - 1 / 12
    assert residuals.var() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("start", [1000, 5 * RUN - 20])
def test_ordinates_are_rebuilt_from_the_residuals(source, start):
    ordinates = source.ordinates(start, start + 50)
    assert np.diff(ordinates).min() > 0
    unfolded = Stretch(start, 0.0, ordinates).residuals()
    assert unfolded == pytest.approx(source.residuals(start, start + 50), abs=1e-8)


@pytest.mark.parametrize("kind", [CueZeros, PoissonZeros])
@pytest.mark.parametrize(("size", "seed"), [(1, 0), (24, 0), (2048, 0), (64, -1)])
def test_impossible_options_are_refused(kind, size, seed):
    with pytest.raises(UserError, match=f"size={size}|seed={seed}"):
        kind(size, seed)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 5), (9, 5), (engine.MAX_ORDINAL, engine.MAX_ORDINAL + 2)]
)
def test_ranges_that_no_source_has_are_refused(source, start, stop):
    with pytest.raises(UserError):
        source.residuals(start, stop)


def test_provenance_and_notes(source):
    name = {CueZeros: "cue", PoissonZeros: "poisson"}[type(source)]
    assert source.provenance() == {"name": name, "size": SIZE, "seed": 5}
    assert "control" in source.notes()[0]
