"""What goes wrong in a cloud is survived, or told in one sentence."""

import pytest
from google.auth.exceptions import RefreshError
from google.cloud import aiplatform_v1 as v1
from google.rpc import status_pb2
from hydra_plugins.hydra_vertex_launcher._service import Pace, Service, is_transient
from hydra_plugins.hydra_vertex_launcher.config import VertexConf

from tests.launchers.entry import value_of
from tests.launchers.launching import IMAGE, NOBODY
from zeta_exp.errors import UserError


def soaked(*values):
    return pytest.param(*values, marks=pytest.mark.soak)


TRUTH = {n: value_of(["hardware=cpu", f"seed={seed}"]) for n, seed in enumerate((1, 2))}


def test_many_faults_in_one_sweep_are_survived(sweeps, counted):
    for method in ("ListCustomJobs", "GetCustomJob", "storage:GET"):
        sweeps.cloud.fault(method, "UNAVAILABLE")
    for code in ("RESOURCE_EXHAUSTED", "LOST", "INTERNAL"):
        sweeps.cloud.fault("CreateCustomJob", code)
    sweeps.cloud.fault("GetCustomJob", "DROPPED")
    ended = sweeps.run("seed=1,2")
    assert ended.code == 0, ended.out + ended.err
    assert sweeps.values() == TRUTH
    assert len(sweeps.cloud.jobs()) == 2
    counted(passing_faults_survived=7)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("method", "code", "times"),
    [
        ("CreateCustomJob", "RESOURCE_EXHAUSTED", 2),
        ("CreateCustomJob", "LOST", 1),
        ("CreateCustomJob", "DROPPED", 1),
        ("CreateCustomJob", "UNAVAILABLE", 2),
        ("CreateCustomJob", "INTERNAL", 1),
        ("CreateCustomJob", "DEADLINE_EXCEEDED", 1),
        ("ListCustomJobs", "UNAVAILABLE", 2),
        ("GetCustomJob", "UNAVAILABLE", 3),
        ("GetCustomJob", "DROPPED", 1),
        ("storage:GET", "UNAVAILABLE", 1),
    ],
)
def test_a_passing_fault_is_survived(sweeps, method, code, times, counted):
    sweeps.cloud.fault(method, code, times)
    ended = sweeps.run("seed=1,2")
    assert ended.code == 0, ended.out + ended.err
    assert sweeps.values() == TRUTH
    assert len(sweeps.cloud.jobs()) == 2
    counted(passing_faults_survived=times)


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (8, "Resources are insufficient in region: us-central1.", True),
        (9, "STOCKOUT: no machine", True),
        (13, "Internal error occurred. Please try again later.", True),
        (8, "The following quota metrics exceed quota limits: gpus", True),
        (9, "The replica workerpool0-0 exited with a non-zero status of 1. quota", False),
        (4, "The job exceeded its timeout.", False),
        (9, "Image not found: x", False),
        (0, "", False),
    ],
)
def test_whose_failure_it_was(code, message, expected):
    error = status_pb2.Status(code=code, message=message)
    assert is_transient(v1.CustomJob(error=error)) is expected


def test_a_stock_out_is_tried_again(sweeps, counted):
    sweeps.cloud.stock_outs(2)
    ended = sweeps.run("seed=1,2")
    assert ended.code == 0, ended.out + ended.err
    assert sweeps.values() == TRUTH
    assert len(sweeps.cloud.jobs()) == 4
    assert "failed by the platform (Resources are insufficient" in ended.out
    counted(stock_outs_survived=2)


def test_a_lasting_stock_out_ends_after_the_last_attempt(sweeps):
    sweeps.cloud.stock_outs(99)
    ended = sweeps.run("seed=1", "hydra.launcher.max_attempts=2")
    assert ended.code == 1
    assert "2 attempts failed, the last: Resources are insufficient" in ended.err
    assert len(sweeps.cloud.jobs()) == 2


@pytest.mark.parametrize(
    "mode", ["refuse", *(pytest.param(mode, marks=pytest.mark.soak) for mode in ("queue", "fail"))]
)
def test_a_quota_that_others_use(sweeps, mode):
    """One job at a time has room; it is said at once, later, or never."""
    sweeps.cloud.set_quota({"NVIDIA_L4": 1}, mode)
    patient = ("hydra.launcher.max_attempts=30", "budget.epochs=2")
    ended = sweeps.run("hardware=l4", "seed=1,2", *patient)
    assert ended.code == 0, ended.out + ended.err
    assert len(sweeps.values()) == 2


@pytest.mark.soak
def test_a_quota_of_none_is_told(sweeps):
    sweeps.cloud.set_quota({"NVIDIA_L4": 0}, "refuse")
    ended = sweeps.run("hardware=l4", "seed=1")
    assert ended.code == 1
    assert "could not be submitted: refused for now" in ended.err
    assert sweeps.cloud.jobs() == []


def test_the_program_s_own_failure_is_never_tried_again(sweeps):
    ended = sweeps.run("seed=666,667")
    assert ended.code == 1
    assert "sweep/0: failed: a defect" in ended.err
    assert "non-zero status of 1" in ended.err
    assert sweeps.created() == 2


def test_the_text_of_an_error_may_come_late(sweeps):
    """Neither a program's failure nor a stock-out is judged before its text is there."""
    sweeps.cloud.late_errors(1.0)
    sweeps.cloud.stock_outs(1)
    ended = sweeps.run("seed=1,667")
    assert ended.code == 1
    assert "non-zero status of 1" in ended.err
    assert sorted(job.labels["zeta-attempt"] for job in sweeps.cloud.jobs()) == ["1", "1", "2"]


def test_a_job_that_takes_too_long_is_told(sweeps):
    ended = sweeps.run("seed=1", "budget.epochs=90", "hydra.launcher.timeout_min=0.01")
    assert ended.code == 1
    assert "exceeded its timeout" in ended.err
    assert sweeps.created() == 1


@pytest.mark.parametrize(
    ("method", "code", "words"),
    [
        ("ListCustomJobs", "PERMISSION_DENIED", "roles of your account"),
        ("CreateCustomJob", "INVALID_ARGUMENT", "check hydra.launcher"),
        soaked("CreateCustomJob", "PERMISSION_DENIED", "roles of your account"),
        soaked("ListCustomJobs", "NOT_FOUND", "check hydra.launcher.project"),
    ],
)
def test_what_asking_again_cannot_mend_is_one_sentence(sweeps, method, code, words):
    sweeps.cloud.fault(method, code, 99, "no")
    assert words in sweeps.run("seed=1,2").refused()
    assert sweeps.cloud.jobs() == []


@pytest.fixture
def lost():
    """A place where nobody answers, and what the user is told meanwhile."""
    conf = VertexConf(project="p", bucket="gs://bucket", image=IMAGE, endpoint=NOBODY)
    lines = []
    pace = Pace(0.01, 0.01, 0.02, first_answer=0.2, patience=60.0, late_text=1.0)
    return Service(conf, pace, lines.append), lines


def test_a_place_that_never_answers_is_given_up_soon(lost):
    """As a region that does not exist: who waits is told so, once."""
    service, lines = lost
    with pytest.raises(UserError, match=r"check the network and hydra\.launcher\.region"):
        service.find("ab")
    (line,) = lines
    assert line.startswith("no answer from Vertex AI (")


def test_credentials_that_fail_are_told_without_what_is_in_them(lost):
    def refused():
        raise RefreshError("invalid_grant", {"error_description": "assertion=eyJhbGci"})

    with pytest.raises(UserError, match=r"gcloud auth application-default login") as told:
        lost[0]._explained(refused)
    assert "assertion" not in str(told.value)


def test_an_image_that_is_not_there(sweeps):
    image = f"us-central1-docker.pkg.dev/p/r/other@sha256:{'6' * 64}"
    ended = sweeps.run("seed=1", f"hydra.launcher.image='{image}'")
    assert ended.code == 1
    assert f"Image not found: {image}" in ended.err
    assert sweeps.created() == 1
