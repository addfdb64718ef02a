"""Sweeps: a job that is refused or fails says so, the others run, the exit code tells."""

import json
import math
import re

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from conf.launch import job
from zeta_exp.errors import UserError

SWEEP = "hydra.sweep.dir=sweep"


def results(directory):
    """result.json of the jobs, in their order."""
    found = sorted(directory.glob("sweep/*/result.json"), key=lambda path: int(path.parent.name))
    return [json.loads(path.read_text()) for path in found]


def statuses(directory):
    return [result["status"] for result in results(directory)]


def everything(directory):
    return {path: path.stat().st_mtime_ns for path in directory.rglob("*")}


def test_the_grid_of_the_two_teams(run, small, tmp_path):
    grid = ["strategy=fullbatch,minibatch", "loss.weights.rg=0.1,0"]
    ended = run("-m", *small, *grid, SWEEP)
    assert ended.code == 1
    assert statuses(tmp_path) == ["completed", "completed", "refused", "completed"]
    reason = results(tmp_path)[2]["reason"]
    assert "loss.weights.rg=0.1 with strategy=minibatch" in reason
    assert "loss.rg.form=local" in reason
    assert ended.err == f"sweep/2: refused: {reason}\n1 of 4 jobs did not complete\n"
    for number in (0, 1, 3):
        assert (tmp_path / f"sweep/{number}/predictions.npz").exists()
    assert sorted(path.parent.name for path in tmp_path.glob("sweep/*/config.yaml")) == list("0123")


def test_a_sweep_that_completes_ends_with_0(run, small, tmp_path):
    ended = run("-m", *small, "seed=0,1")  # in the directory that the time of day names
    assert (ended.code, ended.err) == (0, "")
    assert len(list(tmp_path.glob("multirun/*/*/*/predictions.npz"))) == 2


def test_a_defect_in_one_job_stops_no_other(run, small, tmp_path):
    ended = run("-m", *small, "tracking=broken,none", SWEEP)
    assert ended.code == 1
    assert statuses(tmp_path) == ["failed", "completed"]
    assert "a defect" in results(tmp_path)[0]["reason"]
    assert "Traceback" in (tmp_path / "sweep/0/run.log").read_text()


def test_unread_keys_are_refused_job_by_job(run, small, tmp_path):
    assert run("-m", *small, "+foo=1,2", SWEEP).code == 1
    assert statuses(tmp_path) == ["refused", "refused"]
    assert "'foo' is unknown" in results(tmp_path)[0]["reason"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["seed=0,abc"], ["seed=abc is not a whole number"]),
        (["model=mlp,foo"], ["model=foo is unknown"]),
        (["resume=a,b"], ["resume", "leave out -m"]),
        (["seed=0,1", "hydra/launcher=foo"], ["hydra/launcher=foo is unknown"]),
        (["hydra.run.dir=a,b"], ["hydra.run.dir=a,b", "can't be swept"]),
    ],
)
def test_what_cannot_be_composed_is_refused_as_a_whole(run, tmp_path, arguments, words):
    sentence = run("-m", *arguments, SWEEP).refused()
    for word in words:
        assert word in sentence
    assert not list(tmp_path.rglob("config.yaml"))


def test_a_sweep_never_writes_over_another(run, small, tmp_path):
    assert run("-m", *small, "seed=0,1", SWEEP).code == 0
    before = everything(tmp_path)
    assert "sweep already holds a sweep" in run("-m", *small, "seed=0,2", SWEEP).refused()
    assert everything(tmp_path) == before


def test_a_job_never_writes_over_another(run, small, tmp_path):
    named = [SWEEP, "hydra.sweep.subdir='${seed}'"]
    assert run("-m", *small, "seed=0,1", *named).code == 0
    before = results(tmp_path)[:2]
    ended = run("-m", *small, "seed=2,1", *named)  # extends the sweep, and repeats a job of it
    assert ended.code == 2
    assert "already holds a run" in ended.err
    assert results(tmp_path)[:2] == before
    assert statuses(tmp_path) == ["completed"] * 3


def test_an_interrupted_sweep_says_how_to_continue_its_job(run, small, tmp_path):
    ended = run("-m", *small, "budget.epochs=8", "tracking=stop", "seed=0,1", SWEEP)
    assert ended.code == 130
    assert statuses(tmp_path) == ["interrupted"]
    argument = re.search(r"to continue: python run.py (resume=\S+/sweep/0)", ended.out)[1]
    assert run(argument).code == 0
    assert statuses(tmp_path) == ["completed"]


@pytest.mark.soak
def test_submitit(spawn, small, tmp_path):
    """Each job in a process of its own, which another one starts."""
    ended = spawn("-m", *small, "loss.weights.rg=0.1,0", "hydra/launcher=submitit_local", SWEEP)
    assert ended.code == 1, ended.err
    assert statuses(tmp_path) == ["refused", "completed"]
    assert "1 of 2 jobs did not complete" in ended.err
    assert "Traceback" not in ended.err


@pytest.fixture
def in_sweep(tmp_path, monkeypatch):
    """Hydra's state in a job of a sweep."""
    state = {"mode": RunMode.MULTIRUN, "runtime": {"output_dir": str(tmp_path)}}
    monkeypatch.setattr(HydraConfig.instance(), "cfg", OmegaConf.create({"hydra": state}))
    monkeypatch.setattr("conf.launch.resolved", lambda config: config)
    return OmegaConf.create({"N": 200})


def test_a_sweeper_gets_the_objective(in_sweep):
    assert job(in_sweep, lambda config, directory, resume, ranks: 0.25) == 0.25


@pytest.mark.parametrize("error", [UserError("no"), RuntimeError("no"), OSError(28, "no space")])
def test_a_sweeper_gets_nan_where_there_is_none(in_sweep, tmp_path, error):
    def execute(config, directory, resume, ranks):
        raise error

    assert math.isnan(job(in_sweep, execute))
    status = "failed" if isinstance(error, RuntimeError) else "refused"
    assert json.loads((tmp_path / "result.json").read_text())["status"] == status
