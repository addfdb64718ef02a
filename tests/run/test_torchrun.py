"""Runs of several processes, started by torchrun."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from tests.conftest import Outcome, make_line, make_model
from tests.run.conftest import HERE, OPTIONS, PROGRAM, SMALL
from zeta_exp.errors import UserError
from zeta_exp.hardware import Hardware
from zeta_exp.losses import make_loss
from zeta_exp.ranks import Ranks
from zeta_exp.split import Split
from zeta_exp.strategies import FullBatch
from zeta_exp.torchrun import Place, launched

EPOCHS = "budget.epochs=6"
STREAMED = [  # 4 blocks a step; Muon is the default
    *("strategy=streamed", "strategy.block_size=50", EPOCHS),
    *("optimizer=muon", "optimizer.weight_noise=0.05"),
]
FILES = {"config.yaml", "metrics.csv", "predictions.npz", "result.json", "run.log"}


@pytest.fixture(scope="module")
def torchrun(tmp_path_factory):
    """Calls run.py in two processes, all runs of this file in one directory."""
    directory = tmp_path_factory.mktemp("torchrun")

    def call(*arguments, processes=2):
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        path = f"{HERE}{os.pathsep}{PROGRAM.parent}"
        done = subprocess.run(
            [*launcher, f"--nproc_per_node={processes}", str(PROGRAM), OPTIONS, *arguments],
            cwd=directory,
            env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    call.directory = directory
    return call


@pytest.fixture(scope="module")
def whole(torchrun):
    """A run of two processes from its beginning to its end, and what the shell saw of it."""
    done = torchrun(*SMALL, *STREAMED, "tracking=threads", "hydra.run.dir=whole")
    assert done.code == 0, done.err
    return torchrun.directory / "whole", done


def metrics(directory):
    """metrics.csv without the column that tells the time."""
    with (directory / "metrics.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "wall_s"} for row in csv.DictReader(file)]


def result(directory):
    return json.loads((directory / "result.json").read_text())


def assert_close(one, other):
    """The same run up to the rounding of float32."""
    for left, right in zip(metrics(one), metrics(other), strict=True):
        for name in ("train_loss", "val_rmse", "extrapolation_error"):
            assert float(left[name]) == pytest.approx(float(right[name]), rel=1e-4)
    predictions = [np.load(directory / "predictions.npz")["val_pred"] for directory in (one, other)]
    assert np.abs(np.subtract(*predictions)).max() < 1e-4


def assert_same(one, other):
    assert (one / "predictions.npz").read_bytes() == (other / "predictions.npz").read_bytes()
    assert metrics(one) == metrics(other)


def assert_lost(directory, done):
    """The survivor has said it once, kept the last update and given up."""
    assert done.code == 1
    sentence = "another process of the run has gone; to continue: "
    assert (done.out + done.err).count(sentence) == 1
    assert result(directory)["status"] == "interrupted"
    assert result(directory)["reason"].startswith(sentence)
    assert f"resume={directory}" in result(directory)["reason"]
    assert "exitcode  : 1 " in done.err  # of the survivor, in torchrun's report
    assert result(directory)["updates"] >= 3


def test_two_processes_give_the_run_of_one(run, whole, tmp_path):
    directory, done = whole
    assert run(*SMALL, *STREAMED, "hydra.run.dir=one").code == 0
    assert_close(directory, tmp_path / "one")
    assert (result(directory)["ranks"], result(tmp_path / "one")["ranks"]) == (2, 1)
    assert {path.name for path in directory.iterdir() if path.is_file()} == FILES
    assert [path.name for path in directory.parent.iterdir() if path != directory] == []
    assert done.out.count("streamed training on the zeros") == 1
    assert done.out.count("this model") == 1
    assert "rror" not in done.err


def test_no_thread_of_the_connections_outlives_the_run(whole):
    """One that did would abort its process now and then, as the interpreter is torn down."""
    lines = re.findall(r"threads at the end: (.*)", whole[1].err)
    assert len(lines) == 2
    assert "gloo" not in "".join(lines)


@pytest.mark.soak
def test_stopped_and_resumed_gives_the_same_bytes(torchrun, whole):
    strike = ["tracking=strike", "tracking.name=SIGTERM", "tracking.whom=torchrun"]
    stopped = torchrun(*SMALL, *STREAMED, *strike, "hydra.run.dir=parts")
    parts = torchrun.directory / "parts"
    assert stopped.code == 1  # torchrun's, whatever the signal
    assert stopped.out.count("to continue:") == 1
    assert result(parts)["status"] == "interrupted"
    arguments = re.search(r"torchrun --nproc_per_node=2 run.py (.*)", stopped.out)[1].split()
    assert 3 <= result(parts)["updates"] < 6
    resumed = torchrun(*arguments, "tracking=none")
    assert resumed.code == 0, resumed.err
    assert result(parts)["status"] == "completed"
    assert_same(parts, whole[0])


@pytest.mark.soak
def test_the_first_process_is_killed(run, torchrun, whole):
    lost = torchrun(*SMALL, *STREAMED, "tracking=strike", "hydra.run.dir=lost")
    directory = torchrun.directory / "lost"
    assert_lost(directory, lost)
    assert run(f"resume={directory}", "tracking=none").code == 0  # by one process alone
    assert_close(directory, whole[0])


@pytest.mark.soak
def test_another_process_is_killed(torchrun, whole):
    strike = ["tracking=strike", "tracking.whom=another"]
    lost = torchrun(*SMALL, *STREAMED, *strike, "hydra.run.dir=other")
    assert_lost(torchrun.directory / "other", lost)
    assert torchrun("resume=other", "tracking=none", processes=3).code == 0
    assert_close(torchrun.directory / "other", whole[0])


@pytest.mark.soak
def test_one_process_is_continued_by_two(run, torchrun, whole):
    directory = torchrun.directory / "grown"
    stop = ["tracking=stop", f"hydra.run.dir={directory}"]
    assert run(*SMALL, *STREAMED, *stop).code == 130
    assert torchrun("resume=grown", "tracking=none").code == 0
    assert_close(directory, whole[0])


@pytest.mark.soak
def test_minibatches_of_two_processes_give_the_run_of_one(run, torchrun, tmp_path):
    common = [*SMALL, "strategy=minibatch", "strategy.block_size=10"]
    assert torchrun(*common, "hydra.run.dir=minibatch").code == 0
    assert run(*common, "hydra.run.dir=one").code == 0
    assert_close(torchrun.directory / "minibatch", tmp_path / "one")


def said(done):
    """The sentences of a refusal; the rest is torchrun's."""
    return [line for line in done.err.splitlines() if line.startswith("error: ")]


def test_a_mistake_is_told_once(torchrun):
    before = set(torchrun.directory.iterdir())
    done = torchrun(*SMALL, "model=foo")
    assert done.code == 1
    assert len(said(done)) == 1
    assert "model=foo is unknown" in said(done)[0]
    assert done.out == ""
    assert set(torchrun.directory.iterdir()) == before


@pytest.mark.soak
def test_what_only_the_run_can_tell_is_told_once(torchrun, whole):
    for argument, sentence in (
        ("N=99", "use N=100"),
        ("strategy=fullbatch", "use strategy=streamed"),
        ("hydra.run.dir=whole", "whole already holds a run"),
    ):
        done = torchrun(*SMALL, argument)
        assert done.code == 1
        assert len(said(done)) == 1, done.err
        assert sentence in said(done)[0]
        assert "another process" not in done.out + done.err


@pytest.fixture
def place(monkeypatch):
    """Makes this process think that torchrun has started it."""

    def put(rank=0, world=2):
        for name, value in {
            "TORCHELASTIC_RUN_ID": "test",
            "RANK": rank,
            "WORLD_SIZE": world,
            "LOCAL_RANK": rank,
            "LOCAL_WORLD_SIZE": world,
        }.items():
            monkeypatch.setenv(name, str(value))

    return put


def test_the_place_of_a_process(place):
    assert launched() == Place()
    assert launched().alone
    place(rank=1)
    assert launched() == Place(1, 2, 1, 2)
    assert not launched().first


def test_a_sweep_is_refused(run, place, small):
    place()
    assert "leave out -m" in run("-m", *small, "seed=1,2").refused()


def test_a_mistake_of_one_process_alone_is_told_by_it(run, place, monkeypatch):
    place(rank=1)
    monkeypatch.setattr("conf.checks.GRACE", 0.01)
    before = signal.getsignal(signal.SIGTERM)
    assert "model=foo" in run("model=foo").refused()
    signal.signal(signal.SIGTERM, before)


def test_a_process_that_the_first_has_spoken_for_says_nothing(run, place):
    place(rank=1)
    before = signal.getsignal(signal.SIGTERM)
    ending = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGTERM))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # should the signal come too soon
    ending.start()
    done = run("model=foo")
    ending.join()
    signal.signal(signal.SIGTERM, before)
    assert (done.code, done.out, done.err) == (2, "", "")


def test_one_block_is_for_one_process():
    line = make_line()
    loss = make_loss({"mse": 1.0}, "smooth", {"form": "block_spin"})
    with pytest.raises(UserError, match=r"has started 2 processes: use strategy=streamed"):
        FullBatch().open(line, Split(1, 300), loss, make_model("mlp", line), Ranks(0, 2))


def hardware(device="cpu"):
    return Hardware(
        name="name",
        device=device,
        gpu=None,
        precision="float32",
        tf32=False,
        compile=None,
        block_size=None,
        threads=None,
        memory_gb=None,
    )


def test_processes_share_the_cores_of_a_machine(monkeypatch, place):
    before = torch.get_num_threads()
    alone = hardware().memory_bytes(torch.device("cpu"))
    monkeypatch.setattr("zeta_exp.hardware.ALL_THREADS", 1)  # as torchrun sets it
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(12), raising=False)
    place(world=4)
    try:
        hardware().claim()
        assert torch.get_num_threads() == 3
        monkeypatch.setattr("zeta_exp.hardware.ALL_THREADS", 2)  # what somebody has asked for
        hardware().claim()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert hardware().memory_bytes(torch.device("cpu")) < alone / 2


def test_each_process_has_its_own_gpu(monkeypatch, place):
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "NVIDIA L4")
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    place(rank=1)
    assert hardware("cuda").claim() == torch.device("cuda", 1)
    assert chosen == [1]
    place(rank=1, world=3)
    with pytest.raises(UserError, match=r"started 3 processes .* 2 CUDA devices"):
        hardware("cuda").claim()
