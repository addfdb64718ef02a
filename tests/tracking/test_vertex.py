"""Vertex AI Experiments through the true SDK, against a stand-in on loopback."""

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform

from zeta_exp.errors import UserError
from zeta_exp.tracking import Session, Trackers, VertexSink
from zeta_exp.tracking.courier import Patience

REPOSITORY = Path(__file__).parents[2]
LOGGED = ("val_loss", "val_rmse", "extrapolation_error", "mse", "gue_nll", "gue_mmd", "rg")


@pytest.fixture
def vertex(cloud, request):
    """The overrides of a tracked run, in an experiment of the test's own."""
    experiment = request.node.name.replace("_", "-").split("[")[0]
    return [
        "tracking=vertex",
        "tracking.vertex.project=p",
        f"tracking.vertex.endpoint={cloud.endpoint}",
        f"tracking.vertex.experiment={experiment[:80]}",
    ]


@pytest.fixture
def runs(cloud, vertex):
    """What Vertex has of the experiment."""

    def call():
        experiment = vertex[-1].partition("=")[2]
        aiplatform.init(
            project="p",
            location="us-central1",
            api_endpoint=cloud.endpoint,
            api_transport="rest",
            credentials=AnonymousCredentials(),
        )
        return aiplatform.ExperimentRun.list(experiment=experiment)

    return call


def last_row(directory):
    with (directory / "metrics.csv").open(newline="") as file:
        return {key: float(value) for key, value in list(csv.DictReader(file))[-1].items()}


def warnings(outcome):
    return [line for line in outcome.out.splitlines() if line.startswith("warning: ")]


def test_a_run_has_its_parameters_and_newest_metrics_there(track, small, vertex, runs, tmp_path):
    ended = track(*small, *vertex, "hydra.run.dir=here")
    assert ended.code == 0, ended.err
    assert warnings(ended) == []
    (there,) = runs()
    parameters, metrics = there.get_params(), there.get_metrics()
    assert (parameters["model"], parameters["N"], parameters["budget.epochs"]) == (
        "Relational",
        200,
        2,
    )
    row = last_row(tmp_path / "here")
    for name in LOGGED:
        assert metrics[name] == pytest.approx(row[name], rel=1e-6, abs=1e-8), name
    assert metrics["epoch"] == 2
    assert there.get_state() == "COMPLETE"


def test_no_tensorboard_is_made_unless_asked_for(track, small, vertex, cloud):
    cloud.calls.clear()
    assert track(*small, *vertex, "hydra.run.dir=here").code == 0
    assert [call for call in cloud.calls if "Tensorboard" in call] == []


def test_with_a_tensorboard_every_epoch_is_kept(track, small, vertex, runs, tmp_path):
    ended = track(*small, *vertex, "tracking.vertex.tensorboard=true", "hydra.run.dir=here")
    assert warnings(ended) == []
    (there,) = runs()
    # get_time_series_data_frame shows the same, and needs pandas
    series = there._backing_tensorboard_run.resource.read_time_series_data()
    with (tmp_path / "here/metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("train_loss", *LOGGED):
        found = {value.step: value.scalar.value for value in series[name].values}
        expected = {int(row["epoch"]): float(row[name]) for row in rows}
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-8), name


def test_a_resumed_run_is_the_same_run_there(track, small, vertex, runs):
    assert track(*small, *vertex, "hydra.run.dir=here").code == 0
    assert track("resume=here", *vertex, "budget.epochs=4").code == 0
    (there,) = runs()
    assert there.get_metrics()["epoch"] == 4
    assert there.get_params()["budget.epochs"] == 4


def test_an_interrupted_run_goes_on_there(track, small, vertex, runs):
    trackers = ["tracking=[vertex,interrupt]", *vertex[1:]]
    stopped = track(*small, "budget.epochs=200", *trackers, "hydra.run.dir=here")
    assert stopped.code == 130, stopped.err
    (there,) = runs()
    assert there.get_state() == "CANCELLED"
    assert track("resume=here", *vertex, "budget.epochs=200").code == 0
    (there,) = runs()
    assert there.get_state() == "COMPLETE"
    assert there.get_metrics()["epoch"] == 200


def test_a_service_that_refuses_is_named_once_and_changes_nothing(
    track, small, vertex, cloud, tmp_path
):
    assert track(*small, "hydra.run.dir=plain").code == 0
    cloud.fault("GetMetadataStore", "PERMISSION_DENIED", times=2, message="not yours")
    ended = track(*small, *vertex, "hydra.run.dir=here")
    assert ended.code == 0
    assert ended.err == ""
    (said,) = warnings(ended)
    assert "403" in said
    assert "not yours" in said
    plain, here = (tmp_path / name / "predictions.npz" for name in ("plain", "here"))
    assert plain.read_bytes() == here.read_bytes()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("CreateContext", "LOST"),
        ("AddContextChildren", "INTERNAL"),
        ("UpdateContext", "LOST"),
        ("UpdateContext", "RESOURCE_EXHAUSTED"),
    ],
)
def test_a_passing_fault_loses_nothing(track, small, vertex, runs, cloud, method, code):
    cloud.fault(method, code)
    ended = track(*small, *vertex, "hydra.run.dir=here")
    assert ended.code == 0
    assert len(warnings(ended)) <= 1
    (there,) = runs()
    assert there.get_metrics()["epoch"] == 2
    assert there.get_state() == "COMPLETE"


def test_jobs_that_begin_together_make_one_experiment(track, small, vertex, runs, cloud):
    """Each finds none there, and all but one are too late to make it."""
    assert track("-m", *small, *vertex, "seed=0", "hydra.sweep.dir=first").code == 0
    cloud.fault("GetContext", "NOT_FOUND")
    ended = track(*small, *vertex, "seed=1", "hydra.run.dir=here")
    assert warnings(ended) == []
    assert sorted(there.get_params()["seed"] for there in runs()) == [0, 1]


def test_a_server_that_never_answers_is_given_up(tmp_path, caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        sink = VertexSink("p", "us-central1", "silent", None, False, endpoint)
        trackers = Trackers(Patience(stalled=0.2), vertex=sink)
        trackers.begin(Session("zeta-1", tmp_path, {}))
        trackers.log({"epoch": 1.0})
        trackers.finish({"status": "completed"})
    assert "tracking=vertex does not answer" in caplog.text


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("tracking.vertex.experiment=My_Runs", "lower-case"),
        ("tracking.vertex.run=-x", "lower-case"),
        (f"tracking.vertex.experiment={'x' * 100}", "128"),
        ("tracking.vertex.endpoint=http://example.com", "TLS"),
        ("tracking.vertex.projct=p", "project"),
        ("tracking.project=p", "tracking.vertex.project"),
        ("tracking.vertex.project=null", "tracking.vertex.project"),
        ("+tracking.foo=1", "tracking.foo"),
    ],
)
def test_a_mistake_is_one_sentence(track, small, vertex, override, word):
    assert word in track(*small, *vertex, override).refused()


def test_a_key_without_its_tracker_is_refused(track, small):
    assert "tracking=vertex" in track(*small, "tracking.vertex.project=p").refused()
    assert "tracking.vertex.project" in track(*small, "tracking=vertex").refused()


def test_a_name_that_fits_is_taken():
    VertexSink("p", "r", "x" * 82, None, False, None)
    with pytest.raises(UserError):
        VertexSink("p", "r", "x" * 83, None, False, None)


def test_the_sdk_is_imported_only_when_used():
    code = (
        "import sys; from zeta_exp.tracking import *; "
        "VertexSink('p', 'r', 'e', None, False, None); "
        "print([m for m in sys.modules if m.startswith(('google.cloud.aiplatform', 'mlflow'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.soak
def test_the_path_of_production_tells_no_secret(cloud, small, tmp_path):
    """gRPC with TLS and a service-account file; nothing of it is in what the run writes."""
    with cloud.tls() as (endpoint, environment):
        command = [sys.executable, str(REPOSITORY / "run.py"), *small, "tracking=vertex"]
        command += ["tracking.vertex.project=p", f"tracking.vertex.endpoint={endpoint}"]
        command += ["tracking.vertex.experiment=production", "hydra.run.dir=here"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=True,
        )
        account = json.loads(Path(environment["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    assert "warning" not in done.stdout
    written = [path.read_bytes() for path in (tmp_path / "here").rglob("*") if path.is_file()]
    for secret in (account["private_key"].split("\n")[1], account["private_key_id"]):
        assert all(secret.encode() not in text for text in [*written, done.stdout.encode()])
        assert secret not in done.stderr
