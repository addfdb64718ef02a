"""Where a table ends, where checking ends, and what the report says."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zeros.integrity.listed import (
    HIGH,
    REMEDY,
    SIZE,
    STARTS,
    ListedZeros,
    check,
    few,
    table,
    the_fault,
    true_zeros,
)
from zeta_exp.cli import main
from zeta_exp.errors import UserError
from zeta_exp.zeros import engine
from zeta_exp.zeros.integrity import Kind, verify
from zeta_exp.zeros.shards import open_table
from zeta_exp.zeros.stretch import Stretch


@few
@given(st.integers(1, SIZE))
def test_a_truncated_table(count):
    _, offsets = true_zeros(1)
    for said in (count + 1, SIZE + 1):
        fault = the_fault(table(1, offsets[:count]), count=said)
        check(fault, Kind.TRUNCATED, 1, count - 1)
        assert f"{count} zeros, up to line {count}, where {said} should be" in str(fault)
    assert verify(table(1, offsets[:count]), count=count).ok


def test_a_table_that_is_too_long():
    _, offsets = true_zeros(1)
    assert the_fault(table(1, offsets), count=SIZE - 1).kind == Kind.TOO_LONG


@few
@given(st.integers(1, 9), st.integers(0, 1))
def test_what_is_missing_behind_the_last_zero_only_a_count_tells(count, deep):
    _, offsets = true_zeros(1)
    listed = table(1, offsets[:-count])
    assert verify(listed, deep=bool(deep)).ok
    assert the_fault(listed, count=SIZE).kind == Kind.TRUNCATED
    # one zero above them is enough
    listed = table(1, np.delete(offsets, slice(-1 - count, -1)))
    assert the_fault(listed).kind == Kind.MISSING


@pytest.mark.parametrize("form", ["ordinates", "residuals"])
@pytest.mark.parametrize("deep", [False, True])
def test_shards(tmp_path, form, deep):
    path = str(tmp_path / "zeros")
    arguments = ["--count", "30000", "--shard-size", "10000", "--form", form, "--out", path]
    assert main(["zeros", "generate", *arguments]) == 0
    listed = open_table(path)
    report = verify(listed, deep=deep)
    assert report.ok
    assert report.hashes
    assert report.format == "shards"
    shard = tmp_path / "zeros" / listed.shards[1].file
    numbers = np.load(shard)
    numbers[500] = numbers[501]
    np.save(shard, numbers)
    faults = verify(listed, deep=deep).faults
    assert faults[0].kind == Kind.WRONG_HASH
    assert str(shard) in str(faults[0])
    assert REMEDY in str(faults[0])
    if form == "ordinates":
        assert faults[1].ordinal == 10_501
        assert faults[1].place == f"{shard.name}, entry 501"


@pytest.mark.parametrize("deep", [False, True])
def test_faults_far_up(deep):
    base, offsets = true_zeros(HIGH)
    listed = np.delete(offsets, 1500)
    listed[[200, 201]] = listed[[201, 200]]
    swapped, missing = verify(table(HIGH, listed, base), deep=deep).faults
    check(swapped, Kind.SWAPPED, HIGH, 200)
    check(missing, Kind.MISSING, HIGH, 1500)


def test_the_known_zero_after_ten_to_the_twelve():
    """Odlyzko's table: 267653395648.8475231290213 is zero number 10^12 + 1."""
    listed = ListedZeros(
        10**12 + 1, [Stretch(10**12 + 1, 267653395647.0, np.array([1.8475231290213]))]
    )
    assert verify(listed, deep=True).ok


def test_beyond_the_engine():
    with pytest.raises(UserError, match="begins at ordinal 10000000000001"):
        verify(table(engine.MAX_ORDINAL + 1, np.array([1.0])))


def test_a_table_that_leads_beyond_the_engine(monkeypatch):
    monkeypatch.setattr(engine, "MAX_ORDINAL", 2500)
    _, offsets = true_zeros(1)
    for deep in (False, True):
        with pytest.raises(UserError, match="keep to ordinals up to 2500"):
            verify(table(1, offsets), deep=deep)
    assert verify(table(1, offsets[:2500]), deep=True).ok


def test_a_table_without_zeros():
    with pytest.raises(UserError, match="holds no zeros"):
        verify(table(1, []))


class Broken(ListedZeros):
    def stretches(self):
        yield from self.parts
        raise UserError("line 3001 of zeros.txt is 'x', no number: delete it")


def test_a_table_that_cannot_be_read_to_its_end():
    _, offsets = true_zeros(1)
    report = verify(Broken(1, [Stretch(1, 0.0, np.delete(offsets, 70))]))
    assert [fault.kind for fault in report.faults] == [Kind.MISSING, Kind.UNREADABLE]
    assert "line 3001 of zeros.txt" in str(report.faults[1])
    assert report.more
    assert the_fault(Broken(1, [])).kind == Kind.UNREADABLE


class Hashed(ListedZeros):
    count = SIZE

    def verify_hashes(self):
        return ["zeros_00001.npy has another sha256: make it again"]


def test_a_table_that_breaks_off_is_no_table_of_as_many_zeros():
    _, offsets = true_zeros(1)
    parts = [Stretch(1, 0.0, offsets[:400]), Stretch(401, 0.0, offsets[400:900])]
    for deep, compared in ((False, "the last ones read"), (True, "every zero read")):
        lines = verify(Broken(1, parts), deep=deep).lines()
        assert lines[0] == (
            "zeros.txt (text): 900 zeros read so far (stopped at line 900), "
            f"heights 14.135 to {offsets[899]:.3f}"
        )
        (line,) = (line for line in lines if line.startswith("compared"))
        assert line.endswith(compared)
    lines = verify(Broken(1, [])).lines()
    assert lines[:2] == [
        "zeros.txt (text): no zeros read (stopped at its beginning)",
        "compared with the engine: nothing",
    ]


@pytest.mark.parametrize("deep", [False, True])
def test_a_check_that_ends_early_says_where(deep):
    _, offsets = true_zeros(1)
    faulty = np.delete(offsets, range(50, 500, 50))
    report = verify(table(1, faulty, chunk=100), deep=deep)
    assert report.count < faulty.size
    assert report.stopped == f"line {report.count}"
    assert f"{report.count} zeros read so far (stopped at line {report.count})" in report.lines()[0]
    assert "last zeros" not in "".join(report.lines())
    whole = verify(table(1, faulty, chunk=5000), deep=deep)
    assert whole.more
    assert f" {faulty.size} zeros, ordinals 1 to {faulty.size}" in whole.lines()[0]
    assert "last zeros" not in "".join(whole.lines())


@pytest.mark.parametrize("start", STARTS)
def test_heights_that_differ_are_shown_with_the_digits_that_do(start):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[500] += 1e-11 + 3 * np.spacing(listed[500])
    sentence = str(the_fault(table(start, listed), deep=True))
    holds, true = re.findall(r"(?:holds|is at) ([0-9.]+)", sentence)
    assert float(holds) > float(true)


def test_what_is_wrong_in_shards_is_made_again():
    _, offsets = true_zeros(1)
    perturbed = offsets.copy()
    perturbed[500] += 1e-6
    for heights in (perturbed, np.delete(offsets, 500), offsets[1:], offsets[:500] + 1.0):
        listed = table(1, heights)
        listed.format = "shards"
        sentence = str(the_fault(listed, deep=True))
        assert sentence.endswith("make that shard again (" + REMEDY + ")")


def test_a_shard_that_is_gone_is_one_fault(tmp_path):
    path = tmp_path / "zeros"
    made = ["--count", "3000", "--shard-size", "1000", "--out", str(path)]
    assert main(["zeros", "generate", *made]) == 0
    listed = open_table(str(path))
    (path / listed.shards[1].file).unlink()
    report = verify(listed)
    (fault,) = report.faults
    assert fault.kind == Kind.UNREADABLE
    assert listed.shards[1].file in str(fault)
    assert REMEDY in str(fault)
    assert report.stopped == f"{listed.shards[0].file}, entry 1000"


def test_hashes_and_the_count_of_a_table():
    _, offsets = true_zeros(1)
    report = verify(Hashed(1, table(1, offsets[:-1]).parts))
    assert [fault.kind for fault in report.faults] == [Kind.WRONG_HASH, Kind.TRUNCATED]
    assert "hashes: checked" in report.lines()
