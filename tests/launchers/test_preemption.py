"""A job that is stopped continues in its next attempt, on a machine with an empty disk."""

import csv
import io
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
import torch
from safetensors.torch import load

from tests.launchers.bucket import (
    KEY,
    RUNS,
    arguments_of,
    call,
    command,
    digest_of,
    environment,
    mirror,
    open_bucket,
)
from tests.run.conftest import PROGRAM, run

__all__ = ["run"]  # a fixture

STATE = "checkpoint/state.safetensors"
KEPT = {"config.yaml", "metrics.csv", "run.log", STATE, "result.json"}


@pytest.fixture
def bucket(monkeypatch):
    with open_bucket() as bucket:
        for name, value in (bucket.environment | {"CLOUD_ML_JOB_ID": "7"}).items():
            monkeypatch.setenv(name, value)
        yield bucket


def stop(epoch):
    """Overrides that end the process at the end of an epoch; no identity depends on them."""
    return ["tracking=strike", "tracking.name=SIGTERM", f"tracking.epoch={epoch}"]


def restless(directory, *arguments):
    """The command of a job that keeps a checkpoint of every update."""
    program = (
        "import runpy, sys, zeta_exp.training as training; training.CHECKPOINT_SECONDS = 0.0; "
        f"sys.argv[0] = {str(PROGRAM)!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    return [sys.executable, "-c", program, *arguments_of(directory, *arguments)]


def rows(text):
    return [{k: v for k, v in row.items() if k != "wall_s"} for row in csv.DictReader(text)]


def tensors(content):
    return {name: value for name, value in load(content).items() if name.startswith("model.")}


def assert_same(bucket, attempt, reference):
    """The attempt has ended as the run that nobody stopped: the same bits, the same rows."""
    weights = tensors(bucket.read(f"{RUNS}/{attempt}/{STATE}"))
    expected = tensors((reference / STATE).read_bytes())
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    metrics = bucket.read(f"{RUNS}/{attempt}/metrics.csv").decode()
    assert rows(io.StringIO(metrics)) == rows((reference / "metrics.csv").open(newline=""))
    predictions = bucket.read(f"{RUNS}/{attempt}/predictions.npz")
    assert predictions == (reference / "predictions.npz").read_bytes()


def test_preempted_twice_gives_the_weights_of_one_never_preempted(bucket, run, tmp_path, counted):
    digest = digest_of()
    for attempt, epoch in ((1, 12), (2, 25)):
        job = command(tmp_path / str(attempt), *stop(epoch), *mirror(digest, attempt))
        done = call(bucket, *job)
        assert done.code == 130, done.err
        assert bucket.names(attempt) == KEPT
        result = bucket.result(attempt)
        assert (result["status"], result["return_value"]) == ("interrupted", None)
        assert "to continue: give the command of the sweep again" in result["reason"]
        assert epoch - 1 <= result["epochs"] <= epoch
    done = run(*arguments_of(tmp_path / "3", *mirror(digest, 3)))
    assert done.code == 0, done.err
    result = bucket.result(3)
    assert (result["status"], result["epochs"]) == ("completed", 40)
    assert result["job"] == {"key": KEY, "attempt": 3, "name": "7"}
    assert result["return_value"] == result["val_rmse"]
    assert result["config_sha256"] == digest
    assert run(*arguments_of(tmp_path / "whole")).code == 0
    assert_same(bucket, 3, tmp_path / "whole")
    counted(preemptions_survived_with_equal_weights=2)
    log = bucket.read(f"{RUNS}/3/run.log").decode()
    assert [n for n in "12" if f"continuing the checkpoint of attempt {n}" in log] == ["1", "2"]


@pytest.mark.soak
def test_killed_at_any_moment_gives_the_weights_of_one_never_killed(bucket, run, tmp_path, counted):
    """20 kills, with and without a grace period, of jobs that are continued to their end."""
    long, chance = "budget.epochs=100", random.Random(0)
    digest, attempt, jobs, codes = digest_of(long), 0, 0, []
    more = environment(**bucket.environment, ZETA_MIRROR_SECONDS="0.1")
    assert run(*arguments_of(tmp_path / "whole", long)).code == 0
    while (kills := len([code for code in codes if code])) < 20 or not jobs:
        attempt += 1
        job = restless(tmp_path / str(attempt), long, *mirror(digest, attempt))
        process = subprocess.Popen(job, env=more, stdout=subprocess.DEVNULL)
        while "run.log" not in bucket.names(attempt) and process.poll() is None:
            time.sleep(0.05)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.0, 6.0) if kills < 20 else None)
        process.send_signal(chance.choice((signal.SIGTERM, signal.SIGKILL)))
        codes.append(process.wait())
        assert codes[-1] in (0, 130, -signal.SIGTERM, -signal.SIGKILL)
        told = "result.json" in bucket.names(attempt)
        status = bucket.result(attempt)["status"] if told else None
        assert status in (None, "interrupted", "completed")
        if status == "completed":
            assert_same(bucket, attempt, tmp_path / "whole")
            bucket.empty()
            jobs += 1
        assert codes[-1] or status == "completed"
    counted(trainings_killed=kills, of_jobs_that_ended_with_equal_weights=jobs)
