"""What every test of a strategy needs."""

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """No partition of the user's, and none left to the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
