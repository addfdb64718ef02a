"""Zeros of a table: what a run may see is checked when it is opened, and only that is kept."""

import hashlib
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeta_exp.cli import main
from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.theory.counting import unfold
from zeta_exp.zeros import TableZeros, generate, listed
from zeta_exp.zeros.cache import RUN
from zeta_exp.zeros.engine import block, stream
from zeta_exp.zeros.formats import format_of, read, write
from zeta_exp.zeros.integrity import between
from zeta_exp.zeros.shards import open_table
from zeta_exp.zeros.stretch import Stretch

SPLIT = Split(start=1, N=1000)  # extrapolation up to ordinal 1100
TRUE = generate(1, 1200)
LINES = [f"{ordinate:.9f}" for ordinate in TRUE]
few = settings(max_examples=25)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


def opened(folder, lines, split=SPLIT, end="\n", start=None):
    path = folder / "zeros.txt"
    path.write_text("\n".join(lines) + end)
    return TableZeros(path, split, start)


def refusal(folder, lines, split=SPLIT, start=None):
    with pytest.raises(UserError) as caught:
        opened(folder, lines, split, start=start)
    assert str(folder / "zeros.txt") in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("end", ["", "\n", "\n\n  \n", "\r\n"])
def test_a_right_table(folder, end):
    source = opened(folder, LINES, end=end)
    assert source.ordinates(1, 1101) == pytest.approx(TRUE[:1100], abs=6e-10, rel=0)
    assert source.ordinates(5, 7).tolist() == [float(LINES[4]), float(LINES[5])]
    expected = unfold(source.ordinates(300, 1101), np.arange(300, 1101))
    assert source.residuals(300, 1101) == pytest.approx(expected, abs=1e-10, rel=0)
    assert source.notes() == []


def test_the_bits_of_a_zero_are_those_of_every_request(folder):
    source = opened(folder, LINES)
    for start, stop in ((1, 5), (300, 900), (1099, 1101)):
        pair = source.residuals(1, 1101)[start - 1 : stop - 1]
        assert np.array_equal(source.residuals(start, stop), pair)
    assert source.residuals(7, 7).size == source.ordinates(7, 7).size == 0


@pytest.mark.parametrize("style", ["{:.5f}", "{:.12f}", "  {:.9f}", "{:.9f}\r", "{!r}"])
def test_styles_of_numbers(folder, style):
    digits = 5 if style == "{:.5f}" else 9
    source = opened(folder, [style.format(float(ordinate)) for ordinate in TRUE])
    assert source.ordinates(1, 1101) == pytest.approx(TRUE[:1100], abs=10.0**-digits, rel=0)


def stretches(start, count):
    for part in stream(start, count):
        yield Stretch(part.start, 0.0, part.base + part.offsets)


@pytest.mark.parametrize(
    ("name", "format"),
    [("z.txt", "text"), ("z.txt.gz", "text"), ("z.npy", "npy"), ("z.dat", "lmfdb")],
)
def test_every_format_gives_the_same_zeros(tmp_path, name, format):
    write(tmp_path / name, stretches(5000, 1500), format)
    source = TableZeros(tmp_path / name, Split(5100, 1000), None if format == "lmfdb" else 5000)
    assert source.ordinates(5100, 6200) == pytest.approx(generate(5100, 1100), abs=1e-11, rel=0)
    provenance = source.provenance()
    assert provenance["name"] == "table"
    assert provenance["format"] == format
    assert len(provenance["sha256"]) == 64


@pytest.mark.parametrize(("name", "format"), [("z.odlyzko", "odlyzko"), ("z.dat", "lmfdb")])
def test_tables_far_up_keep_all_digits_of_the_residuals(tmp_path, name, format):
    first = 10**12 + 1
    zeros = block(first, 300)
    write(tmp_path / name, [Stretch(first, zeros.base, zeros.offsets)], format)
    source = TableZeros(tmp_path / name, Split(first + 20, 150))
    listed = slice(20, 270)
    assert source.residuals(first + 20, first + 270) == pytest.approx(
        zeros.residuals[listed], abs=2e-10, rel=0
    )
    ordinates = source.ordinates(first + 20, first + 270)
    assert ordinates == pytest.approx(zeros.base + zeros.offsets[listed], abs=1e-4, rel=0)


def test_provenance(folder):
    source = opened(folder, LINES)
    path = folder / "zeros.txt"
    provenance = source.provenance()
    assert provenance["name"] == "table"
    assert provenance["path"] == str(path)
    assert provenance["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert provenance["ordinals_from_table"] == 1100
    assert provenance["ordinals_from_engine"] == 0


def test_extrapolation_past_the_end_comes_from_the_engine(folder):
    source = opened(folder, LINES[:1040])
    (note,) = source.notes()
    assert "ends at ordinal 1040" in note
    assert "1041 to 1100" in note
    assert source.provenance()["ordinals_from_table"] == 1040
    assert source.provenance()["ordinals_from_engine"] == 60
    assert np.array_equal(source.ordinates(1041, 1101), TRUE[1040:1100])
    expected = unfold(TRUE[1038:1042], range(1039, 1043))
    assert source.residuals(1039, 1043) == pytest.approx(expected, abs=2e-8)


def test_outside_the_run_zeros_are_computed(folder):
    source = opened(folder, [*LINES[:1150], "99999.123456789"], Split(start=101, N=900))
    assert np.array_equal(source.ordinates(1101, 1201), TRUE[1100:1200])
    assert np.array_equal(source.ordinates(1, 101), TRUE[:100])
    assert source.ordinates(90, 1110) == pytest.approx(TRUE[89:1109], abs=6e-10, rel=0)
    assert source.residuals(1, 1201).size == 1200


def test_a_table_that_begins_elsewhere(folder):
    lines = LINES[400:]
    source = opened(folder, lines, Split(start=500, N=600), start=401)
    assert source.ordinates(500, 510) == pytest.approx(TRUE[499:509], abs=6e-10, rel=0)
    message = refusal(folder, lines, Split(start=300, N=600), start=401)
    assert "begins at ordinal 401" in message
    assert "start=401 or more" in message
    message = refusal(folder, lines, Split(start=5, N=600))
    assert "wrong start: line 1 holds" in message
    assert "zeros.start=401" in message


def test_of_shards_only_those_of_the_run_are_read(tmp_path):
    path = tmp_path / "zeros"
    made = ["--count", "6000", "--shard-size", "1000", "--out", str(path)]
    assert main(["zeros", "generate", *made]) == 0
    for shard in open_table(str(path)).shards[:2]:
        (path / shard.file).unlink()
    source = TableZeros(path, Split(start=3001, N=1000))
    assert np.array_equal(source.ordinates(3001, 4101), generate(3001, 1100))
    assert source.provenance()["format"] == "shards"
    with pytest.raises(UserError, match=re.escape(f"zeros.path={path}")):
        TableZeros(path, Split(start=1001, N=1000))


@pytest.fixture(scope="module")
def long_tables(tmp_path_factory):
    """The zeros from 5,000 on as shards, as a plain .npy and as one that is packed."""
    folder = tmp_path_factory.mktemp("long")
    count = 2 * RUN + 5000
    for name in ("plain.npy", "packed.npy.gz", "zeros.dat"):
        write(folder / name, stretches(5000, count), format_of(folder / name))
    made = ["--start", "5000", "--count", str(count), "--shard-size", "50000"]
    assert main(["zeros", "generate", *made, "--out", str(folder / "shards")]) == 0
    return folder


LONG = Split(start=6000, N=110_000)
PLACES = {"shards": None, "plain.npy": 5000, "packed.npy.gz": 5000, "zeros.dat": None}


@pytest.mark.parametrize("name", PLACES)
def test_a_zero_is_looked_up_wherever_the_table_holds_it(long_tables, name):
    """The same bits, in order and at random, as from the stretches that the check has seen."""
    path = long_tables / name
    source = TableZeros(path, LONG, PLACES[name])
    seen = list(between(read(path, PLACES[name]), LONG.start, LONG.extrapolation[1]))
    ordinates = np.concatenate([part.ordinates() for part in seen])
    residuals = np.concatenate([part.residuals() for part in seen])
    requests = np.random.default_rng(0).integers(0, ordinates.size, (40, 2))
    for low, high in [(0, ordinates.size), *np.sort(requests).tolist()]:
        start, stop = LONG.start + low, LONG.start + high
        assert np.array_equal(source.ordinates(start, stop), ordinates[low:high])
        assert np.array_equal(source.residuals(start, stop), residuals[low:high])


@pytest.mark.parametrize("name", ["shards", "plain.npy"])
def test_of_a_table_with_random_access_nothing_is_kept_by_the_check(long_tables, name, monkeypatch):
    monkeypatch.setattr(listed, "MOST_KEPT", 10)
    source = TableZeros(long_tables / name, LONG, PLACES[name])
    assert len(source._listed._stretches) == len(source._listed._residuals) == 0
    assert not vars(source._listed._store).get("_parts")
    source.residuals(7000, 7010)
    assert len(source._listed._stretches) == len(source._listed._residuals) == 1


@pytest.mark.parametrize("name", ["packed.npy.gz", "zeros.dat"])
def test_more_than_memory_should_hold_is_refused_with_the_way_out(long_tables, name, monkeypatch):
    monkeypatch.setattr(listed, "MOST_KEPT", 120_999)
    with pytest.raises(UserError, match=r"the run's 121,000 zeros .*zeta zeros convert .*FOLDER/"):
        TableZeros(long_tables / name, LONG, PLACES[name])


def test_a_vector_cut_off_during_the_run(tmp_path):
    path = tmp_path / "zeros.npy"
    np.save(path, TRUE)
    source = TableZeros(path, SPLIT)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match="has become shorter"):
        source.ordinates(1, 1000)


def test_too_few_zeros(folder):
    message = refusal(folder, LINES[:800])
    assert "holds ordinals 1 to 800" in message
    assert "needs those up to 1000" in message
    assert "N=800 or less" in message
    assert "N=301 or less" in refusal(folder, LINES[:800], Split(start=500, N=1000))


@pytest.mark.parametrize(
    ("zeros", "split", "advice"),
    [
        (800, Split(750, 1000), "use start=1 N=800"),
        (800, Split(5000, 1000), "use start=1 N=800"),
        (800, Split(5000, 600), "use start=201 or less"),
        (800, Split(750, 800), "use start=1 or less"),
        (20, Split(1, 1000), "give a longer table"),
        (20, Split(10, 1000), "give a longer table"),
        (20, Split(5000, 1000), "give a longer table"),
    ],
)
def test_advice_for_too_few_zeros_can_be_followed(folder, zeros, split, advice):
    message = refusal(folder, LINES[:zeros], split)
    assert message.endswith(f": {advice}, or use zeros=computed")
    start = re.search(r"use start=(\d+)", message)
    if start:
        count = re.search(r" N=(\d+), or", message)
        followed = Split(int(start[1]), int(count[1]) if count else split.N)
        opened(folder, LINES[:zeros], followed)


def test_errors_name_the_options_of_a_run(folder, tmp_path):
    lines = LINES[400:]
    message = refusal(folder, lines, Split(start=5, N=600))
    assert message.endswith("read the table with zeros.start=401 start=401, or use zeros=computed")
    message = refusal(folder, lines, Split(start=402, N=600))
    assert message.endswith("read the table with zeros.start=401, or use zeros=computed")
    assert "--start" not in message
    assert "zeros.start=0 is no ordinal" in refusal(folder, LINES, start=0)
    path = tmp_path / "zeros"
    assert main(["zeros", "generate", "--count", "2000", "--out", str(path)]) == 0
    with pytest.raises(UserError, match=r"not at zeros\.start=5: leave zeros\.start out"):
        TableZeros(path, SPLIT, 5)


@pytest.mark.parametrize("path", ["", "  "])
def test_an_empty_path(path):
    with pytest.raises(UserError, match=r"^zeros\.path is empty: give the path of a table"):
        TableZeros(path, SPLIT)


places = st.integers(2, 999)  # ordinals


@few
@given(places)
def test_a_missing_zero(folder, n):
    message = refusal(folder, [*LINES[: n - 1], *LINES[n:]])
    assert f"ordinal {n}, at {TRUE[n - 1]:.9f}, missing: line {n} " in message
    assert f"ordinal {n + 1}: insert" in message
    assert "or use zeros=computed" in message


@few
@given(places)
def test_a_zero_missing_before_the_run_is_found_where_it_is(folder, n):
    split = Split(start=1010, N=100)
    message = refusal(folder, [*LINES[: n - 1], *LINES[n:]], split)
    assert f"ordinal {n}, at {TRUE[n - 1]:.9f}, missing: line {n} " in message


def test_what_is_wrong_before_the_run_and_does_not_touch_it(folder):
    lines = [*LINES[:300], "500.123456789", *LINES[301:]]
    assert opened(folder, lines, Split(start=500, N=500)).notes() == []
    assert "perturbed" in refusal(folder, lines, Split(start=300, N=500))


@few
@given(places, st.floats(0.1, 0.9))
def test_an_extra_zero(folder, n, place):
    extra = f"{TRUE[n - 1] + place * (TRUE[n] - TRUE[n - 1]):.9f}"
    message = refusal(folder, [*LINES[:n], extra, *LINES[n:]])
    assert f"extra zero: line {n + 1} " in message
    assert "delete it" in message


@few
@given(places, st.sampled_from([-1, 1]), st.floats(2e-8, 1e-2))
def test_a_perturbed_zero(folder, n, sign, shift):
    lines = [*LINES[: n - 1], f"{TRUE[n - 1] + sign * shift:.9f}", *LINES[n:]]
    message = refusal(folder, lines)
    assert f"perturbed zero: line {n} " in message
    assert f"ordinal {n} is at {TRUE[n - 1]:.9f}" in message


@few
@given(places)
def test_a_doubled_line(folder, n):
    message = refusal(folder, [*LINES[:n], LINES[n - 1], *LINES[n:]])
    assert re.search(rf"doubled zero: line {n + 1} .* ordinal {n} again", message)


@few
@given(places)
def test_two_lines_out_of_order(folder, n):
    message = refusal(folder, [*LINES[: n - 1], LINES[n], LINES[n - 1], *LINES[n + 1 :]])
    assert re.search(rf"swapped zeros: line {n} .*line {n + 1} ", message)


@few
@given(places, st.sampled_from(["abc", "1.5 2.5", "nan", "-14.1", "0x10", "14,13"]))
def test_a_line_that_is_no_number(folder, n, line):
    assert f"line {n} " in refusal(folder, [*LINES[: n - 1], line, *LINES[n:]])


def test_too_few_decimals(folder):
    assert "3 decimals" in refusal(folder, [f"{ordinate:.3f}" for ordinate in TRUE])


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\x00\x01\x02\n", b"<html>not found</html>"])
def test_files_that_are_no_tables(tmp_path, content):
    path = tmp_path / "zeros.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(f"zeros.path={path}")):
        TableZeros(path, SPLIT)


def test_files_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "none.txt", tmp_path, tmp_path / ("x" * 5000)):
        with pytest.raises(UserError, match=re.escape(f"zeros.path={path}")):
            TableZeros(path, SPLIT)
