"""Nothing is converted or described that is not what it says it is."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from zeta_exp.theory.counting import mean_gap
from zeta_exp.zeros import block, generate
from zeta_exp.zeros.formats import read, write

HIGH = 10**12


def flip(path, position):
    content = bytearray(Path(path).read_bytes())
    content[position] ^= 1
    Path(path).write_bytes(content)


@pytest.mark.parametrize("command", [["stats"], ["convert", "copy.npy"], ["convert", "copy/"]])
def test_damaged_shards_are_refused(zeta, table, command):
    flip("made/zeros_00001.npy", 3000)
    name, *target = command
    said = zeta("zeros", name, table, *target).refused()
    assert said.startswith("made is damaged (made/zeros_00001.npy has sha256")
    assert "`zeta zeros generate`" in said
    flip("made/zeros_00002.npy", 3000)
    assert "again and 1 more)" in zeta("zeros", name, table, *target).refused()
    assert os.listdir() == ["made"]


@pytest.mark.parametrize("command", [["stats"], ["convert", "copy.npy"], ["convert", "copy/"]])
def test_a_wrong_first_ordinal_is_refused(zeta, command):
    write("high.txt", [block(HIGH, 300).stretch], "text")
    name, *target = command
    said = zeta("zeros", name, "high.txt", *target).refused()
    assert said.startswith("high.txt does not begin at ordinal 1: its first zero, at 26765339")
    number = int(said.partition("--start ")[2].partition(",")[0])
    assert abs(number - HIGH) <= 3
    assert zeta("zeros", name, "high.txt", *target, "--start", HIGH).code == (
        2 if "copy.npy" in target else 0  # which can't hold them
    )


@pytest.mark.parametrize("height", [-5.0, 0.0, np.nan, np.inf, 1e305])
def test_what_is_no_height_is_refused(zeta, height):
    np.save("table.npy", np.array([height, 20.0]))
    said = zeta("zeros", "stats", "table.npy").refused()
    assert "table.npy does not begin at ordinal 1" in said
    assert "is no zero at all" in said


def test_shards_of_other_ordinals_are_to_be_made_again(zeta, table):
    path = Path("made/manifest.json")
    manifest = json.loads(path.read_text())
    for entry in (manifest, *manifest["shards"]):
        entry["start"] += 7000
    path.write_text(json.dumps(manifest))
    assert "is about number 1: make the table again" in zeta("zeros", "stats", table).refused()


def test_faulty_tables_become_no_shards(zeta):
    zeros = generate(1, 500)
    np.save("table.npy", np.delete(zeros, 234))
    said = zeta("zeros", "convert", "table.npy", "copy/").refused()
    assert "table.npy is faulty (" in said
    assert "235" in said
    assert "`zeta zeros verify table.npy`" in said
    assert os.listdir() == ["table.npy"]


def test_beyond_the_engine_nothing_is_compared(zeta, table, monkeypatch):
    monkeypatch.setattr("zeta_exp.zeros.engine.MAX_ORDINAL", 0)
    assert zeta("zeros", "convert", table, "copy/").code == 0
    assert zeta("zeros", "convert", table, "copy.txt").code == 0
    assert zeta("zeros", "convert", "copy.txt", "again/").code == 0
    assert read("again").count == 3000


@pytest.fixture
def printed(zeta):
    """A text with the zeros 1 … 2000 to nine decimals."""
    Path("nine.txt").write_text("".join(f"{zero:.9f}\n" for zero in generate(1, 2000)))
    return "nine.txt"


@pytest.mark.parametrize("form", ["ordinates", "residuals"])
def test_shards_remember_how_exact_their_zeros_are(zeta, printed, form):
    tolerance = read(printed).tolerance
    assert tolerance == pytest.approx(1e-8)
    assert zeta("zeros", "convert", printed, "copy/", "--form", form).code == 0
    rounding = 2**-23 * mean_gap(generate(1, 1)[0]) if form == "residuals" else 0.0
    assert read("copy").tolerance == pytest.approx(tolerance + rounding)
    assert zeta("zeros", "convert", "copy", "again/", "--form", "ordinates").code == 0
    assert read("again").tolerance == read("copy").tolerance
    for folder in ("copy", "again"):
        checked = zeta("zeros", "verify", folder, "--deep")
        assert checked.code == 0, checked.out


@pytest.mark.parametrize("name", ["copy.npy", "copy.dat"])
def test_what_a_format_can_not_say_is_told(zeta, table, printed, name):
    note = zeta("zeros", "convert", printed, name).err
    assert "can't say that the heights in nine.txt are right to 1e-08 only" in note
    assert note.count("\n") == 1
    assert zeta("zeros", "convert", table, "exact.npy").err == ""


def test_a_text_says_how_exact_it_is(zeta, printed):
    assert zeta("zeros", "convert", printed, "copy/").code == 0
    there = zeta("zeros", "convert", "copy", "back.txt")
    assert (there.code, there.err) == (0, "")
    assert read("back.txt").tolerance >= read(printed).tolerance
    assert zeta("zeros", "verify", "back.txt", "--deep").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["convert", "made", ""], "DST is empty"),
        (["convert", "made", "memory://x/"], "memory://x/ is gone when the command ends"),
        (["generate", "--count", "5", "--out", ""], "--out is empty"),
        (["generate", "--count", "5", "--out", "memory://x"], "is gone when the command ends"),
        (["convert", "made", "made/"], "made and made/ are the same"),
        (["convert", "made", "./made"], "are the same"),
        (["convert", "nowhere", "nowhere"], "are the same"),
        (["convert", "nowhere", "x", "--format", "bogus"], "'bogus' is unknown; known: lmfdb"),
        (["generate", "--count", "5", "--out", "x", "--shard", "1/2"], "make 1 shard, too few"),
    ],
    ids=" ".join,
)
def test_refused_before_anything_is_done(zeta, table, arguments, said):
    assert said in zeta("zeros", *arguments).refused()
    assert os.listdir() == ["made"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no such folder")
def test_a_folder_on_no_disk(zeta):
    said = zeta("zeros", "generate", "--count", "5", "--out", "/proc/zeros").refused()
    assert said == "/proc/zeros can't be written, it is on no disk: choose a folder on one"
