"""A cloud that runs Python programs, and a client of it."""

import sys

import pytest

from tests.standins import Cloud
from tests.standins.asking import REPOSITORY, client_of


@pytest.fixture
def cloud(tmp_path):
    with Cloud(tmp_path, entry=[sys.executable], cwd=REPOSITORY, grace=0.2) as started:
        yield started


@pytest.fixture
def client(cloud):
    return client_of(cloud.endpoint)
