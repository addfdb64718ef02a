"""Heights that begin elsewhere, are in other units, moved, or inexact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zeros.integrity.listed import (
    HIGH,
    SIZE,
    STARTS,
    check,
    chunks,
    deeply,
    few,
    inner,
    starts,
    table,
    the_fault,
    true_zeros,
)
from zeta_exp.zeros import engine, turing
from zeta_exp.zeros.integrity import Kind, verify
from zeta_exp.zeros.stretch import Stretch


@few
@given(starts, st.integers(-(10**7), 10**7).filter(bool), st.integers(1, 200), deeply)
def test_wrong_start(start, difference, count, deep):
    _, offsets = true_zeros(start)
    said = max(start + difference, 1) if start + difference != start else start + 1
    if said == start:
        said = start + 1
    fault = the_fault(table(said, offsets[:count]), deep=deep)
    check(fault, Kind.WRONG_START, said, 0)
    assert str(fault).endswith(f"--start {start}")


def test_a_wrong_start_and_a_wrong_first_zero():
    _, offsets = true_zeros(5000, 300)
    listed = offsets.copy()
    listed[0] -= 0.1
    faults = verify(table(1, listed)).faults
    assert [fault.kind for fault in faults] == [Kind.WRONG_START, Kind.PERTURBED]
    assert str(faults[0]).endswith("--start 5000")


def test_shards_with_a_wrong_start_cannot_be_read_from_another():
    _, offsets = true_zeros(5000, 300)
    listed = table(1, offsets)
    listed.format = "shards"
    assert "runs on from ordinal 5000 (zeros were lost, or its manifest is wrong)" in str(
        the_fault(listed)
    )


def test_a_wrong_start_far_up():
    base, offsets = true_zeros(HIGH)
    assert str(the_fault(table(HIGH + 10**6, offsets, base))).endswith(f"--start {HIGH}")


UNITS = {
    "divided by 2π": lambda x: x / (2 * np.pi),
    "times 2π": lambda x: x * (2 * np.pi),
    "in degrees": np.rad2deg,
    "times π/180": np.deg2rad,
    "logarithms": np.log,
    "decimal logarithms": np.log10,
    "divided by 2 ": lambda x: x / 2,
    "times 2 ": lambda x: x * 2,
}


@pytest.mark.parametrize(
    ("start", "said", "deep"), [(2, None, True), (1_000_000, None, False), (1_000_000, 123, False)]
)
@pytest.mark.parametrize("name", UNITS)
def test_wrong_units(start, name, said, deep):
    _, offsets = true_zeros(start)
    fault = the_fault(table(said or start, UNITS[name](offsets[:500])), deep=deep)
    check(fault, Kind.WRONG_UNITS, said or start, 0)
    assert name in str(fault)


@pytest.mark.parametrize("start", STARTS)
def test_unfolded_heights_and_spacings(start):
    _, offsets = true_zeros(start)
    counts = Stretch(start, 0.0, offsets).residuals() + np.arange(start, start + SIZE)
    for listed, word in ((counts - 0.5, "unfolded"), (counts + 3 / 8, "unfolded")):
        assert word in str(the_fault(table(start, listed)))
    assert "spacings" in str(the_fault(table(start, np.diff(offsets))))


@few
@given(starts, st.sampled_from([-1, 1]), st.floats(-6, 3), inner | st.just(0), chunks, deeply)
def test_a_constant_added(start, sign, power, index, chunk, deep):
    _, offsets = true_zeros(start)
    constant = round(sign * 10.0**power, 8)
    listed = offsets.copy()
    listed[index:] += constant
    fault = the_fault(table(start, listed, chunk=chunk), deep=deep)
    check(fault, Kind.CONSTANT_ADDED, start, index)
    assert ("plus" if sign > 0 else "less") in str(fault)


@pytest.mark.parametrize("start", [1_000_000, HIGH])
def test_a_base_is_forgotten(start):
    base, offsets = true_zeros(start)
    whole = np.floor(base + offsets[0])
    listed = offsets - (whole - base)
    fault = the_fault(table(start, listed))
    assert fault.kind == Kind.CONSTANT_ADDED
    assert f"add {whole:.0f} to each" in str(fault)


def test_what_is_nothing_like_zeros(monkeypatch):
    numbers = np.sort(np.random.default_rng(0).uniform(10, 3000, 2000))
    assert the_fault(table(1, numbers)).kind == Kind.NO_ZEROS
    monkeypatch.setattr(engine, "MAX_ORDINAL", 500)  # no zeros left to compare with
    assert the_fault(table(411, numbers[:90])).kind == Kind.NO_ZEROS


@pytest.mark.parametrize("start", STARTS)
def test_fewer_right_digits_than_there_seem_to_be(start):
    _, offsets = true_zeros(start)
    noise = np.random.default_rng(0).uniform(-1e-5, 1e-5, SIZE)
    fault = the_fault(table(start, offsets + noise))
    check(fault, Kind.INEXACT, start, 0)
    assert "off by about" in str(fault)


@few
@given(starts, st.integers(100, SIZE - 100), st.sampled_from([-1, 1]), st.floats(-8, -0.61))
def test_only_deep_sees_a_zero_that_hardly_moved(start, index, sign, power):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    below, here, above = offsets[index - 1 : index + 2]
    listed[index] += sign * 10**power * ((here - below) if sign < 0 else (above - here))
    if abs(listed[index] - offsets[index]) <= 3 * np.spacing(offsets[index]) + 1e-12:
        return
    assert verify(table(start, listed)).ok
    check(the_fault(table(start, listed), deep=True), Kind.PERTURBED, start, index)


def test_deep_sees_the_last_digits():
    _, offsets = true_zeros(1_000_000)
    listed = offsets.copy()
    listed[500] = np.nextafter(listed[500], np.inf)
    assert verify(table(1_000_000, listed), deep=True).ok
    listed[500] += 3 * np.spacing(listed[500])
    assert the_fault(table(1_000_000, listed), deep=True).ordinal == 1_000_500


def test_deep_sees_the_last_digits_of_offsets():
    base, offsets = true_zeros(HIGH)
    listed = offsets.copy()
    listed[500] += 1e-10
    assert verify(table(HIGH, listed, base)).ok
    check(the_fault(table(HIGH, listed, base), deep=True), Kind.PERTURBED, HIGH, 500)


@few
@given(st.integers(0, 3), st.integers(1, 19_000), st.sampled_from([2e-3, 1e-3, 3e-4]))
def test_a_drift_is_traced_back_to_where_it_begins(start, index, constant):
    start = STARTS[start % 3]
    _, offsets = true_zeros(start, 20_000)
    listed = np.concatenate([offsets[:index], offsets[index:] + constant])
    check(the_fault(table(start, listed, chunk=1000)), Kind.CONSTANT_ADDED, start, index)


def test_a_drift_that_ended_before_its_area_is_too_large():
    """∫S passes its bound in the second chunk, because of zeros in the first."""
    start, cut = 1_042_000, 1500
    _, offsets = true_zeros(start)
    residuals, gaps = Stretch(start, 0.0, offsets).residuals(), np.diff(offsets)
    area = np.cumsum(-gaps * (residuals[1:] + residuals[:-1]) / 2)
    rise = [
        float(area[part].max() - area[:800].min()) for part in (slice(880, cut), slice(cut, -1))
    ]
    assert rise[1] > rise[0] + 0.05  # a property of these zeros
    wanted = turing.bound(offsets[-1]) - sum(rise) / 2
    listed = offsets.copy()
    listed[800:880] -= wanted / 80
    fault = the_fault(table(start, listed, chunk=cut))
    check(fault, Kind.PERTURBED, start, 800)
    assert "80 perturbed zeros" in str(fault)
