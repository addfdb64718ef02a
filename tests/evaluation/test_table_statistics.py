"""Streaming statistics equal those of the whole table, wherever it is cut."""

from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.evaluation import table_statistics as module
from zeta_exp.evaluation.statistics import ks_distance, lag_correlation, spacings
from zeta_exp.evaluation.table_statistics import (
    GUE_LAG1,
    GUE_RATIO,
    GUE_VARIANCE,
    KS_ERROR,
    table_statistics,
)
from zeta_exp.theory.gue import gaudin_law, sample_cue_residuals, sample_poisson_residuals
from zeta_exp.zeros.engine import stream
from zeta_exp.zeros.stretch import Stretch, stretch_of_residuals

START = 5000


def cut(zeros, places):
    """A stretch in pieces that begin at these places too."""
    edges = sorted({0, zeros.offsets.size, *places})
    for low, high in pairwise(edges):
        yield zeros.part(zeros.start + low, zeros.start + high)


def made_up(residuals, start=START):
    return stretch_of_residuals(start, residuals)


@pytest.fixture
def coarse(monkeypatch):
    """A coarser grid, which is faster."""
    monkeypatch.setattr(module, "_CELLS", 1 << 14)


@pytest.mark.usefixtures("coarse")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1), st.integers(4, 400), st.sets(st.integers(1, 399), max_size=12))
def test_statistics_are_those_of_the_whole(seed, count, places):
    residuals = np.random.default_rng(seed).uniform(-0.45, 0.45, count)
    zeros = made_up(residuals)
    places = {place for place in places if place < count}
    whole = table_statistics([zeros])
    delta = zeros.residuals()
    sample = spacings(delta)
    assert (whole.start, whole.count) == (START, count)
    assert whole.mean == pytest.approx(sample.mean())
    assert whole.variance == pytest.approx(sample.var(), abs=1e-12)
    assert whole.smallest.value == sample.min()
    assert sample[whole.largest.ordinal - START] == whole.largest.value == sample.max()
    assert 0.5 - delta[whole.greatest_S.ordinal - START] == whole.greatest_S.value
    assert -0.5 - delta[whole.least_S.ordinal - START] == whole.least_S.value
    assert whole.greatest_S.value == 0.5 - delta.min()
    assert whole.least_S.value == -0.5 - delta.max()
    low, high = np.sort([sample[:-1], sample[1:]], axis=0)
    assert whole.ratio == pytest.approx((low / high).mean())
    if count > 4:
        assert whole.lag1 == pytest.approx(lag_correlation(sample), abs=1e-9)
    error = 64 * KS_ERROR  # of the coarser grid
    assert ks_distance(sample) - error <= whole.ks <= ks_distance(sample) + 1e-12
    pieces = asdict(table_statistics(cut(zeros, places)))
    assert pieces.pop("heights") == whole.heights
    for name, value in pieces.items():
        assert value == pytest.approx(asdict(whole)[name], abs=1e-8)


def test_no_cell_of_the_grid_weighs_more_than_the_error():
    edges = np.linspace(0, module.GAUDIN_RANGE, module._CELLS + 1)
    assert np.diff(gaudin_law().cdf(edges)).max() < KS_ERROR


def test_cue_has_the_reference_values_and_poisson_has_not():
    cue = table_statistics([made_up(sample_cue_residuals(20_000, 50, np.random.default_rng(0)))])
    assert cue.variance == pytest.approx(GUE_VARIANCE, abs=0.006)
    assert cue.lag1 == pytest.approx(GUE_LAG1, abs=0.02)
    assert cue.ratio == pytest.approx(GUE_RATIO, abs=0.006)
    assert cue.ks < 1.63 / 20_000**0.5
    residuals = sample_poisson_residuals(20_000, np.random.default_rng(1))
    poisson = table_statistics([made_up(residuals, start=10**6)])
    assert poisson.variance == pytest.approx(1, abs=0.1)
    assert abs(poisson.lag1) < 0.03
    # log 4 − 1 for independent levels: Atas et al. 2013
    assert poisson.ratio == pytest.approx(np.log(4) - 1, abs=0.01)
    assert poisson.ks > 0.2


@pytest.mark.parametrize("start", [1, 10**12])
def test_zeros_of_zeta(start):
    found = table_statistics(block.stretch for block in stream(start, 20_000))
    assert found.mean == pytest.approx(1, abs=1e-3)
    assert -2.5 < found.least_S.value < -1 < 1 < found.greatest_S.value < 2.5
    assert found.variance == pytest.approx({1: 0.157, 10**12: 0.175}[start], abs=0.004)
    shown = "\n".join(found.lines())
    assert f"{start} to {start + 19_999}" in shown
    # python-flint, acb.zeta_zeros(10**12, 1), prec 100; the first is tabulated everywhere
    assert {1: "14.134725142", 10**12: "267653395648.625948"}[start] in shown
    assert "n = 19,999" in shown


def test_doubled_zeros_have_no_ratio():
    zeros = Stretch(START, 0.0, np.repeat(made_up(np.zeros(3)).offsets, 3))
    assert np.isfinite(table_statistics([zeros]).ratio)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few(count):
    with pytest.raises(UserError, match=f"{count} zeros have no statistics: give 4"):
        table_statistics([made_up(np.zeros(count + 1)).part(START, START + count)])


def test_what_is_no_table():
    zeros = made_up(np.zeros(10))
    with pytest.raises(UserError, match=f"ordinal {START + 8} is no zero or out of place"):
        table_statistics([zeros.part(START, START + 5), zeros.part(START + 8, START + 10)])
    zeros.offsets[3] = np.nan
    with pytest.raises(UserError, match=f"ordinal {START + 3} is no zero"):
        table_statistics([zeros])
