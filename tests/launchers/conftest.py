"""Sweeps on a cloud of this machine."""

import pytest

from tests.launchers.launching import ENTRY, HERE, sweeps_on
from tests.standins import Cloud


@pytest.fixture
def sweeps(tmp_path, monkeypatch, capsys):
    """A cloud whose jobs train nothing."""
    (tmp_path / "home").mkdir()
    with (
        Cloud(tmp_path, ENTRY, HERE) as cloud,
        sweeps_on(cloud, tmp_path / "home", monkeypatch, capsys) as ready,
    ):
        yield ready


@pytest.fixture
def nowhere(tmp_path, monkeypatch, capsys):
    """Sweeps that must not call anybody: nobody is there."""
    with sweeps_on(None, tmp_path, monkeypatch, capsys) as ready:
        yield ready
