"""A sweep to fill with runs."""

import pytest

from tests.verdict.sweeps import Sweep


@pytest.fixture
def sweep(tmp_path):
    return Sweep(tmp_path / "sweep")
