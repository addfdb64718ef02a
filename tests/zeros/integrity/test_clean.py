"""True tables have no fault, and how they are seen."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zeros.integrity.listed import (
    HIGH,
    SIZE,
    STARTS,
    ListedZeros,
    deeply,
    few,
    starts,
    table,
    true_zeros,
)
from zeta_exp.theory.counting import mean_gap
from zeta_exp.zeros import engine
from zeta_exp.zeros.integrity import verify
from zeta_exp.zeros.stretch import Stretch, stretch_of_residuals


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    ("start", "chunk"),
    [*itertools.product(STARTS, [1, 63, 64, 65, 1000, 5000]), (HIGH, 1000)],
)
def test_true_tables_have_no_fault(start, chunk, deep):
    base, offsets = true_zeros(start)
    count = 300 if chunk < 10 else SIZE
    seen = []
    report = verify(table(start, offsets[:count], base, chunk), deep=deep, progress=seen.append)
    assert report.ok
    assert report.faults == []
    assert bool(report)
    assert (report.start, report.count, report.deep) == (start, count, deep)
    assert report.lowest == base + offsets[0]
    assert report.highest == base + offsets[count - 1]
    assert sum(seen) == count
    assert not report.more


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 100, 1000])
@pytest.mark.parametrize("start", [1, 2, 290, 4_999_999])
def test_short_tables(start, count, deep):
    _, offsets = true_zeros(start, 1000)
    assert verify(table(start, offsets[:count]), deep=deep).ok


@few
@given(starts, st.integers(5, 12), deeply)
def test_tables_of_few_decimals(start, decimals, deep):
    _, offsets = true_zeros(start)
    listed = table(start, np.round(offsets, decimals), tolerance=10.0 ** (1 - decimals))
    assert verify(listed, deep=deep).ok


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("decimals", [5, 9])
def test_truncated_decimals_add_up_in_one_direction(decimals, deep):
    _, offsets = true_zeros(1_000_000, 60_000)
    cut = np.floor(offsets * 10.0**decimals) / 10.0**decimals
    listed = table(1_000_000, cut, chunk=20_000, tolerance=10.0 ** (1 - decimals))
    assert verify(listed, deep=deep).ok


@pytest.mark.parametrize(("start", "deep"), [(1, True), (1_000_000, False), (HIGH, True)])
def test_tables_of_float32_residuals(start, deep):
    base, offsets = true_zeros(start)
    residuals = Stretch(start, base, offsets).residuals().astype(np.float32)
    zeros = stretch_of_residuals(start, residuals.astype(np.float64))
    listed = ListedZeros(start, [zeros], tolerance=1.2e-7 * float(mean_gap(base + offsets[0])))
    assert verify(listed, deep=deep).ok


def test_the_screen_shows_what_was_seen():
    report = verify(table(1, true_zeros(1)[1]))
    lines = report.lines()
    assert lines[0].startswith(
        "zeros.txt (text): 3000 zeros, ordinals 1 to 3000, heights 14.135 to"
    )
    assert any(line.startswith("greatest |S|: 1.3") for line in lines)
    assert lines[-1].startswith("ok; --deep")
    assert report.provenance == {"format": "text"}
    assert report.worst_mean.value < 0.2
    assert report.worst_area.value < 1
    deep = verify(table(1, true_zeros(1)[1]), deep=True)
    assert deep.lines()[-1] == "ok"
    assert deep.greatest_s == report.greatest_s


def test_statistics_do_not_depend_on_how_a_table_is_cut():
    _, offsets = true_zeros(1)
    one, other = (verify(table(1, offsets, chunk=chunk)) for chunk in (100, 3000))
    assert one.greatest_s.ordinal == other.greatest_s.ordinal
    assert one.greatest_s.value == pytest.approx(other.greatest_s.value, abs=1e-9)
    assert one.worst_mean.ordinal == other.worst_mean.ordinal
    assert one.worst_mean.value == pytest.approx(other.worst_mean.value, abs=1e-9)


def test_a_table_is_read_once_and_no_further_than_its_faults():
    _, offsets = true_zeros(1)
    listed = table(1, offsets, chunk=100)
    assert verify(listed).ok
    assert len(listed.read) == 30
    listed = table(1, np.delete(offsets, range(50, 500, 50)), chunk=100)
    assert not verify(listed).ok
    assert len(listed.read) < 8


@dataclass
class StreamedZeros(ListedZeros):
    """A table as long as one likes, which the engine makes while it is read."""

    length: int = 0

    def stretches(self):
        for block in engine.stream(self.start, self.length):
            yield Stretch(block.start, 0.0, block.base + block.offsets)


@pytest.mark.soak
@pytest.mark.parametrize("length", [10**7, 10**8])
def test_long_tables_have_no_fault(length):
    report = verify(StreamedZeros(1, [], length=length), count=length)
    assert report.ok
    assert report.worst_mean.value < 0.2  # 0.19 measured up to 10^8
    assert report.worst_area.value < 1
