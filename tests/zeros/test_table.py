"""Tables of zeros: every fault is found and named when the file is opened."""

import gzip
import hashlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.theory.counting import unfold
from zeta_exp.zeros import TableZeros, generate

SPLIT = Split(start=1, N=1000)  # extrapolation up to ordinal 1100
TRUE = generate(1, 1200)
LINES = [f"{ordinate:.9f}" for ordinate in TRUE]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


def opened(folder, lines, split=SPLIT, end="\n"):
    path = folder / "zeros.txt"
    path.write_text("\n".join(lines) + end)
    return TableZeros(path, split)


def refusal(folder, lines, split=SPLIT):
    with pytest.raises(UserError) as caught:
        opened(folder, lines, split)
    return str(caught.value)


@pytest.mark.parametrize("end", ["", "\n", "\n\n  \n", "\r\n"])
def test_a_right_table(folder, end):
    source = opened(folder, LINES, end=end)
    assert source.ordinates(1, 1101) == pytest.approx(TRUE[:1100], abs=6e-10, rel=0)
    assert source.ordinates(5, 7).tolist() == [float(LINES[4]), float(LINES[5])]
    expected = unfold(source.ordinates(300, 1101), np.arange(300, 1101))
    assert np.array_equal(source.residuals(300, 1101), expected)
    assert source.notes() == []


@pytest.mark.parametrize(
    "style",
    ["{:.5f}", "{:.12f}", "{:.18e}", "  {:.9f}", "{:.9f}\r", "{!r}", "+{:.9f}"],
)
def test_styles_of_numbers(folder, style):
    digits = 5 if style == "{:.5f}" else 9
    source = opened(folder, [style.format(float(ordinate)) for ordinate in TRUE])
    assert source.ordinates(1, 1101) == pytest.approx(TRUE[:1100], abs=10.0**-digits, rel=0)


def test_a_byte_order_mark_is_no_fault(folder):
    assert opened(folder, ["\ufeff" + LINES[0], *LINES[1:]]).ordinates(1, 2)[0] == float(LINES[0])


def test_provenance(folder):
    source = opened(folder, LINES)
    path = folder / "zeros.txt"
    assert source.provenance() == {
        "name": "table",
        "path": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "ordinals_from_table": 1100,
        "ordinals_from_engine": 0,
    }


def test_extrapolation_past_the_end_comes_from_the_engine(folder):
    source = opened(folder, LINES[:1040])
    (note,) = source.notes()
    assert "ends at ordinal 1040" in note
    assert "1041 to 1100" in note
    assert source.provenance()["ordinals_from_table"] == 1040
    assert source.provenance()["ordinals_from_engine"] == 60
    assert np.array_equal(source.ordinates(1041, 1101), TRUE[1040:1100])
    assert source.residuals(1039, 1043) == pytest.approx(unfold(TRUE[1038:1042], range(1039, 1043)))


def test_beyond_what_the_run_may_see_zeros_are_computed(folder):
    source = opened(folder, [*LINES[:1150], "99999.123456789"])
    assert np.array_equal(source.ordinates(1101, 1201), TRUE[1100:1200])


def test_too_few_zeros(folder):
    message = refusal(folder, LINES[:800])
    assert "holds 800 zeros" in message
    assert "needs 1000" in message
    assert "N=800 or less" in message
    assert "N=301 or less" in refusal(folder, LINES[:800], Split(start=500, N=1000))
    assert "lower start" in refusal(folder, LINES[:800], Split(start=750, N=1000))
    assert "lower start" in refusal(folder, LINES[:800], Split(start=5000, N=1000))


places = st.integers(1, 1000)  # ordinals


@given(places)
def test_a_missing_zero(folder, n):
    message = refusal(folder, [*LINES[: n - 1], *LINES[n:]])
    assert f"ordinal {n}, at {TRUE[n - 1]:.9f}, missing: line {n} " in message
    assert f"ordinal {n + 1}: insert" in message


@given(st.integers(1, 990), st.integers(2, 9))
def test_several_missing_zeros(folder, n, count):
    message = refusal(folder, [*LINES[: n - 1], *LINES[n - 1 + count :]])
    assert f"{count} zeros from ordinal {n}" in message


@given(places, st.floats(0.1, 0.9))
def test_an_extra_zero(folder, n, place):
    extra = f"{TRUE[n - 1] + place * (TRUE[n] - TRUE[n - 1]):.9f}"
    message = refusal(folder, [*LINES[:n], extra, *LINES[n:]])
    assert f"extra zero: line {n + 1} " in message
    assert "delete the line" in message


@given(places, st.sampled_from([-1, 1]), st.floats(2e-8, 1e-2))
def test_a_perturbed_zero(folder, n, sign, shift):
    lines = [*LINES[: n - 1], f"{TRUE[n - 1] + sign * shift:.9f}", *LINES[n:]]
    message = refusal(folder, lines)
    assert f"perturbed zero: line {n} " in message
    assert f"ordinal {n} is at {TRUE[n - 1]:.9f}" in message


@given(places)
def test_a_doubled_line(folder, n):
    message = refusal(folder, [*LINES[:n], LINES[n - 1], *LINES[n:]])
    assert re.search(rf"line {n + 1} .*\(ordinal {n + 1}\) repeats", message)


@given(places)
def test_two_lines_out_of_order(folder, n):
    message = refusal(folder, [*LINES[: n - 1], LINES[n], LINES[n - 1], *LINES[n + 1 :]])
    assert re.search(rf"line {n + 1} .*\(ordinal {n + 1}\) is out of order", message)


@given(places, st.sampled_from(["abc", "1.5 2.5", "nan", "inf", "-14.1", "0x10", "1_0.0", "14,13"]))
def test_a_line_that_is_no_number(folder, n, line):
    message = refusal(folder, [*LINES[: n - 1], line, *LINES[n:]])
    assert re.search(rf"line {n} .*\(ordinal {n}\) is '{re.escape(line)}'", message)


@given(places)
def test_a_blank_line_in_the_middle(folder, n):
    assert f"line {n} " in refusal(folder, [*LINES[: n - 1], "", *LINES[n - 1 :]])


def test_faults_beyond_the_run_that_need_no_engine_are_found_too(folder):
    assert "line 1180 " in refusal(folder, [*LINES[:1179], "x", *LINES[1180:]])


def test_infinite_height(folder):
    assert "line 1001 " in refusal(folder, [*LINES[:1000], "1e999", "1e999"])


def test_a_long_line_is_shortened(folder):
    assert len(refusal(folder, [*LINES[:10], "x" * 10_000])) < 400


def test_too_few_decimals(folder):
    assert "prints 3 decimals" in refusal(folder, [f"{ordinate:.3f}" for ordinate in TRUE])
    assert "prints 0 decimals" in refusal(folder, ["14", "21", "25"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (gzip.compress(b"14.1\n"), "gunzip"),
        ("14.134725142\n".encode("utf-16"), "not UTF-8"),
        (b"14.134725142\n\xff\xfe\n", "not UTF-8"),
        (b"\x00\x01\x02\n", "ordinal 1"),
    ],
)
def test_files_that_are_no_tables(tmp_path, content, message):
    path = tmp_path / "zeros.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        TableZeros(path, SPLIT)


def test_files_that_cannot_be_opened(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="does not exist"):
        TableZeros(tmp_path / "none.txt", SPLIT)
    with pytest.raises(UserError, match="is a directory"):
        TableZeros(tmp_path, SPLIT)
    with pytest.raises(UserError, match="can't be read"):
        TableZeros(tmp_path / ("x" * 5000), SPLIT)
