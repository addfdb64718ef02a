"""The remote side of a job: what it refuses, uploads and restores."""

import signal
import subprocess
import sys
import time

import pytest
from hydra_plugins.hydra_vertex_launcher._mirror import STATE, Copy, Folder, restore, said, whole
from safetensors.numpy import save

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
from tests.run.conftest import run

__all__ = ["run"]  # a fixture
METRICS = "metrics.csv"
COLD = [sys.executable]  # which imports while the test looks on


@pytest.fixture(scope="module")
def emulator():
    with open_bucket() as bucket:
        yield bucket


@pytest.fixture
def bucket(emulator, monkeypatch):
    """An empty bucket that this process finds too."""
    emulator.empty()
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    return emulator


def test_a_config_that_is_not_the_launchers_is_refused(bucket, tmp_path):
    done = call(bucket, *command(tmp_path / "job", "seed=1", *mirror(digest_of(), 1)))
    sentence = done.refused()
    assert "the image composes another config" in sentence
    assert bucket.names(1) == {"result.json"}
    assert bucket.result(1) == {
        "status": "refused",
        "reason": sentence,
        "job": {"key": KEY, "attempt": 1, "name": "7"},
        "return_value": None,
    }
    assert not (tmp_path / "job").exists()


def test_what_the_run_refuses_is_in_the_bucket(bucket, tmp_path):
    digest = digest_of("seed=-1")
    done = call(bucket, *command(tmp_path / "job", "seed=-1", *mirror(digest, 1)))
    assert bucket.result(1)["status"] == "refused"
    assert bucket.result(1)["reason"] == done.refused()
    assert "seed=-1 is out of range" in done.refused()


def test_a_bucket_out_of_reach_stops_the_job(bucket, run, tmp_path):
    arguments = [text.replace("gs://bucket", "gs://none") for text in mirror(digest_of(), 1)]
    done = run(*arguments_of(tmp_path / "job", *arguments))
    assert "check that the bucket exists" in done.refused()
    assert not (tmp_path / "job").exists()


def test_a_defect_is_in_the_bucket(bucket, run, tmp_path):
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="a defect"):
        run(*arguments_of(tmp_path / "job", "tracking=broken", *mirror(digest_of(), 1)))
    result = bucket.result(1)
    assert (result["status"], result["return_value"]) == ("failed", None)
    assert "a defect" in result["reason"]
    assert {"run.log", METRICS, "config.yaml"} < bucket.names(1)
    assert signal.getsignal(signal.SIGTERM) is handler


def test_the_same_machine_starts_the_job_again(bucket, run, tmp_path):
    arguments = arguments_of(tmp_path / "job", *mirror(digest_of(), 1))
    assert run(*arguments).code == 0
    first = bucket.result(1)
    times = bucket.times(1)
    assert "predictions.npz" in times
    assert max(times, key=times.get) == "result.json"
    again = run(*arguments)  # from the last checkpoint: nothing is left to train
    assert again.code == 0
    assert "resuming after epoch 40" in again.out
    assert bucket.result(1)["return_value"] == first["return_value"] == first["val_rmse"]


def test_another_run_in_the_directory_is_left_alone(bucket, run, tmp_path):
    assert run(*arguments_of(tmp_path / "job", "budget.epochs=1")).code == 0
    files = [path for path in (tmp_path / "job").rglob("*") if path.is_file()]
    before = [path.read_bytes() for path in files]
    refused = run(*arguments_of(tmp_path / "job", *mirror(digest_of(), 1))).refused()
    assert "holds another run" in refused
    assert bucket.result(1)["reason"] == refused
    assert [path.read_bytes() for path in files] == before


def test_terminated_before_the_first_checkpoint(bucket, tmp_path):
    process = subprocess.Popen(
        command(tmp_path / "job", *mirror(digest_of(), 1), python=COLD),
        env=environment(**bucket.environment),
        stdout=subprocess.DEVNULL,
    )
    while "run.log" not in bucket.names(1):  # torch is not imported then
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    assert process.wait() == 130
    assert bucket.result(1)["status"] == "interrupted"
    assert bucket.result(1)["job"] == {"key": KEY, "attempt": 1, "name": None}


TERMINATING = """
import importlib.abc, os, signal, sys, time


class Terminated(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "zeta_exp.experiment":
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(1)
            except KeyboardInterrupt as interrupt:
                {heard}


sys.meta_path.insert(0, Terminated())
"""


@pytest.mark.parametrize(
    ("heard", "epochs", "reason"),
    [
        ("raise RecursionError from interrupt", 40, "terminated before the training began"),
        ("pass", 1_000_000, "interrupted; to continue: give the command of the sweep again"),
    ],
)
def test_terminated_in_an_import_that_makes_another_error_of_it(
    bucket, tmp_path, heard, epochs, reason
):
    """As imports of extension modules do; one that swallows it is stopped in the training."""
    (tmp_path / "sitecustomize.py").write_text(TERMINATING.format(heard=heard))
    budget = f"budget.epochs={epochs}"
    done = call(
        bucket,
        *command(tmp_path / "job", budget, *mirror(digest_of(budget), 1), python=COLD),
        PYTHONPATH=f"{tmp_path}:{environment()['PYTHONPATH']}",
    )
    assert done.code == 130
    result = bucket.result(1)
    assert result["status"] == "interrupted"
    assert result.get("reason") == reason


def state(updates):
    """A whole file of tensors, another for every number."""
    import numpy as np

    return save({"model.weight": np.full(3, updates)}, {"progress": str(updates)})


def test_every_torn_checkpoint_is_seen():
    content = state(1)
    assert whole(content)
    assert not any(whole(content[:length]) for length in range(len(content)))
    assert not whole(content + b"0")
    assert whole(save({}))
    assert not whole(b"\x02\0\0\0\0\0\0\0[]")


def test_the_newest_whole_checkpoint_is_restored(bucket, tmp_path):
    for attempt, content in ((1, state(1)), (3, state(3)), (2, state(2)), (4, state(4)[:-1])):
        bucket.put(f"{RUNS}/{attempt}/{METRICS}", b"%d" % attempt)
        bucket.put(f"{RUNS}/{attempt}/{STATE}", content)
    bucket.put("runs/other/9/" + STATE, state(9))
    assert restore(Folder(f"gs://bucket/{RUNS}"), tmp_path) == "2"
    assert (tmp_path / STATE).read_bytes() == state(2)
    assert (tmp_path / METRICS).read_bytes() == b"2"
    bucket.put(f"{RUNS}/5/{STATE}", state(5))
    assert restore(Folder(f"gs://bucket/{RUNS}"), tmp_path) is None  # the directory has one
    assert (tmp_path / STATE).read_bytes() == state(2)


def test_nothing_to_restore(bucket, tmp_path):
    assert restore(Folder(f"gs://bucket/{RUNS}"), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


class Record:
    """A folder that remembers what is written, and at times can't be written."""

    address = "gs://bucket/runs"

    def __init__(self):
        self.written, self.faults = [], 0

    def write(self, name, content, seconds):
        if self.faults:
            self.faults -= 1
            raise ConnectionError("at https://host/upload?upload_id=secret refused")
        self.written.append((name, content))


@pytest.fixture
def record():
    return Record()


def write(directory, **files):
    """Files by their names in short."""
    names = {"state": STATE, "metrics": METRICS, "log": "run.log", "config": "config.yaml"}
    for name, content in files.items():
        path = directory / names[name]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def test_only_what_has_changed_is_uploaded_and_the_checkpoint_last(record, tmp_path):
    copy = Copy(tmp_path, record, every=60.0)
    write(tmp_path, config=b"c", log=b"l", metrics=b"m", state=b"s")
    copy.refresh(1.0)
    assert [name for name, _ in record.written] == ["config.yaml", "run.log", METRICS, STATE]
    copy.refresh(1.0)
    assert len(record.written) == 4
    write(tmp_path, metrics=b"more", state=b"newer")
    copy.refresh(1.0)
    assert record.written[4:] == [(METRICS, b"more"), (STATE, b"newer")]


def test_the_metrics_of_a_checkpoint_are_there_before_it(record, tmp_path):
    """Whatever upload is the last: an epoch of the checkpoint has its row."""

    class Busy(Record):
        """Between any two uploads an epoch ends."""

        def write(self, name, content, seconds):
            super().write(name, content, seconds)
            epoch(int((tmp_path / STATE).read_bytes()) + 1)

    def epoch(number):
        write(tmp_path, metrics=b"%d" % number)
        write(tmp_path, state=b"%d" % number, log=b"%d" % number)

    busy = Busy()
    copy = Copy(tmp_path, busy, every=60.0)
    epoch(1)
    for _ in range(5):
        copy.refresh(1.0)
    there = {METRICS: 0, STATE: 0}
    for name, content in busy.written:
        there[name] = int(content)
        assert there[METRICS] >= there[STATE]
    assert there[STATE] > 5


def test_a_failing_upload_warns_once_and_is_tried_again(record, tmp_path, caplog):
    record.faults = 5
    write(tmp_path, metrics=b"m")
    copy = Copy(tmp_path, record, every=0.001)
    copy.start()
    while not record.written:
        time.sleep(0.001)
    copy.stop(5.0)
    assert record.written == [(METRICS, b"m")]
    (warning,) = caplog.messages
    assert "can't upload to gs://bucket/runs" in warning
    assert "secret" not in warning


def test_an_error_is_one_line_without_secrets():
    assert said(ValueError("a\nb https://x/y?upload_id=abc z")) == "ValueError: a b https://x/y z"
