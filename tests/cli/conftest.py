"""What a shell sees of the command."""

import pytest

from tests.conftest import Outcome
from zeta_exp.cli import main


@pytest.fixture
def zeta(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def table(zeta):
    """A folder with the zeros 1 … 3000 in three shards."""
    made = zeta("zeros", "generate", "--count", "3_000", "--shard-size", "1e3", "--out", "made")
    assert made.code == 0, made.err
    return "made"
