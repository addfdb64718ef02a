"""A bucket of the storage emulator, and run.py as the container of a job calls it."""

import json
import os
import subprocess
from contextlib import contextmanager

from gcp_storage_emulator.server import create_server
from google.auth.credentials import AnonymousCredentials
from hydra import compose, initialize_config_dir
from hydra_plugins.hydra_vertex_launcher._identity import config_digest

from conf import schema
from tests import warm
from tests.conftest import Outcome
from tests.run.conftest import HERE, OPTIONS, PROGRAM

KEY = "a1" * 20
RUNS = f"runs/{KEY}"
# A run of 360 updates, nine an epoch, in a second beside the imports.
TRAINING = (
    "N=400",
    "model=linear",
    "features.max_prime=10",
    "strategy=minibatch",
    "strategy.block_size=10",
    "budget.epochs=40",
    "hardware=cpu",
    "hardware.threads=1",
)


class Bucket:
    """What is in it, and what a process needs to know of it."""

    def __init__(self, storage, port):
        self._storage = storage
        self.environment = {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}

    def read(self, name):
        """The content of an object."""
        return self._storage.get_file("bucket", name)

    def put(self, name, content):
        """An object, as another process would upload it."""
        from google.cloud import storage

        client = storage.Client("p", AnonymousCredentials())
        client.bucket("bucket").blob(name).upload_from_string(content)

    def empty(self):
        """Removes all objects."""
        self._storage.wipe(keep_buckets=True)

    def result(self, attempt):
        """The result.json of an attempt."""
        return json.loads(self.read(f"{RUNS}/{attempt}/result.json"))

    def names(self, attempt):
        """The objects of an attempt."""
        return set(self.times(attempt))

    def times(self, attempt):
        """The objects of an attempt, and when each was written."""
        prefix = f"{RUNS}/{attempt}/"
        found, _ = self._storage.get_file_list("bucket", prefix)
        return {entry["name"].removeprefix(prefix): entry["updated"] for entry in found}


@contextmanager
def open_bucket():
    """An empty bucket, which lives as long as the context."""
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    try:
        yield Bucket(server._storage, server._api._httpd.server_address[1])
    finally:
        server.stop()


def environment(**more):
    """Of a process that runs run.py, with the trackers of tests/run."""
    path = f"{HERE}{os.pathsep}{PROGRAM.parent}"
    inherited = os.environ.get("PYTHONPATH")
    path = path if inherited is None else f"{path}{os.pathsep}{inherited}"
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", **more}


def digest_of(*arguments):
    """The digest of the config that the launcher composes."""
    schema.register()
    with initialize_config_dir(str(PROGRAM.parent / "conf"), version_base="1.3"):
        return config_digest(compose("config", [*TRAINING, *arguments]))


def mirror(digest, attempt):
    """The overrides that the launcher adds to those of a job."""
    arguments = {
        "_target_": "hydra_plugins.hydra_vertex_launcher._worker.Mirror",
        "output": f"gs://bucket/{RUNS}/{attempt}",
        "key": KEY,
        "attempt": attempt,
        "digest": digest,
    }
    return [f"+hydra.callbacks.vertex.{name}={value}" for name, value in arguments.items()]


def arguments_of(directory, *arguments):
    """The arguments of a job that writes to the directory."""
    return [*TRAINING, *arguments, "hydra.mode=RUN", f"hydra.run.dir={directory}"]


def command(directory, *arguments, python=None):
    """The command of a job that writes to the directory; python: in place of a warm one."""
    return [*(python or warm.python()), str(PROGRAM), OPTIONS, *arguments_of(directory, *arguments)]


def call(bucket, *arguments, **more):
    """Runs a command to its end."""
    done = subprocess.run(
        arguments,
        env=environment(**bucket.environment, CLOUD_ML_JOB_ID="7", **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
