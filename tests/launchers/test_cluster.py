"""Jobs of several replicas or GPUs: from CLUSTER_SPEC to the processes of torchrun."""

import json
import socket
import subprocess
import sys

import numpy as np
import pytest
from hydra_plugins.hydra_vertex_launcher._cluster import Replica, replica, torchrun, visible_gpus

from conf.launch import _share_checkpoint
from tests.launchers.bucket import (
    RUNS,
    arguments_of,
    command,
    digest_of,
    environment,
    mirror,
    open_bucket,
)
from tests.run.conftest import run
from zeta_exp.errors import UserError
from zeta_exp.torchrun import Place

__all__ = ["run"]  # a fixture
HOSTS = {"workerpool0": ["first:2222"], "workerpool1": ["second:2222", "third:2222"]}

PATIENCE = 300  # seconds, of a test that hangs


def specification(kind="workerpool0", index=0, pools=HOSTS):
    """As in the documentation of Vertex AI, with the keys that nobody needs."""
    task = {"type": kind, "index": index, "trial": "None"}
    return json.dumps({"cluster": pools, "environment": "cloud", "task": task, "job": "{}"})


@pytest.mark.parametrize(
    ("kind", "index", "rank"), [("workerpool0", 0, 0), ("workerpool1", 0, 1), ("workerpool1", 1, 2)]
)
def test_every_replica_has_its_rank(kind, index, rank):
    assert replica(specification(kind, index)) == Replica(rank, 3, "first", 2222)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"cluster": {}, "task": {}}',
        specification("workerpool2"),
        specification("workerpool1", 2),
        specification("workerpool1", -1),
        specification(pools={"workerpool0": []}),
        specification(pools={"workerpool0": ["first"]}),
        specification(pools={"workerpool0": ["first:port"]}),
    ],
)
def test_what_vertex_does_not_write_is_refused(text):
    with pytest.raises(UserError, match="CLUSTER_SPEC is not what Vertex AI writes"):
        replica(text)


def test_the_refusal_is_one_sentence(run, monkeypatch):
    monkeypatch.setenv("CLUSTER_SPEC", "{}")
    assert "unset it outside of a Vertex AI job" in run().refused()


def test_one_process_stays_as_it_is():
    alone = Replica(0, 1, "first", 2222)
    assert torchrun(alone, 0, ["run.py"]) is None
    assert torchrun(alone, 1, ["run.py"]) is None


@pytest.mark.parametrize(("count", "gpus", "processes"), [(1, 4, 4), (2, 0, 1), (3, 8, 8)])
def test_a_process_for_every_gpu(count, gpus, processes):
    command = torchrun(Replica(count - 1, count, "first", 2222), gpus, ["run.py", "N=400", "-x=1"])
    assert command[:3] == [sys.executable, "-m", "torch.distributed.run"]
    assert f"--nproc_per_node={processes}" in command
    assert ("--standalone" in command) == (count == 1)
    assert (f"--node_rank={count - 1}" in command) == (count > 1)
    assert command[-3:] == ["run.py", "N=400", "-x=1"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [(None, 2), ("", 0), ("-1", 0), ("0", 1), ("1,3", 2), ("GPU-a,GPU-b", 2)],
)
def test_gpus_are_counted_without_torch(tmp_path, chosen, expected):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    variables = {} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen}
    assert visible_gpus(variables, tmp_path) == expected


class Second(Place):
    """The second process, to which the first sends messages."""

    def agree(self, value):
        return self.messages.pop(0)


def test_a_replica_gets_the_checkpoint_of_the_first(tmp_path):
    path = tmp_path / "checkpoint" / "state.safetensors"
    for content in (b"one", b"another"):
        second = Second(rank=1, world=2)
        vars(second)["messages"] = [[path], content]
        _share_checkpoint(tmp_path, second)
        assert path.read_bytes() == content


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start_replicas(bucket, command):
    """A process for each of two replicas, as Vertex AI starts them."""
    pools = {
        f"workerpool{rank}": [f"127.0.0.1:{port}"] for rank, port in enumerate((free_port(), 1))
    }
    return [
        subprocess.Popen(
            command,
            env=environment(**bucket.environment, CLUSTER_SPEC=specification(kind, pools=pools)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind in pools
    ]


@pytest.mark.soak
def test_two_replicas_give_the_result_of_one_run(run, tmp_path):
    short = "budget.epochs=3"  # replicas wait for each other in each update, long on busy cores
    digest = digest_of(short)
    with open_bucket() as bucket:
        job = command(tmp_path / "two", short, *mirror(digest, 1))
        replicas = start_replicas(bucket, job)
        said = [process.communicate(timeout=PATIENCE) for process in replicas]
        assert [process.returncode for process in replicas] == [0, 0], said
        result = bucket.result(1)
        assert bucket.read(f"{RUNS}/1/predictions.npz")
    assert (result["status"], result["ranks"]) == ("completed", 2)
    assert run(*arguments_of(tmp_path / "one", short)).code == 0
    one = json.loads((tmp_path / "one" / "result.json").read_text())
    assert result["return_value"] == pytest.approx(one["val_rmse"], rel=1e-4)
    predictions = [np.load(tmp_path / name / "predictions.npz") for name in ("one", "two")]
    assert np.abs(np.subtract(*(found["val_pred"] for found in predictions))).max() < 1e-4


@pytest.mark.soak
def test_two_replicas_stopped_continue(run, tmp_path):
    """torchrun gets SIGTERM at the end of an epoch; the next attempt has an empty disk."""
    digest = digest_of()
    strike = ["tracking=strike", "tracking.name=SIGTERM", "tracking.whom=torchrun"]
    with open_bucket() as bucket:
        for attempt, tracking, status in ((1, strike, "interrupted"), (2, [], "completed")):
            job = command(tmp_path / str(attempt), *tracking, *mirror(digest, attempt))
            replicas = start_replicas(bucket, job)
            said = [process.communicate(timeout=PATIENCE) for process in replicas]
            assert [not process.returncode for process in replicas] == [attempt == 2] * 2, said
            assert bucket.result(attempt)["status"] == status, said
        assert "continuing the checkpoint of attempt 1" in bucket.read(f"{RUNS}/2/run.log").decode()
        result = bucket.result(2)
    assert run(*arguments_of(tmp_path / "one")).code == 0
    one = json.loads((tmp_path / "one" / "result.json").read_text())
    assert result["return_value"] == pytest.approx(one["val_rmse"], rel=1e-4)
