"""MLflow: a SQLite file that `mlflow ui` shows, or the server that MLFLOW_TRACKING_URI names."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zeta_exp.errors import UserError
from zeta_exp.tracking.contract import Session
from zeta_exp.tracking.parameters import numbers

STORE = "mlflow.db"  # in the working directory: MLflow's own default
_RUN = "zeta_exp.run"  # the tag by which a resumed run is found
_AT_ONCE = 500  # metrics in one request, where 1000 are the most
_PARAMETERS_AT_ONCE = 100


class MlflowSink:
    """Parameters once and every epoch's metrics.

    experiment: made where it is missing; uri: of the store, by default MLFLOW_TRACKING_URI, else
    mlflow.db in the working directory, where `mlflow ui` looks for it.  Raises `UserError` where
    MLflow is not installed.
    """

    def __init__(self, experiment: str, uri: str | None) -> None:
        if find_spec("mlflow") is None:
            raise UserError(
                "tracking=mlflow needs MLflow, which is not installed: "
                "pip install 'zeta_exp[mlflow]', or use tracking=none"
            )
        self._experiment, self._uri = experiment, uri
        self._client: Any = None  # mlflow.MlflowClient
        self._run: str = ""

    def open(self, session: Session) -> None:
        """The run, made where it is missing, with the parameters of the session."""
        from mlflow import MlflowClient

        _quieten()
        own = f"sqlite:///{Path(STORE).absolute()}"
        self._client = MlflowClient(self._uri or os.environ.get("MLFLOW_TRACKING_URI") or own)
        experiment = self._client.get_experiment_by_name(self._experiment)
        identity = experiment.experiment_id if experiment else self._made()
        found = self._client.search_runs([identity], f"tags.`{_RUN}` = '{session.identity}'")
        run = (
            found[0]
            if found
            else self._client.create_run(
                identity, tags={_RUN: session.identity}, run_name=session.identity
            )
        )
        self._run = run.info.run_id
        self._client.update_run(self._run, status="RUNNING")
        self._log_parameters(session, run.data.params)

    def _made(self) -> str:
        from mlflow.exceptions import MlflowException

        try:
            return str(self._client.create_experiment(self._experiment))
        except MlflowException:  # another job was faster
            experiment = self._client.get_experiment_by_name(self._experiment)
            if experiment is None:
                raise
            return str(experiment.experiment_id)

    def _log_parameters(self, session: Session, there: Mapping[str, str]) -> None:
        """MLflow's parameters never change: what a resumed run changes becomes a tag."""
        from mlflow.entities import Param, RunTag

        texts = {key: str(value) for key, value in session.parameters.items()}
        new = [Param(key, text) for key, text in texts.items() if key not in there]
        for first in range(0, len(new), _PARAMETERS_AT_ONCE):
            self._client.log_batch(self._run, params=new[first : first + _PARAMETERS_AT_ONCE])
        changed = [
            RunTag(f"resumed.{key}", text)
            for key, text in texts.items()
            if there.get(key, text) != text
        ]
        if changed:
            self._client.log_batch(self._run, tags=changed)

    def send(self, rows: Sequence[Mapping[str, float]]) -> None:
        """The rows, as steps by epoch."""
        for row in rows:
            self._log(row, int(row["epoch"]))

    def close(self, result: Mapping[str, Any]) -> None:
        """The measures of the result, and the state of the run."""
        self._log(result, int(result.get("epochs", 0)))
        states = {"completed": "FINISHED", "interrupted": "KILLED"}
        self._client.set_terminated(self._run, states.get(result["status"], "FAILED"))

    def _log(self, values: Mapping[str, Any], step: int) -> None:
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        metrics = [Metric(key, value, now, step) for key, value in numbers(values).items()]
        for first in range(0, len(metrics), _AT_ONCE):
            self._client.log_batch(self._run, metrics=metrics[first : first + _AT_ONCE])


def _quieten() -> None:
    """A new SQLite file tells of each table it makes: not in the run's log."""
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
