"""MLflow, where it is installed."""

import importlib.util
import json

import pytest

INSTALLED = importlib.util.find_spec("mlflow") is not None


@pytest.mark.skipif(INSTALLED, reason="MLflow is installed")
def test_without_mlflow_there_is_one_sentence(track, small):
    assert "pip install" in track(*small, "tracking=mlflow").refused()


@pytest.fixture
def client(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return mlflow.MlflowClient((tmp_path / "here" / "mlruns").as_uri())


def test_a_resumed_run_is_the_same_run_there(track, small, client):
    assert track(*small, "tracking=mlflow", "hydra.run.dir=here").code == 0
    assert track("resume=here", "budget.epochs=4").code == 0
    experiment = client.get_experiment_by_name("zeta-exp")
    (there,) = client.search_runs([experiment.experiment_id])
    assert there.data.params["budget.epochs"] == "2"
    assert there.data.tags["resumed.budget.epochs"] == "4"
    assert there.info.status == "FINISHED"
    history = client.get_metric_history(there.info.run_id, "train_loss")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    with open("here/tracking.json") as file:
        assert there.info.run_name == json.load(file)["run"]
