"""What every test of a strategy needs."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread():
    """Small batches, made ahead in a second thread: more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """No partition of the user's, and none left to the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
