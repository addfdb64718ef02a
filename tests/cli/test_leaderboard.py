"""What a shell sees of `zeta leaderboard`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verdict.sweeps import Sweep

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sweep(tmp_path):
    made = Sweep(tmp_path / "sweep")
    for seed in range(2):
        made.add(seed, 1, 0.1, 0.02 + 0.01 * seed)
        made.add(seed, 1, 0.0, 0.03 + 0.01 * seed)
    return made


def test_a_table_of_what_is_below_several_folders(zeta, sweep):
    shown = zeta("leaderboard", sweep.folder / "0", sweep.folder, sweep.folder / "1")
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert [line.split()[:5] for line in lines[-2:]] == [
        ["1", "–", "streamed", "0.1", "2"],  # each run once
        ["2", "–", "streamed", "0", "2"],
    ]


def test_choices(zeta, sweep):
    options = ["--where", "loss.weights.rg<0.05", "seed=1", "--columns", "val_rmse", "--sort", "N"]
    shown = zeta("leaderboard", sweep.folder, *options, "--format", "json")
    (row,) = json.loads(shown.out)["rows"]
    assert row["values"] == {"val_rmse": {"mean": pytest.approx(0.036), "sd": None, "n": 1}}


def test_unfinished_runs_are_said_beside_the_table(zeta, sweep):
    sweep.add(7, 1, 0.1, 0.02, status="failed")
    shown = zeta("leaderboard", sweep.folder, "--format", "csv")
    assert shown.err == "1 runs have not finished and are left out\n"
    assert len(shown.out.splitlines()) == 3


def test_slices_of_zeros_are_no_experiments(zeta, sweep):
    sweep.add(7, 1, 0.5, slice="1/4", zeros=1000)
    assert len(zeta("leaderboard", sweep.folder, "--format", "csv").out.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give folders of runs or --vertex EXPERIMENT"),
        (["sweep", "--vertex", "x"], "one of the two"),
        (["missing"], "missing is no folder"),
        (["--vertex", "x"], "--project"),
        (["sweep", "--where", "N"], "is no condition"),
        (["sweep", "--format", "xml"], "--help"),
    ],
)
def test_mistakes(zeta, sweep, monkeypatch, arguments, said):
    monkeypatch.chdir(sweep.folder.parent)
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    assert said in zeta("leaderboard", *arguments).refused()


def test_it_needs_neither_torch_nor_numpy(sweep):
    code = (
        f"import sys; from zeta_exp.cli import main; main(['leaderboard', {str(sweep.folder)!r}]);"
        "sys.exit(any(n in sys.modules for n in ('torch', 'numpy', 'scipy', 'rich', 'grpc')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
