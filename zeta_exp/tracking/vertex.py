"""Vertex AI Experiments: each run of zeta_exp is an experiment run there."""

import logging
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from zeta_exp.errors import UserError
from zeta_exp.tracking.contract import Session
from zeta_exp.tracking.parameters import numbers

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_LONGEST = 128  # characters of experiment-run, the name of Vertex's resource
_RESERVED = 46  # of them for a run that is named by its config
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class VertexSink:
    """Parameters once, and the newest metrics each epoch.

    experiment: made where it is missing; run: its name there, by default one of the config, so
    that equal configs are the same run; tensorboard: keep the metrics of every epoch, in a
    TensorBoard instance, which costs money; endpoint: of another server (http:// on this machine
    only, without credentials).  Raises `UserError` for a name that Vertex would refuse.
    """

    def __init__(
        self,
        project: str,
        region: str,
        experiment: str,
        run: str | None,
        tensorboard: bool,
        endpoint: str | None,
    ) -> None:
        check_installed("tracking=vertex", "use tracking=none")
        _check_names(experiment, run)
        is_plain(endpoint)
        self._project, self._region, self._endpoint = project, region, endpoint
        self._experiment, self._name, self._tensorboard = experiment, run, tensorboard
        self._run: Any = None  # aiplatform.ExperimentRun

    def open(self, session: Session) -> None:
        """The run, made where it is missing, with the parameters of the session."""
        from google.cloud import aiplatform

        quieten()
        self._connect()
        name = self._name or session.identity
        experiment = aiplatform.Experiment(self._experiment)
        self._run = aiplatform.ExperimentRun.get(name, experiment=experiment)
        if self._run is None:
            self._run = aiplatform.ExperimentRun.create(name, experiment=experiment)
        else:  # what made it may have been stopped before the experiment knew of it
            child = aiplatform.Context(self._run.resource_id)
            aiplatform.Context(experiment.name).add_context_children([child])
            self._run.update_state(aiplatform.gapic.Execution.State.RUNNING)
        self._run.log_params(dict(session.parameters))

    def _connect(self) -> None:
        """The SDK set up, the experiment made where it is missing."""
        from google.api_core.exceptions import Conflict
        from google.cloud import aiplatform

        options = {
            **connection(self._project, self._region, self._endpoint),
            "experiment": self._experiment,
            "experiment_tensorboard": self._tensorboard,
        }
        try:
            aiplatform.init(**options)
        except (AttributeError, Conflict):  # by gRPC and by REST: another job has just made it
            aiplatform.init(**options)

    def send(self, rows: Sequence[Mapping[str, float]]) -> None:
        """The newest values, and with a TensorBoard those of every epoch."""
        if self._tensorboard:
            for row in rows:
                measures = numbers(row)
                self._run.log_time_series_metrics(measures, step=int(measures.pop("epoch")))
        self._run.log_metrics(numbers(rows[-1]))

    def close(self, result: Mapping[str, Any]) -> None:
        """The measures of the result, and the state of the run."""
        from google.cloud.aiplatform.gapic import Execution

        states = {
            "completed": Execution.State.COMPLETE,
            "interrupted": Execution.State.CANCELLED,
        }
        if measures := numbers(result):
            self._run.log_metrics(measures)
        self._run.update_state(states.get(result["status"], Execution.State.FAILED))


def connection(project: str, region: str, endpoint: str | None) -> dict[str, Any]:
    """What `aiplatform.init` takes to reach a project.  endpoint: as `VertexSink` says."""
    from google.auth.credentials import AnonymousCredentials

    options: dict[str, Any] = {"project": project, "location": region}
    if endpoint:
        options["api_endpoint"] = endpoint
    if is_plain(endpoint):
        options |= {"api_transport": "rest", "credentials": AnonymousCredentials()}
    return options


def quieten() -> None:
    """The SDK tells of each thing it makes: not in the run's log."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("google.cloud.aiplatform"):
            logging.getLogger(name).setLevel(logging.WARNING)


def check_installed(what: str, otherwise: str) -> None:
    """Raise UserError where the SDK is missing that this needs."""
    try:
        found = find_spec("google.cloud.aiplatform")
    except ModuleNotFoundError:  # of google.cloud
        found = None
    if found is None:
        raise UserError(
            f"{what} needs google-cloud-aiplatform, which is not installed: "
            f"pip install 'zeta_exp[gcp]', or {otherwise}"
        )


def _check_names(experiment: str, run: str | None) -> None:
    for key, name in (("experiment", experiment), ("run", run)):
        if name is not None and not _NAME.fullmatch(name):
            raise UserError(
                f"tracking.vertex.{key}={name} is no name for Vertex AI: use lower-case letters, "
                "digits and hyphens"
            )
    length = len(experiment) + (_RESERVED if run is None else len(run) + 1)
    if length > _LONGEST:
        raise UserError(
            f"tracking.vertex.experiment={experiment} and its run have {length} characters: "
            f"Vertex AI takes {_LONGEST}, choose shorter names"
        )


def is_plain(endpoint: str | None) -> bool:
    """Whether the endpoint is reached without TLS and credentials: only on this machine.

    Raises `UserError` for another machine's.
    """
    parts = urlsplit(endpoint or "")
    if parts.scheme not in ("http", "https"):
        return False
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return True
    raise UserError(
        f"the endpoint {endpoint} is not safe: write HOST or HOST:PORT, which is "
        "reached by TLS; http:// is for this machine only"
    )
