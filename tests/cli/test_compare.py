"""What a shell sees of `zeta compare`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest

from tests.verdict.sweeps import Sweep

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sweep(tmp_path):
    made = Sweep(tmp_path / "sweep")
    made.add(0, 1, 0.1, 0.02)
    made.add(3, 1, 0.0, 0.03, changes={"optimizer.lr": 0.001})
    return made


def test_exactly_what_differs(zeta, sweep):
    shown = zeta("compare", sweep.folder / "0", sweep.folder / "1")
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    first = lines.index("Config") + 3
    assert [line.split() for line in lines[first : first + 4]] == [
        ["loss.weights.rg", "0.1", "0"],
        ["seed", "0", "3"],
        ["optimizer.lr", "0.004", "0.001"],
        [],
    ]
    assert shown.out.index("Config") < shown.out.index("Results")
    assert max(map(len, lines)) <= 100


def test_a_run_elsewhere(zeta, sweep):
    memory = fsspec.filesystem("memory")
    memory.put(str(sweep.folder / "1"), "/compared", recursive=True)
    answers = [
        json.loads(zeta("compare", sweep.folder / "0", place, "--format", "json").out)
        for place in (sweep.folder / "1", "memory://compared")
    ]
    memory.rm("/compared", recursive=True)
    for answer in answers:
        del answer["sides"]
    assert answers[0] == answers[1]
    assert set(answers[0]["config"]) == {"loss.weights.rg", "seed", "optimizer.lr"}


def test_unfinished_runs_are_said_beside(zeta, sweep):
    sweep.add(7, 1, 0.1, status="failed")
    assert zeta("compare", sweep.folder).err == "1 runs have not finished and are left out\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "RUN"),
        (["sweep/0"], "none to compare it with"),
        (["sweep/0", "missing"], "missing is no folder"),
        (["sweep/0", "."], "--format"),
    ],
)
def test_mistakes(zeta, sweep, monkeypatch, arguments, said):
    monkeypatch.chdir(sweep.folder.parent)
    options = ["--format", "csv"] if said == "--format" else []
    assert said in zeta("compare", *arguments, *options).refused()


def test_it_needs_no_torch(sweep):
    code = (
        f"import sys; from zeta_exp.cli import main; main(['compare', {str(sweep.folder)!r}]);"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
