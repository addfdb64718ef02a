"""Replicas of a job: local processes, each on a disk of its own that ends with its machine."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from google.cloud import aiplatform_v1 as v1

from tests.standins.resources import PROJECT_NUMBER

# What a machine would have of itself.
INHERITED = ("PATH", "HOME", "LANG", "XDG_CACHE_HOME", "OMP_NUM_THREADS")
NOT_IN_IMAGES = ("outputs", "multirun", ".git")


@dataclass(frozen=True)
class Image:
    """A container image: what it starts, the folder it holds, its environment."""

    entry: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where a replica belongs in its job."""

    pool: int
    index: int

    def __str__(self) -> str:
        return f"workerpool{self.pool}-{self.index}"


class Replica:
    """One process of a job, started again after its machine was taken away."""

    def __init__(self, place: Place, image: Image, root: Path, command: list[str]):
        self.place = place
        self.image = image
        self.log = root / f"{place}.log"
        self.command = command
        self.preempted = False
        self._root = root
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline: float | None = None  # of a process that was asked to end

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the process on a new disk: the image's folder and nothing of an earlier start."""
        disk = self._root / f"{self.place}-{self._starts}"
        self._starts += 1
        (disk / "tmp").mkdir(parents=True)
        for path in self.image.folder.iterdir():
            if path.name not in (*NOT_IN_IMAGES, "tmp"):
                (disk / path.name).symlink_to(path)
        self.preempted, self._deadline = False, None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env={**environment, "TMPDIR": str(disk / "tmp")},
                cwd=disk,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def exit_status(self) -> int | None:
        """What a container's would be, 128 + n for signal n; None while the process runs."""
        status = self._process.poll() if self._process else None
        return 128 - status if status is not None and status < 0 else status

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def preempt(self, grace: float) -> bool:
        """Take the machine away: SIGTERM now, SIGKILL after `grace` seconds; whether it ran."""
        if not self.running:
            return False
        self.preempted = True
        self.ask_to_end(grace)
        return True

    def ask_to_end(self, grace: float) -> None:
        """SIGTERM now, to the first process of the container alone; `enforce` does the rest."""
        if self._process and self.running and self._deadline is None:
            self._deadline = time.monotonic() + grace
            self._process.terminate()

    def enforce(self) -> None:
        """Kill a process that was asked to end and has outstayed its grace."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.kill()

    def kill(self) -> None:
        """End the process and its children, whatever they do, and wait until it is gone."""
        if self._process:
            with suppress(ProcessLookupError):  # the whole group has ended
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def discard(self) -> None:
        """Remove the disks."""
        for number in range(self._starts):
            shutil.rmtree(self._root / f"{self.place}-{number}", ignore_errors=True)


def free_port() -> int:
    """A TCP port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def addresses(spec: v1.CustomJobSpec) -> dict[str, list[str]]:
    """The cluster of CLUSTER_SPEC: host:port of each replica by worker pool.

    Vertex gives each replica a host name; on one machine they differ by port.
    """
    return {
        f"workerpool{number}": [f"127.0.0.1:{free_port()}" for _ in range(pool.replica_count)]
        for number, pool in enumerate(spec.worker_pool_specs)
    }


def environment_of(
    job: v1.CustomJob, replica: Replica, cluster: Mapping[str, list[str]]
) -> dict[str, str]:
    """The environment of a replica's process, as Vertex sets it."""
    place = replica.place
    task = {"type": f"workerpool{place.pool}", "index": place.index}
    environment = {key: os.environ[key] for key in INHERITED if key in os.environ}
    environment |= replica.image.environment
    environment |= {
        "CLOUD_ML_JOB_ID": job.name.rpartition("/")[2],
        "CLOUD_ML_PROJECT_ID": PROJECT_NUMBER,
        "CLOUD_ML_REGION": job.name.split("/")[3],
        "CLUSTER_SPEC": json.dumps({"cluster": cluster, "environment": "cloud", "task": task}),
    }
    prefix = job.job_spec.base_output_directory.output_uri_prefix.rstrip("/")
    if prefix:
        environment["AIP_MODEL_DIR"] = f"{prefix}/model/"
        environment["AIP_CHECKPOINT_DIR"] = f"{prefix}/checkpoints/"
        environment["AIP_TENSORBOARD_LOG_DIR"] = f"{prefix}/logs/"
    pool = job.job_spec.worker_pool_specs[place.pool]
    return environment | {variable.name: variable.value for variable in pool.container_spec.env}
