"""Stopping and continuing: a run that was interrupted ends as if it had not been."""

import csv
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from tests.conftest import sample
from tests.run.conftest import HERE

EPOCHS = "budget.epochs=8"
BLOCKS = "strategy.block_size=10"  # 18 blocks, 5 updates an epoch


def metrics(directory):
    """metrics.csv without the column that tells the time."""
    with (directory / "metrics.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "wall_s"} for row in csv.DictReader(file)]


def status(directory):
    return json.loads((directory / "result.json").read_text())["status"]


def record(directory):
    """What Hydra and the run wrote down of the configuration."""
    return {
        path.name: path.read_bytes()
        for path in [directory / "config.yaml", *(directory / ".hydra").glob("*.yaml")]
    }


def everything(directory):
    return {path: path.stat().st_mtime_ns for path in directory.rglob("*")}


def progress(directory):
    with safe_open(directory / "checkpoint/state.safetensors", framework="pt") as file:
        return json.loads(file.metadata()["progress"])


def assert_same_run(one, other):
    assert (one / "predictions.npz").read_bytes() == (other / "predictions.npz").read_bytes()
    assert metrics(one) == metrics(other)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Where the completed run that the tests copy is made at its first use."""
    return tmp_path_factory.mktemp("template") / "run"


@pytest.fixture
def completed(run, small, tmp_path, template):
    """The directory of a small completed run."""
    if not template.exists():
        assert run(*small, f"hydra.run.dir={template}").code == 0
    return shutil.copytree(template, tmp_path / "done")


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        (["strategy=fullbatch", "loss.weights.rg=0.1"], "SIGINT"),
        (["strategy=minibatch", BLOCKS], "SIGTERM"),
        (["strategy=minibatch", BLOCKS, "strategy.partition=metis"], "SIGINT"),
    ],
    ids=["fullbatch", "minibatch", "metis"],
)
def test_interrupted_and_resumed_gives_the_same_bytes(run, small, tmp_path, strategy, name):
    common = [*small, EPOCHS, *strategy]
    assert run(*common, "hydra.run.dir=whole").code == 0
    stopped = run(*common, "tracking=stop", f"tracking.name={name}", "hydra.run.dir=parts")
    parts = tmp_path / "parts"
    assert stopped.code == 130
    assert stopped.err == ""
    assert f"python run.py resume={parts}" in stopped.out
    assert status(parts) == "interrupted"
    assert not (parts / "predictions.npz").exists()
    assert (progress(parts)["epoch"], progress(parts)["step"]) == (3, 1)
    before = record(parts)
    resumed = run("resume=parts")
    assert resumed.code == 0, resumed.err
    assert status(parts) == "completed"
    assert record(parts) == before
    assert_same_run(parts, tmp_path / "whole")


def test_killed_after_a_checkpoint(run, spawn, small, tmp_path):
    common = [*small, EPOCHS, "strategy=fullbatch"]
    assert run(*common, "hydra.run.dir=whole").code == 0
    parts = tmp_path / "parts"
    stopped = spawn(*common, "tracking=stop", "tracking.name=SIGTERM", "hydra.run.dir=parts")
    assert stopped.code == 130
    assert stopped.err == ""
    assert f"resume={parts}" in stopped.out
    killed = spawn("resume=parts", "tracking=stop", "tracking.name=SIGKILL", "tracking.epoch=6")
    assert killed.code == -signal.SIGKILL
    assert len(metrics(parts)) == 6  # three more than the checkpoint knows
    with (parts / "metrics.csv").open("a") as file:
        file.write("7,7,12")  # and what a full disk would leave
    assert run("resume=parts", "tracking=none").code == 0
    assert_same_run(parts, tmp_path / "whole")


NOISE = "optimizer.weight_noise=0.05"
OFTEN_KILLED = {
    "minibatch": ["strategy=minibatch", BLOCKS, EPOCHS, NOISE],
    "streamed": [  # several blocks a step, in two passes
        *("strategy=streamed", "strategy.block_size=20", "strategy.steps_per_epoch=3"),
        *("loss.weights.gue_mmd=0.05", EPOCHS, NOISE),
    ],
    "fullbatch": ["strategy=fullbatch", "loss.weights.rg=0.1", "budget.epochs=30", NOISE],
}
OF_THE_MACHINE = {  # what two runs of the same numbers may differ in
    *("wall_s", "total_s", "nodes_per_s", "peak_rss_mb", "provenance"),
}


def numbers(directory):
    """result.json without what depends on the machine and the moment."""
    result = json.loads((directory / "result.json").read_text())
    return {name: value for name, value in result.items() if name not in OF_THE_MACHINE}


def state(directory):
    """Bytes of every tensor of the checkpoint: parameters, the best ones, moments."""
    tensors = load_file(directory / "checkpoint/state.safetensors")
    return {name: value.tobytes() for name, value in tensors.items()}


def killed_often(directory, kills, cases):
    """Kills runs at random instants; all must end as the one that was left alone."""
    command = [sys.executable, "-m", "tests.run.killed", str(kills), str(directory)]
    done = subprocess.run(
        [*command, json.dumps(cases)],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name, left in json.loads(done.stdout).items():
        assert len(left) == kills
        whole = directory / name / "whole"
        for parts in (directory / name).iterdir():
            assert_same_run(parts, whole)
            assert state(parts) == state(whole)
            assert numbers(parts) == numbers(whole)


def test_killed_at_random_instants(tmp_path, counted):
    killed_often(tmp_path, 2, OFTEN_KILLED)
    counted(runs_killed=2 * len(OFTEN_KILLED))


@pytest.mark.soak
@pytest.mark.parametrize("strategy", OFTEN_KILLED)
def test_killed_at_many_random_instants(tmp_path, strategy, counted):
    killed_often(tmp_path, 20, {strategy: OFTEN_KILLED[strategy]})
    counted(runs_killed=20)


@pytest.mark.parametrize("name", sample(["it's {odd}, isn't it", "a=b", "a b"], 3))
def test_the_printed_command_resumes(run, small, tmp_path, name):
    directory = tmp_path / name
    stopped = run(*small, EPOCHS, "tracking=stop", f'hydra.run.dir="{directory}"')
    assert stopped.code == 130, stopped.err
    command = re.search(r"to continue: python run.py (.*)", stopped.out)[1]
    resumed = run(*shlex.split(command))
    assert resumed.code == 0, resumed.err
    assert status(directory) == "completed"


def test_resuming_a_completed_run_changes_no_number(run, completed):
    names = ("predictions.npz", "metrics.csv", "config.yaml")
    before = [(completed / name).read_bytes() for name in names]
    old = record(completed)
    for path in ("done/", str(completed), f"{completed}/../done"):
        assert run(f"resume={path}").code == 0
    assert [(completed / name).read_bytes() for name in names] == before
    assert record(completed) == old
    assert status(completed) == "completed"


def test_a_larger_budget_continues(run, completed):
    before = record(completed)
    assert run("resume=done", "budget.epochs=4", "hardware=auto", "hardware.threads=1").code == 0
    result = json.loads((completed / "result.json").read_text())
    assert result["epochs"] == 4
    assert result["config"]["budget"]["epochs"] == 4
    assert result["config"]["hardware"]["name"] == "auto"
    assert [row["epoch"] for row in metrics(completed)] == ["1", "2", "3", "4"]
    assert record(completed) == before


def test_a_smaller_budget_is_refused(run, completed):
    assert "budget" in run("resume=done", "budget.epochs=1").refused()
    assert status(completed) == "completed"


@pytest.mark.parametrize(
    "override",
    [
        "N=300",
        "seed=1",
        "model=mlp",
        "model.hidden=9",
        "strategy=fullbatch",
        "experiment=quick",
        "hydra.run.dir=elsewhere",
        "hydra/job_logging=none",
        "optimizer.lr=1",
        "+budget.foo=1",
        "+foo=1",
        "budget.epochs=",
    ],
)
def test_what_may_not_change_is_refused_and_changes_nothing(run, completed, override):
    before = everything(completed)
    sentence = run("resume=done", override).refused()
    assert re.split(r"[=/]", override.lstrip("+"))[0].split(".")[-1] in sentence
    assert everything(completed) == before
    assert not Path("elsewhere").exists()


def test_what_is_no_run_is_refused(run, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in ("empty", "nowhere", "''"):
        sentence = run(f"resume={path}").refused()
        assert "resume=" in sentence
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]


def test_a_run_without_checkpoint_is_refused(run, completed):
    (completed / "checkpoint/state.safetensors").unlink()
    assert "no checkpoint" in run("resume=done").refused()


def test_a_checkpoint_of_another_model_is_refused(run, small, completed, tmp_path):
    assert run(*small, "model=mlp", "hydra.run.dir=other").code == 0
    checkpoint = "checkpoint/state.safetensors"
    (completed / checkpoint).write_bytes((tmp_path / "other" / checkpoint).read_bytes())
    sentence = run("resume=done").refused()
    assert "another model" in sentence
    assert "MLP" in sentence
    assert status(completed) == "completed"


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-9], lambda b: b"x" * len(b)])
def test_a_damaged_checkpoint_is_refused(run, completed, damage):
    path = completed / "checkpoint/state.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    assert "no whole checkpoint" in run("resume=done").refused()


@pytest.mark.parametrize("text", ["", "N: [", "- 1", "N: 200\n"])
def test_a_damaged_config_is_refused(run, completed, text):
    (completed / "config.yaml").write_text(text)
    assert "config.yaml" in run("resume=done").refused()
