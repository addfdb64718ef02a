"""Sweeps on a cloud of this machine: run.py in this process, or in one that can be killed."""

import json
import logging
import os
import runpy
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from tests import warm
from tests.conftest import Outcome
from tests.standins import Cloud

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PROGRAM = REPOSITORY / "run.py"
ENTRY = (sys.executable, "-S", str(HERE / "entry.py"))
NOBODY = "http://127.0.0.1:9"  # where no server listens
IMAGE = Cloud.image


def arguments(cloud, *overrides):
    """A sweep on the cloud; on none, where no call is to be made."""
    endpoint, bucket = (cloud.endpoint, cloud.bucket) if cloud else (NOBODY, "gs://bucket")
    return [
        *(text for text in overrides if text.startswith("--")),
        "-m",
        "hydra/launcher=vertex",
        "hydra.launcher.project=p",
        f"hydra.launcher.bucket={bucket}",
        f"hydra.launcher.image='{IMAGE}'",
        f"hydra.launcher.endpoint={endpoint}",
        "hydra.sweep.dir=sweep",
        "hardware=cpu",
        *(text for text in overrides if not text.startswith("--")),
    ]


class Sweeps:
    """Calls run.py in a folder of its own, against one cloud."""

    def __init__(self, cloud, folder, monkeypatch, capsys):
        self.cloud, self.folder = cloud, folder
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def run(self, *overrides, multirun=True):
        """In this process."""
        self._capsys.readouterr()
        command = [str(PROGRAM), *arguments(self.cloud, *overrides)]
        command = [text for text in command if multirun or text != "-m"]
        self._monkeypatch.setattr(sys, "argv", command)
        root = logging.getLogger()
        before = (root.handlers[:], root.level, logging.raiseExceptions)
        try:
            runpy.run_path(str(PROGRAM), run_name="__main__")
        except SystemExit as end:
            return Outcome(end.code or 0, *self._capsys.readouterr())
        finally:
            root.handlers[:], root.level, logging.raiseExceptions = before[0][:], *before[1:]
        raise AssertionError("run.py ends with sys.exit")

    def start(self, *overrides, **environment):
        """In a process of its own."""
        return subprocess.Popen(
            [*warm.python(), str(PROGRAM), *arguments(self.cloud, *overrides)],
            cwd=self.folder,
            env=os.environ | self.cloud.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start_here(self, *overrides):
        """The same sweep in a process of its own, without a cloud; its exit code."""
        command = [*warm.python(), str(PROGRAM), "-m", "hardware=cpu", *overrides]
        return subprocess.run(
            command, cwd=self.folder, check=False, stdout=subprocess.DEVNULL
        ).returncode

    def results(self, sweep="sweep"):
        """result.json by the number of the job."""
        found = self.folder.glob(f"{sweep}/*/result.json")
        return {int(path.parent.name): json.loads(path.read_text()) for path in sorted(found)}

    def values(self):
        """The objectives of the completed jobs."""
        found = {n: r for n, r in self.results().items() if r["status"] == "completed"}
        return {number: result["return_value"] for number, result in found.items()}

    def created(self):
        """How many jobs were asked for."""
        return self.cloud.calls.count("CreateCustomJob")


@contextmanager
def sweeps_on(cloud, folder, monkeypatch, capsys):
    """Runs of this process know the cloud."""
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HYDRA_FULL_ERROR", "0")
        for name, value in (cloud.environment if cloud else {}).items():
            patch.setenv(name, value)
        yield Sweeps(cloud, folder, patch, capsys)
