"""Jobs on the stand-in of Google Cloud, and everything that goes wrong there on demand."""

import json

import pytest
import requests
from google.api_core import exceptions

from tests.standins.asking import (
    MINUTE,
    PARENT,
    SLEEP,
    S,
    create,
    ended,
    failure,
    job,
    state,
    waited,
)
from tests.standins.conftest import client as client  # fixtures
from tests.standins.conftest import cloud as cloud


def test_a_job_runs_as_vertex_runs_it(cloud, client):
    program = "import json, os; print(json.dumps([os.environ.copy(), os.listdir()]))"
    name = create(client, program, labels={"zeta-key": "ab"})
    assert ended(client, name).state == S.JOB_STATE_SUCCEEDED
    environment, files = json.loads(cloud.log(name))
    assert environment["CLOUD_ML_JOB_ID"] == name.rpartition("/")[2]
    assert environment["AIP_CHECKPOINT_DIR"] == "gs://bucket/runs/a/1/checkpoints/"
    assert json.loads(environment["CLUSTER_SPEC"])["task"] == {"type": "workerpool0", "index": 0}
    assert environment.items() >= cloud.environment.items()
    assert "run.py" in files
    assert [dict(kept.labels) for kept in cloud.jobs()] == [{"zeta-key": "ab"}]
    assert cloud.calls[0] == "CreateCustomJob"


def test_replicas_find_one_another(cloud, client):
    program = "import os; print(os.environ['CLUSTER_SPEC'])"
    name = create(client, program, pools=(1, 2))
    assert ended(client, name).state == S.JOB_STATE_SUCCEEDED
    specs = [json.loads(line) for line in cloud.log(name).splitlines()]
    tasks = [(spec["task"]["type"], spec["task"]["index"]) for spec in specs]
    assert tasks[0] == ("workerpool0", 0)
    assert set(tasks) <= {("workerpool0", 0), ("workerpool1", 0), ("workerpool1", 1)}
    assert [len(pool) for pool in specs[0]["cluster"].values()] == [1, 2]


def test_the_exit_status_of_the_program_is_in_the_error(client):
    code, text = failure(client, create(client, "raise SystemExit(3)"))
    assert code == 9
    assert text == "The replica workerpool0-0 exited with a non-zero status of 3."


def test_an_unknown_image_fails(client):
    assert "not found" in failure(client, create(client, "", image="x/y@sha256:0"))[1]


@pytest.mark.parametrize(
    "change",
    [
        {"display_name": ""},
        {"display_name": "x" * 129},
        {"labels": {"Upper": "a"}},
        {"labels": {"a": "x" * 64}},
        {"pools": ()},
        {"pools": (2,)},
        {"scheduling": {"strategy": "FLEX_START"}},
    ],
    ids=str,
)
def test_what_vertex_refuses_is_refused(client, change):
    with pytest.raises(exceptions.BadRequest):
        create(client, "", **change)


def test_a_machine_takes_only_its_own_accelerator(client):
    wrong = job("", gpu=True)
    wrong["job_spec"]["worker_pool_specs"][0]["machine_spec"]["machine_type"] = "a2-ultragpu-1g"
    with pytest.raises(exceptions.BadRequest, match="NVIDIA_A100_80GB"):
        client.create_custom_job(parent=PARENT, custom_job=wrong)


def test_a_quota_refuses_at_create(cloud, client):
    cloud.quota, cloud.quota_mode = {"NVIDIA_L4": 1}, "refuse"
    create(client, SLEEP, gpu=True)
    with pytest.raises(exceptions.TooManyRequests, match="quota metrics"):
        create(client, SLEEP, gpu=True)
    create(client, SLEEP)  # needs none


def test_a_quota_fails_later(cloud, client):
    cloud.quota, cloud.quota_mode = {"NVIDIA_L4": 0}, "fail"
    code, text = failure(client, create(client, "", gpu=True))
    assert code == 8
    assert "custom_model_training_nvidia_l4_gpus" in text


def test_a_quota_lets_jobs_wait(cloud, client):
    cloud.quota = {"NVIDIA_L4": 1}
    first = create(client, SLEEP, gpu=True)
    waited(lambda: state(client, first) == S.JOB_STATE_RUNNING)
    second = create(client, "", gpu=True)
    assert state(client, second) == S.JOB_STATE_QUEUED
    client.cancel_custom_job(name=first)
    assert ended(client, first).state == S.JOB_STATE_CANCELLED
    assert ended(client, second).state == S.JOB_STATE_SUCCEEDED
    with pytest.raises(exceptions.BadRequest):
        client.cancel_custom_job(name=first)


def test_a_stock_out_takes_one_job(cloud, client):
    cloud.stock_outs(1)
    code, text = failure(client, create(client, ""))
    assert (code, text.partition(":")[0]) == (8, "Resources are insufficient in region")
    assert ended(client, create(client, "")).state == S.JOB_STATE_SUCCEEDED


def test_the_text_of_an_error_may_come_late(cloud, client):
    cloud.late_errors(MINUTE)
    name = create(client, "raise SystemExit(1)")
    assert not ended(client, name).error.message
    cloud.late_errors(0)
    assert waited(lambda: client.get_custom_job(name=name).error.message)


@pytest.mark.parametrize("code", ["LOST", "DROPPED"])
def test_the_work_is_done_and_the_answer_lost(cloud, client, code):
    cloud.fault("CreateCustomJob", code)
    with pytest.raises((exceptions.ServiceUnavailable, requests.ConnectionError)):
        create(client, "")
    assert len(cloud.jobs()) == 1
    create(client, "")
    assert len(cloud.jobs()) == 2


def test_reads_fail_as_often_as_asked(cloud, client):
    name = create(client, "")
    cloud.fault("GetCustomJob", "UNAVAILABLE", times=2, message="try again")
    cloud.fault("ListCustomJobs", "RESOURCE_EXHAUSTED")
    for _ in range(2):
        with pytest.raises(exceptions.ServiceUnavailable, match="try again"):
            client.get_custom_job(name=name)
    with pytest.raises(exceptions.TooManyRequests):
        client.list_custom_jobs(parent=PARENT)
    assert client.get_custom_job(name=name).name == name


def test_a_job_has_its_time(client):
    name = create(client, SLEEP, scheduling={"timeout": {"nanos": 300_000_000}})
    assert failure(client, name) == (4, "The job exceeded its timeout.")


COUNTS = """
import os, pathlib, signal, sys, time
starts = pathlib.Path({path!r})
starts.write_text(starts.read_text() + "x" if starts.exists() else "x")
mark = pathlib.Path("mark")
assert not mark.exists(), "the disk of the lost machine is back"
mark.touch()
signal.signal(signal.SIGTERM, {handler})
print("ready", flush=True)
if len(starts.read_text()) < 3:
    time.sleep(60)
"""


@pytest.mark.parametrize("handler", ["signal.SIG_DFL", "signal.SIG_IGN", "lambda *_: sys.exit(0)"])
def test_a_preempted_job_starts_again_on_a_new_disk(cloud, client, tmp_path, handler):
    name = create(client, COUNTS.format(path=str(tmp_path / "starts"), handler=handler))
    for starts in (1, 2):
        waited(lambda n=starts: cloud.log(name).count("ready") == n)
        assert cloud.preempt(name) == 1
    assert ended(client, name).state == S.JOB_STATE_SUCCEEDED
    assert cloud.preempt(name) == 0
    assert (tmp_path / "starts").read_text() == "xxx"


@pytest.mark.parametrize("together", [False, True])
def test_a_lost_replica_starts_again_alone_or_with_the_others(cloud, client, together):
    program = "import os, time; print(os.environ['CLUSTER_SPEC'], flush=True); time.sleep(60)"
    scheduling = {"restart_job_on_worker_restart": together}
    name = create(client, program, pools=(1, 1), scheduling=scheduling)
    waited(lambda: cloud.log(name).count("task") == 2)
    assert cloud.preempt(name, replica=1) == 1
    waited(lambda: cloud.log(name).count("task") == (4 if together else 3))
    specs = [json.loads(line) for line in cloud.log(name).splitlines()]
    assert [spec["task"]["type"] for spec in specs].count("workerpool1") == 2
    assert len({str(spec["cluster"]) for spec in specs}) == (2 if together else 1)
    assert state(client, name) == S.JOB_STATE_RUNNING


def test_without_retries_a_preemption_is_a_stock_out(cloud, client):
    name = create(client, "print('ready', flush=True);" + SLEEP, scheduling={"disable_retries": 1})
    waited(lambda: "ready" in cloud.log(name))
    cloud.preempt(name)
    code, text = failure(client, name)
    assert (code, text.partition(":")[0]) == (8, "STOCKOUT")
