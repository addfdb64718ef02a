"""Which trackers a run has: none, one, several as a list."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from conf import schema
from conf.checks import resolved, resumed_keys

CONF = str(Path(schema.__file__).parent)


@pytest.fixture
def tracking():
    """Composes overrides; returns the resolved part that names the trackers."""
    schema.register()
    with initialize_config_dir(CONF, version_base="1.3"):
        yield lambda *overrides: OmegaConf.to_container(
            resolved(compose("config", list(overrides))).tracking
        )


def test_none_is_the_default(tracking):
    assert tracking() == tracking("tracking=none")


def test_several_are_each_as_they_are_alone(tracking):
    project = "tracking.vertex.project=p"
    vertex, mlflow = tracking("tracking=vertex", project), tracking("tracking=mlflow")
    assert vertex["vertex"]["project"] == "p"
    for both in ("[vertex,mlflow]", "[mlflow,vertex]"):
        assert tracking(f"tracking={both}", project) == vertex | mlflow
    assert tracking("tracking=[vertex]", project) == vertex


def test_a_resumed_run_may_choose_a_list():
    overrides = ["resume=here", "tracking=[vertex,mlflow]", "tracking.vertex.project=p"]
    assert resumed_keys(overrides, []) == ["tracking", "tracking.vertex.project"]
