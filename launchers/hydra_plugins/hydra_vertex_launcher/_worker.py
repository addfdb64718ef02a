"""What a job on Vertex AI does beside its run: Hydra's callback in the container.

Hydra turns an exception of a callback into a warning: only `SystemExit` stops a job.  It calls none
after `SystemExit` or `KeyboardInterrupt` in the run, so the last upload is then left to `atexit`.
"""

import atexit
import json
import logging
import math
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra_plugins.hydra_vertex_launcher._identity import config_digest
from hydra_plugins.hydra_vertex_launcher._mirror import (
    CONFIG,
    LEAST_SECONDS,
    RESULT,
    Copy,
    Folder,
    restore,
    said,
)
from omegaconf import DictConfig, OmegaConf

from zeta_exp.torchrun import launched

INTERVAL = "ZETA_MIRROR_SECONDS"  # environment: seconds between two rounds of uploads
EVERY = 60.0
GRACE = 25.0  # seconds for the last uploads of a job that is stopped: a SIGKILL follows after 30
PATIENCE = 300.0  # for those of one that has come to its end
WAIT = 5.0  # for an upload that is under way
AGAIN = 3.0  # seconds, after which a SIGTERM that nothing has heeded is repeated
STALE = "the image composes another config than the launcher did: rebuild the image and launch it"
log = logging.getLogger(__name__)


class Mirror(Callback):
    """Keeps the run directory in the bucket; continues what an earlier attempt left there.

    The first process of a run has it all to do, the others have nothing.
    """

    def __init__(self, output: str, key: str, attempt: int, digest: str) -> None:
        """`output` ends with the attempt; beside it are the other attempts of the same key."""
        self._output, self._digest = output.rstrip("/"), digest
        self._job = {
            "key": str(key),
            "attempt": int(attempt),
            "name": os.environ.get("CLOUD_ML_JOB_ID"),
        }
        self._closed = False
        self._value: float | None = None
        self._reminder: threading.Timer | None = None  # once there was a SIGTERM
        self._deaf_until = 0.0  # on the monotonic clock

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before Hydra writes: restores, or refuses a config that is not the launcher's."""
        if not launched().first:
            return
        try:
            self._begin(config, Path(str(config.hydra.run.dir)).absolute())
        except Exception as error:  # no two of Google's libraries share a base class
            print(
                f"error: the job can't begin at {self._output} ({said(error)}): check that the "
                "bucket exists and that the job's service account may read and write it",
                file=sys.stderr,
            )
            raise SystemExit(2) from error

    def _begin(self, config: DictConfig, directory: Path) -> None:
        self._directory = directory
        self._folder = Folder(self._output)
        if config_digest(config) != self._digest:
            self._refuse(STALE)
        if (directory / CONFIG).exists():
            if config_digest(OmegaConf.load(directory / CONFIG)) != self._digest:
                self._refuse(f"{directory} holds another run: give another hydra.run.dir")
            (directory / RESULT).unlink(missing_ok=True)  # this run's is still to come
        self._restored = restore(Folder(self._output.rpartition("/")[0]), directory)
        every = float(os.environ.get(INTERVAL, EVERY))
        self._copy = Copy(directory, self._folder, every)
        atexit.register(self._close_at_exit)

    def _refuse(self, sentence: str) -> None:
        """Says why in the log and in result.json, and ends the program."""
        print(f"error: {sentence}", file=sys.stderr)
        self._write_result({"status": "refused", "reason": sentence}, GRACE)
        raise SystemExit(2)

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """When run.log is open: uploads from now on, and treats SIGTERM as Ctrl-C."""
        if not launched().first:
            return
        if self._restored is not None:
            log.info("continuing the checkpoint of attempt %s", self._restored)
        self._before = signal.signal(signal.SIGTERM, self._interrupt)
        self._copy.start()

    def on_run_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """The run has come to its end, or failed."""
        if not launched().first:
            return
        completed = job_return.status == JobStatus.COMPLETED
        value = job_return.return_value if completed else None
        if isinstance(value, int | float) and math.isfinite(value):
            self._value = float(value)
        without_result = {"status": "completed"} if completed else self._unexplained()
        uploaded = self._close(without_result, GRACE if self._reminder else PATIENCE)
        signal.signal(signal.SIGTERM, self._before)
        if self._reminder and not completed:
            raise SystemExit(130)  # whatever the run made of the interrupt
        if completed and not uploaded:
            raise SystemExit(1)

    def _close_at_exit(self) -> None:
        """The run was stopped or refused, and Hydra has called nobody."""
        path = self._directory / RESULT
        if path.exists() and json.loads(path.read_text())["status"] == "completed":
            path.unlink()  # stopped at its last line: what it returns is not known
        self._close(self._unexplained(), GRACE)

    def _close(self, without_result: dict[str, Any], seconds: float) -> bool:
        """The last uploads, result.json after all others; whether they were made."""
        if self._closed:
            return True
        self._closed = True
        atexit.unregister(self._close_at_exit)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self._reminder:
            self._reminder.cancel()
        deadline = time.monotonic() + seconds
        self._copy.stop(WAIT)
        path = self._directory / RESULT
        try:
            result = json.loads(path.read_text()) if path.exists() else without_result
            if self._reminder and result["status"] == "failed":
                result |= without_result
            completed = result["status"] == "completed"
            self._copy.refresh(seconds - WAIT, _others(self._directory) if completed else ())
            self._write_result(result, max(deadline - time.monotonic(), LEAST_SECONDS))
        except Exception as error:  # no two of Google's libraries share a base class
            print(f"error: can't upload to {self._output} ({said(error)})", file=sys.stderr)
            return False
        return True

    def _write_result(self, result: dict[str, Any], seconds: float) -> None:
        text = json.dumps(result | {"job": self._job, "return_value": self._value}, indent=2)
        self._folder.write(RESULT, text.encode() + b"\n", seconds)

    def _unexplained(self) -> dict[str, Any]:
        """The result of a run that has left none here."""
        if self._reminder:
            return {"status": "interrupted", "reason": "terminated before the training began"}
        if not launched().alone:
            reason = "ended by another process of the run: see the job's log"
            return {"status": "interrupted", "reason": reason}
        reason = "ended before the run could say why: see the job's log"
        return {"status": "failed", "reason": reason}

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """What Ctrl-C does, once: nothing may cut short the end of the run that follows.

        An import that is interrupted may swallow it, or fail with an error of its own: so the
        signal comes once more if the run goes on, then perhaps to the training, which heeds it.
        """
        now = time.monotonic()
        if now < self._deaf_until:
            return
        self._deaf_until = now + AGAIN / 2
        self._reminder = threading.Timer(AGAIN, os.kill, (os.getpid(), signal.SIGTERM))
        self._reminder.daemon = True
        self._reminder.start()
        raise KeyboardInterrupt


def _others(directory: Path) -> tuple[str, ...]:
    """All that a run has left, predictions and figures, but for hidden files and the result."""
    names = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    shown = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    return tuple(sorted(str(name) for name in shown if str(name) != RESULT))
