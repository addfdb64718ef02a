"""The command line, in this process or in one of its own."""

import logging
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import Outcome

HERE = Path(__file__).parent
PROGRAM = HERE.parents[1] / "run.py"
# the trackers of this directory
OPTIONS = f"--config-dir={HERE / 'options'}"
# A run of a second, whose bytes do not depend on the number of cores.
SMALL = (
    "N=200",
    "features.max_prime=10",
    "model.hidden=8",
    "budget.epochs=2",
    "hardware=cpu",
    "hardware.threads=1",
)


@pytest.fixture
def small():
    """Overrides of a run of a second."""
    return list(SMALL)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Calls run.py with arguments in this process, where torch is imported already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setattr("zeta_exp.report.plots.write_plots", lambda run: None)  # most of the time
    # the folder of OPTIONS gives no hydra.mode: it is not composed for that alone
    monkeypatch.setattr("conf.launch._may_give_mode", lambda words: "hydra.mode" in str(words))
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)

    def call(*arguments):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", [str(PROGRAM), OPTIONS, *arguments])
        try:
            runpy.run_path(str(PROGRAM), run_name="__main__")
        except SystemExit as end:
            return Outcome(end.code or 0, *capsys.readouterr())
        finally:
            root.handlers[:], root.level, logging.raiseExceptions = before[0][:], *before[1:]
        raise AssertionError("run.py ends with sys.exit")

    return call


@pytest.fixture
def spawn(tmp_path):
    """Calls run.py with arguments in a process of its own; a new one where `popen` is given."""

    def call(*arguments, **popen):
        python = [sys.executable] if popen else warm.python()
        done = subprocess.run(
            [*python, str(PROGRAM), OPTIONS, *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{HERE}{os.pathsep}{PROGRAM.parent}"},
            capture_output=True,
            text=True,
            check=False,
            **popen,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call
