"""The copy of a run directory in a bucket: kept up to date, and what a later attempt restores."""

import json
import logging
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

from zeta_exp.files import write_atomically

STATE = "checkpoint/state.safetensors"
METRICS, LOG, CONFIG, RESULT = "metrics.csv", "run.log", "config.yaml", "result.json"
# Read in this order and uploaded in the reverse: the rows of metrics.csv in the bucket reach at
# least as far as the checkpoint there, wherever a machine is lost.
WATCHED = (STATE, METRICS, LOG, CONFIG)
PERIODIC_SECONDS = 10.0  # for a round, which the next one makes good
LEAST_SECONDS = 2.0  # for one upload
_SAID = 300  # characters of another library's error
log = logging.getLogger(__name__)


def said(error: Exception) -> str:
    """An error on one line, without the query of an address: a resumable upload's is a secret."""
    text = re.sub(r"\?\S+", "", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:_SAID]}"


class Folder:
    """What lies below an address of Cloud Storage, gs://bucket/prefix."""

    def __init__(self, address: str) -> None:
        """Makes no call.  STORAGE_EMULATOR_HOST leads to an emulator, which asks for no account."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        emulator = bool(os.environ.get("STORAGE_EMULATOR_HOST"))
        account: dict[str, Any] = {"project": "emulator", "credentials": AnonymousCredentials()}
        name, _, prefix = address.removeprefix("gs://").partition("/")
        self.address = address
        self._bucket = storage.Client(**(account if emulator else {})).bucket(name)
        self._prefix = prefix.rstrip("/")

    def write(self, name: str, content: bytes, seconds: float) -> None:
        """Uploads an object whole, or leaves the one that is there; tries again for `seconds`."""
        from google.cloud.storage.retry import DEFAULT_RETRY

        self._bucket.blob(f"{self._prefix}/{name}").upload_from_string(
            content,
            content_type="application/octet-stream",
            timeout=seconds,
            retry=DEFAULT_RETRY.with_timeout(seconds),
        )

    def read(self, name: str) -> bytes | None:
        """The content of an object; None where there is none."""
        blob = self._bucket.get_blob(f"{self._prefix}/{name}")
        return None if blob is None else bytes(blob.download_as_bytes())

    def newest_first(self, name: str) -> list[str]:
        """The folders right below this one that hold an object `name`, the last written first."""
        found = []
        for blob in self._bucket.list_blobs(prefix=f"{self._prefix}/"):
            folder, _, rest = blob.name.removeprefix(f"{self._prefix}/").partition("/")
            if rest == name:
                found.append((blob.updated, folder))
        return [folder for _, folder in sorted(found, reverse=True)]


def whole(content: bytes) -> bool:
    """Whether nothing of a safetensors file is missing.

    Its format: the length of the header in 8 bytes, the header as JSON, the tensors.
    """
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        return len(content) == 8 + length + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return False


def restore(attempts: Folder, directory: Path) -> str | None:
    """Brings the newest whole checkpoint of all attempts, and what goes with it, to the directory.

    Returns the attempt that it is of; None where there is none, or where the directory has one.
    """
    if (directory / STATE).exists():  # the same machine has started the job again
        return None
    for attempt in attempts.newest_first(STATE):
        state = attempts.read(f"{attempt}/{STATE}")
        if state is None or not whole(state):
            continue
        (directory / STATE).parent.mkdir(parents=True, exist_ok=True)
        for name in (CONFIG, LOG, METRICS):
            content = attempts.read(f"{attempt}/{name}")
            if content is not None:
                write_atomically(directory / name, content)
        write_atomically(directory / STATE, state)  # last: with it the run is one to continue
        return attempt
    return None


class Copy:
    """Uploads what has changed in a directory, from a thread of its own."""

    def __init__(self, directory: Path, folder: Folder, every: float) -> None:
        """`every`: seconds between two rounds."""
        self._directory, self._folder, self._every = directory, folder, every
        self._uploaded: dict[str, tuple[int, int]] = {}  # name to the version that is there
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name="mirror", daemon=True)

    def start(self) -> None:
        """Begins with a round at once."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Ends the rounds; waits so long for an upload that is under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def refresh(self, seconds: float, more: tuple[str, ...] = ()) -> None:
        """Uploads the watched files, and `more`, that have changed.

        seconds: in all; what fails is not tried again after them.  Raises what Google raises.
        """
        deadline = time.monotonic() + seconds
        changed = []
        for name in dict.fromkeys((*WATCHED, *more)):
            path = self._directory / name
            if not path.is_file():
                continue
            status = path.stat()
            version = (status.st_mtime_ns, status.st_size)
            if self._uploaded.get(name) != version:
                changed.append((name, version, path.read_bytes()))
        for name, version, content in reversed(changed):
            self._folder.write(name, content, max(deadline - time.monotonic(), LEAST_SECONDS))
            self._uploaded[name] = version

    def _repeat(self) -> None:
        warned = False
        while not self._stopping.is_set():
            try:
                self.refresh(PERIODIC_SECONDS)
            except Exception as error:  # no two of Google's libraries share a base class
                if not warned:
                    where = self._folder.address
                    log.warning(
                        "can't upload to %s (%s): the run goes on, and so do tries",
                        where,
                        said(error),
                    )
                warned = True
            self._stopping.wait(self._every)
