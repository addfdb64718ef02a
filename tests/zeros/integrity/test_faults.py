"""Zeros that are missing, extra, doubled, swapped or no numbers are found and named."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.zeros.integrity.listed import (
    SIZE,
    check,
    chunks,
    deeply,
    few,
    inner,
    shown,
    starts,
    table,
    the_fault,
    true_zeros,
)
from zeta_exp.theory.counting import mean_gap
from zeta_exp.zeros.integrity import Kind, verify


@few
@given(starts, inner, st.integers(1, 30), chunks, deeply)
def test_missing_zeros(start, index, count, chunk, deep):
    count = min(count, SIZE - 1 - index)
    _, offsets = true_zeros(start)
    listed = np.delete(offsets, slice(index, index + count))
    fault = the_fault(table(start, listed, chunk=chunk), deep=deep)
    check(fault, Kind.MISSING, start, index)
    assert f"ordinal {start + index}, at {shown(offsets[index])}" in str(fault)
    assert f"ordinal {start + index + count}: insert" in str(fault)


def test_a_shard_is_missing():
    _, offsets = true_zeros(1, 9000)
    fault = the_fault(table(1, np.delete(offsets, slice(2000, 8000))))
    check(fault, Kind.MISSING, 1, 2000)
    assert "6000 zeros from ordinal 2001" in str(fault)


@few
@given(starts, inner, st.integers(1, 5), st.floats(0.1, 0.9), chunks, deeply)
def test_extra_zeros(start, index, count, place, chunk, deep):
    _, offsets = true_zeros(start)
    below, above = offsets[index - 1 : index + 1]
    extra = below + (above - below) * place * np.arange(1, count + 1) / count
    fault = the_fault(table(start, np.insert(offsets, index, extra), chunk=chunk), deep=deep)
    check(fault, Kind.EXTRA, start, index)
    assert "delete" in str(fault)


@few
@given(starts, st.integers(0, 2900), st.integers(1, 100), chunks, deeply)
def test_doubled_zeros(start, index, count, chunk, deep):
    _, offsets = true_zeros(start)
    index = max(index, count)
    listed = np.insert(offsets, index, offsets[index - count : index])
    fault = the_fault(table(start, listed, chunk=chunk), deep=deep)
    check(fault, Kind.DOUBLED, start, index)
    assert f"rdinal{'s' if count > 1 else ''} {start + index - count}" in str(fault)


def test_a_shard_is_there_twice():
    _, offsets = true_zeros(1)
    listed = np.concatenate([offsets[:2000], offsets[1000:]])
    fault = the_fault(table(1, listed))
    check(fault, Kind.DOUBLED, 1, 2000)
    assert "1000 doubled zeros" in str(fault)
    assert "ordinals 1001 to 2000: delete these 1000 entries" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 2), chunks, deeply)
def test_swapped_zeros(start, index, chunk, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[[index, index + 1]] = listed[[index + 1, index]]
    check(the_fault(table(start, listed, chunk=chunk), deep=deep), Kind.SWAPPED, start, index)


@few
@given(starts, st.integers(0, SIZE - 200), st.integers(2, 100), deeply)
def test_zeros_swapped_over_a_distance(start, index, distance, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[[index, index + distance]] = listed[[index + distance, index]]
    fault = the_fault(table(start, listed), deep=deep)
    check(fault, Kind.SWAPPED, start, index)
    assert f"which is ordinal {start + index + distance}, and line {index + distance + 1} " in str(
        fault
    )


def test_zeros_swapped_from_afar():
    _, offsets = true_zeros(1)
    places = [300, 1300]
    listed = offsets.copy()
    listed[places] = listed[places[::-1]]
    faults = verify(table(1, listed)).faults
    for fault, place, other in zip(faults, places, places[::-1], strict=True):
        check(fault, Kind.PERTURBED, 1, place)
        assert f"which is ordinal {1 + other}, but" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 100), st.integers(3, 60), st.randoms(), deeply)
def test_zeros_out_of_order(start, index, count, random, deep):
    _, offsets = true_zeros(start)
    order = list(range(index, index + count))
    random.shuffle(order)
    listed = offsets.copy()
    listed[index : index + count] = offsets[order]
    faults = verify(table(start, listed), deep=deep).faults
    assert {fault.kind for fault in faults} <= {Kind.SWAPPED}
    assert bool(faults) == (order != sorted(order))


def test_descending():
    _, offsets = true_zeros(1)
    assert the_fault(table(1, offsets[::-1])).kind == Kind.DESCENDING


@few
@given(starts, st.integers(0, SIZE - 1), st.sampled_from([-1, 1]), st.integers(4, 400), deeply)
def test_zeros_moved_far(start, index, sign, gaps, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[index] += sign * (gaps + 0.1234567) * float(mean_gap(offsets[index]))
    fault = the_fault(table(start, listed), deep=deep)
    check(fault, Kind.PERTURBED, start, index)
    assert f"ordinal {start + index} is at {shown(offsets[index])}" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 1), st.sampled_from([np.nan, np.inf, -np.inf]), deeply)
def test_what_is_no_number(start, index, value, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[index] = value
    fault = the_fault(table(start, listed), deep=deep)
    check(fault, Kind.NOT_A_NUMBER, start, index)
    assert f"holds {value}," in str(fault)
    assert "correct it" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 60), st.integers(2, 50), deeply)
def test_several_that_are_no_numbers(start, index, count, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[index : index + count] = np.nan
    fault = the_fault(table(start, listed), deep=deep)
    check(fault, Kind.NOT_A_NUMBER, start, index)
    assert f"{count} entries that are not a number" in str(fault)
    assert "correct them" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 1), deeply)
def test_an_inserted_nan(start, index, deep):
    _, offsets = true_zeros(start)
    fault = the_fault(table(start, np.insert(offsets, index, np.nan)), deep=deep)
    check(fault, Kind.NOT_A_NUMBER, start, index)
    assert "delete it" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 1), st.floats(-1e6, 0.0), deeply)
def test_a_negative_height(start, index, value, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[index] = value
    check(the_fault(table(start, listed), deep=deep), Kind.PERTURBED, start, index)


@few
@given(starts, st.integers(1, 2000), st.integers(200, 900), deeply)
def test_two_faults(start, index, distance, deep):
    _, offsets = true_zeros(start)
    later = index + distance
    listed = np.delete(np.insert(offsets, later, offsets[later - 1 : later + 1].mean()), index)
    missing, extra = verify(table(start, listed), deep=deep).faults
    check(missing, Kind.MISSING, start, index)
    check(extra, Kind.EXTRA, start, later - 1, n=start + later)


def test_only_the_first_faults_are_named():
    _, offsets = true_zeros(1)
    report = verify(table(1, np.delete(offsets, range(100, 2900, 100))))
    assert [fault.ordinal for fault in report.faults] == [101, 201, 301, 401, 501]
    assert report.more
    assert not report.ok
    assert report.lines()[-1] == "5 faults; there may be more behind"
