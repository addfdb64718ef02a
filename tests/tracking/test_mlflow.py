"""MLflow, where it is installed (an extra with 37 packages): a run there is what the run left."""

import importlib.util
import json
import subprocess
import sys

import pytest

from zeta_exp.metrics import read_metrics

INSTALLED = importlib.util.find_spec("mlflow") is not None


@pytest.mark.skipif(INSTALLED, reason="MLflow is installed")
def test_without_mlflow_there_is_one_sentence(track, small):
    assert "pip install" in track(*small, "tracking=mlflow").refused()


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A client of the store that `mlflow ui` opens in the working directory."""
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return lambda: mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")


def runs(client):
    experiment = client.get_experiment_by_name("zeta-exp")
    return client.search_runs([experiment.experiment_id])


def test_every_epoch_and_every_setting_is_there(track, small, client, tmp_path):
    ended = track(*small, "tracking=mlflow", "hydra.run.dir=here")
    assert (ended.code, ended.err) == (0, "")
    assert "warning" not in ended.out
    assert "alembic" not in (tmp_path / "here/run.log").read_text()
    (there,) = runs(client())
    assert (there.data.params["model"], there.data.params["N"]) == ("Relational", "200")
    rows = read_metrics(tmp_path / "here/metrics.csv")
    for name in ("train_loss", "val_rmse", "gue_mmd"):
        history = client().get_metric_history(there.info.run_id, name)
        kept = {metric.step: metric.value for metric in history}
        assert kept == pytest.approx({row["epoch"]: row[name] for row in rows}, rel=1e-6), name
    result = json.loads((tmp_path / "here/result.json").read_text())
    error = "extrapolation_error_next10pct"
    assert there.data.metrics[error] == pytest.approx(result[error])
    assert there.info.status == "FINISHED"


def test_a_resumed_run_is_the_same_run_there(track, small, client):
    assert track(*small, "tracking=mlflow", "hydra.run.dir=here").code == 0
    assert track("resume=here", "budget.epochs=4").code == 0
    (there,) = runs(client())
    assert there.data.params["budget.epochs"] == "2"
    assert there.data.tags["resumed.budget.epochs"] == "4"
    assert there.info.status == "FINISHED"
    history = client().get_metric_history(there.info.run_id, "train_loss")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    with open("here/tracking.json") as file:
        assert there.info.run_name == json.load(file)["run"]


def test_the_runs_of_a_sweep_share_the_store(track, small, client):
    assert track("-m", *small, "tracking=mlflow", "seed=0,1", "hydra.sweep.dir=here").code == 0
    assert sorted(there.data.params["seed"] for there in runs(client())) == ["0", "1"]


def test_the_store_is_the_one_that_mlflow_ui_opens(client, tmp_path):
    """Its default in the working directory, asked of MLflow itself in a process of its own."""
    code = "import mlflow; print(mlflow.get_tracking_uri())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1].endswith("mlflow.db")


def test_a_store_that_fails_is_named_once_and_stops_nothing(track, small, client, tmp_path):
    (tmp_path / "mlflow.db").write_text("this is no database")
    ended = track(*small, "tracking=mlflow", "hydra.run.dir=here")
    assert (ended.code, ended.err) == (0, "")
    (said,) = [line for line in ended.out.splitlines() if line.startswith("warning: ")]
    assert "tracking=mlflow has failed" in said
    assert json.loads((tmp_path / "here/result.json").read_text())["status"] == "completed"
