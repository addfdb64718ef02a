"""What a shell sees of `zeta zeros`."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zeta_exp.zeros import generate
from zeta_exp.zeros.shards import open_table

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--help"], "zeta zeros generate --count 1e6 --out zeros"),
        (["zeros", "--help"], "zeta zeros verify zeros --deep"),
        (["zeros", "generate", "--help"], "--shard I/K"),
        (["zeros", "verify", "--help"], "exit code is 1"),
        (["zeros", "convert", "--help"], "--overwrite"),
        (["zeros", "stats", "--help"], "Gaussian unitary ensemble"),
    ],
)
def test_help(zeta, arguments, said):
    shown = zeta(*arguments)
    assert (shown.code, shown.err) == (0, "")
    assert said in shown.out
    assert max(map(len, shown.out.splitlines())) <= 100


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from zeta_exp.cli import main; main(['zeros', 'generate', '--help']);"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'numba', 'torch', 'rich')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_generate(zeta, table):
    zeros = np.concatenate([s.ordinates() for s in open_table(table).stretches()])
    assert np.array_equal(zeros, generate(1, 3000))
    again = zeta("zeros", "generate", "--count", "3000", "--shard-size", "1000", "--out", table)
    assert again.out.startswith("made: 3,000 zeros from ordinal 1 as ordinates, shards: 3, 0.0 MB")
    assert again.err == ""


def test_slices_make_a_table(zeta):
    options = ["--start", "1e12", "--count", "400", "--shard-size", "100", "--form", "residuals"]
    for part in ("2/2", "1/2"):
        made = zeta("zeros", "generate", *options, "--out", "slices", "--shard", part)
        assert f"slice {part}, 200 zeros" in made.out
    shown = zeta("zeros", "verify", "slices", "--deep", "--workers", "2")
    assert shown.code == 0, shown.out
    assert "400 zeros" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "arguments are required: GROUP: see `zeta --help`"),
        (["primes"], "see `zeta --help`"),
        (["zeros"], "arguments are required: COMMAND: see `zeta zeros --help`"),
        (["zeros", "generate"], "--count, --out: see `zeta zeros generate --help`"),
        (["zeros", "generate", "--count", "ten", "--out", "x"], "'ten' is no whole number"),
        (["zeros", "generate", "--count", "0", "--out", "x"], "count=0"),
        (["zeros", "generate", "--count", "1", "--start", "0", "--out", "x"], "start=0"),
        (["zeros", "generate", "--count", "2e13", "--out", "x"], "10000000000000"),
        (["zeros", "generate", "--count", "5", "--workers", "0", "--out", "x"], "workers=0"),
        (["zeros", "generate", "--count", "5", "--shard", "5", "--out", "x"], "'5' is not i/K"),
        (["zeros", "generate", "--count", "5", "--shard", "1/2", "--out", "x"], "make at most 1"),
        (["zeros", "generate", "--count", "5", "--shard-size", "0", "--out", "x"], "shard of 0"),
        (["zeros", "generate", "--count", "5", "--form", "f", "--out", "x"], "'f' is unknown"),
        (["zeros", "generate", "--count", "5", "--out", "nowhere://x"], "nowhere://x"),
        (["zeros", "verify", "nowhere.txt"], "nowhere.txt does not exist"),
        (["zeros", "stats", "."], "manifest"),
        (["zeros", "convert", "made", "copy.doc"], "copy.doc"),
        (["zeros", "convert", "made", "copy.txt", "--format", "doc"], "'doc' is unknown"),
        (["zeros", "convert", "made", "copy.txt", "--form", "offsets"], "--form is for shards"),
        (["zeros", "convert", "made", "made"], "made and made are the same"),
        (["zeros", "convert", "made", ".", "--format", "text"], ". is a folder: give a file"),
        (["zeros", "convert", "made", "./", "--start", "7"], "start=7"),
    ],
    ids=" ".join,
)
def test_errors_are_one_sentence(zeta, table, arguments, said):
    assert said in zeta(*arguments).refused()
    assert os.listdir() == ["made"]


def test_verify_names_the_faults(zeta, table):
    sound = zeta("zeros", "verify", table)
    assert (sound.code, sound.err) == (0, "")
    assert "ordinals 1 to 3000" in sound.out
    zeta("zeros", "convert", table, "table.txt")
    with open("table.txt") as file:
        lines = file.readlines()
    del lines[1233]
    with open("table.txt", "w") as file:
        file.writelines(lines)
    faulty = zeta("zeros", "verify", "table.txt")
    assert faulty.code == 1
    assert "1234" in faulty.out
    assert "missing" in faulty.out


def test_verify_reads_the_hashes(zeta, table):
    with open("made/zeros_00001.npy", "r+b") as file:
        file.seek(3000)
        file.write(b"\x01")
    faulty = zeta("zeros", "verify", table)
    assert faulty.code == 1
    assert "zeros_00001.npy has sha256" in faulty.out


@pytest.mark.parametrize("name", ["copy.txt", "copy.txt.gz", "copy.npy", "copy.dat", "copy/"])
def test_convert_there_and_back(zeta, table, name):
    there = zeta("zeros", "convert", table, name)
    assert there.code == 0, there.err
    assert f"{name}: 3,000 zeros from ordinal 1 as" in there.out
    assert zeta("zeros", "convert", name, "back.npy").code == 0
    assert np.array_equal(np.load("back.npy"), generate(1, 3000))
    refused = zeta("zeros", "convert", name, "back.npy").refused()
    assert "back.npy is there already: add --overwrite" in refused
    assert zeta("zeros", "convert", name, "back.npy", "--overwrite").code == 0


def test_convert_to_compact_shards(zeta, table):
    options = ["--format", "shards", "--form", "residuals"]
    assert zeta("zeros", "convert", table, "small", *options).code == 0
    assert set(os.listdir("small")) == {"residuals_00000.npy", "manifest.json"}
    assert zeta("zeros", "verify", "small").code == 0


def test_convert_what_does_not_say_how_long_it_is(zeta, table):
    assert zeta("zeros", "convert", table, "copy.txt").code == 0
    for _ in range(2):  # the second time it's there
        assert "3,000 zeros from ordinal 1" in zeta("zeros", "convert", "copy.txt", "copy/").out
    zeros = np.concatenate([s.ordinates() for s in open_table("copy").stretches()])
    assert np.array_equal(zeros, generate(1, 3000))


def test_stats(zeta, table):
    shown = zeta("zeros", "stats", table)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("zeros ")
    assert "GUE" in shown.out


def test_stats_as_json(zeta, table):
    said = zeta("zeros", "stats", table, "--json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert (found["start"], found["count"], found["heights"][0][:6]) == (1, 3000, "14.134")
    spectrum = found["spectrum"]
    axes = spectrum["axes"]
    for name in ("number_variance", "rigidity", "form_factor"):
        assert len(spectrum[name]) == len(spectrum["errors"][name]) == len(axes[name])
    assert spectrum["variance"] == pytest.approx([found["variance"]], rel=1e-4)
    assert spectrum["lags"][0] == pytest.approx(found["lag1"], abs=1e-3)
    assert spectrum["ratio"] == pytest.approx([found["ratio"]], rel=1e-4)
    assert "spectrum" not in json.loads(zeta("zeros", "stats", table, "--json", "--brief").out)


def test_stats_in_brief_are_the_first_lines_of_all(zeta, table):
    brief = zeta("zeros", "stats", table, "--brief").out
    everything = zeta("zeros", "stats", table).out
    assert everything.startswith(brief)
    assert "number variance, L = 50" in everything
    assert "number variance" not in brief
    assert all(len(line) <= 80 for line in everything[len(brief) :].splitlines())


def test_stats_of_a_table_that_begins_elsewhere(zeta):
    np.save("part.npy", generate(5000, 300))
    assert "5000 to 5299" in zeta("zeros", "stats", "part.npy", "--start", "5e3").out


def test_ctrl_c(zeta, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("zeta_exp.zeros.engine.stream", interrupt)
    stopped = zeta("zeros", "generate", "--count", "5", "--out", "made")
    assert stopped.code == 130
    assert stopped.err == (
        "interrupted: the whole shards in made stay; run the same command again to continue\n"
    )
    monkeypatch.setattr("zeta_exp.zeros.formats.read", interrupt)
    assert zeta("zeros", "stats", "made").err == "interrupted\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes")
def test_nobody_reads_on(zeta, table):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "zeta_exp.cli", "zeros", "stats", table],
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_nobody_reads_on_in_this_process(zeta, monkeypatch):
    def broken(*_):
        raise BrokenPipeError

    monkeypatch.setattr("zeta_exp.zeros.formats.read", broken)
    stopped = zeta("zeros", "stats", "x")
    assert (stopped.code, stopped.out, stopped.err) == (141, "", "")


def test_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["zeta", "zeros"])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_module("zeta_exp.cli", run_name="__main__")
    assert "COMMAND" in capsys.readouterr().err


@pytest.mark.soak
@pytest.mark.parametrize("start", ["1", "1e10", "1e12"])
def test_ten_million_zeros(zeta, start):
    options = ["--start", start, "--count", "1e7", "--workers", "2", "--shard-size", "3e6"]
    assert zeta("zeros", "generate", *options, "--out", "made").code == 0
    assert zeta("zeros", "generate", *options, "--form", "residuals", "--out", "small").code == 0
    for folder in ("made", "small"):
        shown = zeta("zeros", "verify", folder, "--deep", "--workers", "2")
        assert shown.code == 0, shown.out
