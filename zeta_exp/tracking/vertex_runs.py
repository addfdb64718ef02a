"""What Vertex AI Experiments has of an experiment, read in one request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zeta_exp.errors import UserError
from zeta_exp.tracking.vertex import check_installed, connection, is_plain, quieten

_SAID = 300  # characters of another library's error


@dataclass(frozen=True)
class TrackedRun:
    """A run as `VertexSink` has left it there."""

    name: str
    state: str  # COMPLETE, RUNNING, FAILED, CANCELLED
    parameters: Mapping[str, Any]  # the flat config, a class by its name
    metrics: Mapping[str, float]  # the measures of result.json


def tracked_runs(
    experiment: str, project: str, region: str, endpoint: str | None = None
) -> list[TrackedRun]:
    """All runs of an experiment.  Raises `UserError` where it can't be read.

    endpoint: another server than Google's for the region, as `VertexSink` takes it.
    """
    check_installed("--vertex", "give the directories of the runs")
    is_plain(endpoint)
    try:
        contexts = _contexts(experiment, connection(project, region, endpoint))
    except Exception as error:  # of the SDK, of gRPC, of the account: no two share a class
        raise UserError(_reason(error, experiment, project, region)) from error
    return [
        TrackedRun(
            name=str(context.display_name or context.name),
            state=str(context.metadata.get("_state")),
            parameters={k: _restored(v) for k, v in context.metadata.get("_params", {}).items()},
            metrics=dict(context.metadata.get("_metrics", {})),
        )
        for context in contexts
    ]


def _contexts(experiment: str, options: Mapping[str, Any]) -> list[Any]:
    """The runs as the SDK keeps them: `ExperimentRun` would ask once more for each."""
    from google.cloud import aiplatform

    quieten()
    aiplatform.init(**options)
    parent = aiplatform.Experiment(experiment).resource_name
    asked = f'schema_title="system.ExperimentRun" AND parent_contexts:"{parent}"'
    return list(aiplatform.Context.list(filter=asked))


def _reason(error: Exception, experiment: str, project: str, region: str) -> str:
    if type(error).__name__ == "NotFound":
        return (
            f"there is no experiment {experiment} in {project}, {region}: give the name that was "
            "tracking.vertex.experiment, and --project and --region"
        )
    said = " ".join(str(error).split())[:_SAID]
    return (
        f"the experiment {experiment} can't be read ({type(error).__name__}: {said}): check the "
        "name, --project, --region and your account (gcloud auth application-default login)"
    )


def _restored(value: Any) -> Any:
    """A parameter as it was before it became a number or text: 10000.0 is 10000, "null" None."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (value in ("null", "true", "false") or value[:1] == "["):
        try:
            return json.loads(value)
        except ValueError:  # a list of words
            return value
    return value
