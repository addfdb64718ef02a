"""Runs that are tracked, and the services that track them."""

from pathlib import Path

import pytest

from tests import warm
from tests.run.conftest import SMALL
from tests.run.conftest import run as run  # a fixture
from tests.standins import Cloud

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    entry = [*warm.python(), "run.py"]
    with Cloud(tmp_path_factory.mktemp("cloud"), entry=entry, cwd=REPOSITORY) as cloud:
        yield cloud


@pytest.fixture
def track(run):
    """Calls run.py with the trackers of this directory."""

    def call(*arguments):
        return run(f"--config-dir={HERE / 'options'}", *arguments)

    return call


@pytest.fixture
def small():
    return list(SMALL)
