"""The life of one job: queued, pending, running, over."""

import threading
import time
from pathlib import Path
from typing import Protocol

from google.cloud import aiplatform_v1 as v1
from google.rpc import code_pb2, status_pb2

from tests.standins import specs
from tests.standins.replicas import Image, Place, Replica, addresses, environment_of
from tests.standins.resources import now
from tests.standins.trouble import Trouble

State = v1.JobState
DONE = {
    State.JOB_STATE_SUCCEEDED,
    State.JOB_STATE_FAILED,
    State.JOB_STATE_CANCELLED,
    State.JOB_STATE_EXPIRED,
}
NO_TIMEOUT = 7 * 24 * 3600.0  # seconds: what the service allows where a job says nothing
RESTARTS = 3  # of a job whose machine was lost or that ended by one of these statuses
RESTARTED_STATUSES = (6, 11, 134, 139)
POLL = 0.02  # seconds
STOCK_OUT = (
    "Resources are insufficient in region: {region}. Please try a different region or use a "
    "different accelerator."
)


class Owner(Protocol):
    """What a running job needs of its service."""

    lock: threading.RLock
    trouble: Trouble

    def claim(self, job: v1.CustomJob) -> str:
        """Let a queued job go on: "start", "wait" for quota, or why it fails."""

    def image(self, uri: str) -> Image | None:
        """The image of this name."""


class Execution:
    """Drives one job in a thread; the lock of the service guards the job's message."""

    def __init__(self, job: v1.CustomJob, root: Path, owner: Owner):
        self.job = job
        self.thread = threading.Thread(target=self._drive, name=job.name, daemon=True)
        self._folder = root / job.name.rpartition("/")[2]
        self._owner = owner
        self._replicas: list[Replica] = []
        self._cluster: dict[str, list[str]] = {}
        self._restarts = 0
        self._abandoned = threading.Event()

    def preempt(self, index: int | None = None) -> int:
        """Take the machine of one replica away, or those of all; how many were there."""
        chosen = self._replicas if index is None else self._replicas[index : index + 1]
        return sum(replica.preempt(self._owner.trouble.grace) for replica in chosen)

    def abandon(self) -> None:
        """The service ends: so do the processes, at once."""
        self._abandoned.set()

    def log(self) -> str:
        """What the replicas have written, one after the other."""
        paths = sorted(self._folder.glob("*.log"))
        return "".join(path.read_text(errors="replace") for path in paths)

    def _drive(self) -> None:
        try:
            if self._queue():
                self._run()
        finally:
            for replica in self._replicas:
                replica.kill()
                replica.discard()

    def _queue(self) -> bool:
        """Wait for room; whether the job may start."""
        while True:
            if self._cancelled():
                return False
            verdict = self._owner.claim(self.job)
            if verdict != "wait":
                break
            self._abandoned.wait(POLL)
        if verdict == "quota":
            kinds = specs.accelerators(self.job.job_spec)
            self._fail(code_pb2.RESOURCE_EXHAUSTED, specs.quota_exceeded(kinds))
        elif verdict == "stock-out":
            self._fail(code_pb2.RESOURCE_EXHAUSTED, self._stock_out())
        return verdict == "start" and self._find_images()

    def _stock_out(self) -> str:
        return STOCK_OUT.format(region=self.job.name.split("/")[3])

    def _find_images(self) -> bool:
        self._folder.mkdir(parents=True)
        for number, pool in enumerate(self.job.job_spec.worker_pool_specs):
            container = pool.container_spec
            image = self._owner.image(container.image_uri)
            if image is None:
                text = f"Image not found: {container.image_uri}"
                self._fail(code_pb2.FAILED_PRECONDITION, text)
                return False
            command = [*(container.command or image.entry), *container.args]
            self._replicas += [
                Replica(Place(number, index), image, self._folder, command)
                for index in range(pool.replica_count)
            ]
        return True

    def _run(self) -> None:
        with self._owner.lock:
            if self.job.state != State.JOB_STATE_CANCELLING:
                self.job.state = State.JOB_STATE_RUNNING
                self.job.start_time = self.job.update_time = now()
        seconds = self.job.job_spec.scheduling.timeout.total_seconds() or NO_TIMEOUT
        deadline = time.monotonic() + seconds
        self._start(self._replicas)
        while not self._over(deadline):
            for replica in self._replicas:
                replica.enforce()
            self._abandoned.wait(POLL)

    def _start(self, replicas: list[Replica]) -> None:
        if len(replicas) == len(self._replicas):
            self._cluster = addresses(self.job.job_spec)
        for replica in replicas:
            replica.start(environment_of(self.job, replica, self._cluster))

    def _over(self, deadline: float) -> bool:
        """One look at the replicas: the job's end, or a restart of what was lost."""
        if self._cancelled():
            return True
        if time.monotonic() > deadline:
            self._end_processes()
            self._fail(code_pb2.DEADLINE_EXCEEDED, "The job exceeded its timeout.")
            return True
        lost = [replica for replica in self._replicas if _is_lost(replica)]
        if lost:
            return not self._restart(lost)
        ended = [replica for replica in self._replicas if replica.exit_status]
        if ended:
            self._fail(code_pb2.FAILED_PRECONDITION, _bad_exit(ended[0]))
        elif self._replicas[0].exit_status == 0:  # the primary decides
            self._finish(State.JOB_STATE_SUCCEEDED)
        return self.job.state in DONE

    def _restart(self, lost: list[Replica]) -> bool:
        """Start lost replicas again in the same job, as often as the service does."""
        scheduling = self.job.job_spec.scheduling
        self._restarts += 1
        if scheduling.disable_retries or self._restarts > RESTARTS:
            if lost[0].preempted:
                self._fail(code_pb2.RESOURCE_EXHAUSTED, f"STOCKOUT: {self._stock_out()}")
            else:
                self._fail(code_pb2.FAILED_PRECONDITION, _bad_exit(lost[0]))
            return False
        if scheduling.restart_job_on_worker_restart:
            lost = self._replicas
            self._end_processes()
        for replica in lost:
            replica.kill()  # children may have outlived the process
        self._start(lost)
        return True

    def _cancelled(self) -> bool:
        if self._abandoned.is_set():
            return True
        if self.job.state != State.JOB_STATE_CANCELLING:
            return False
        self._end_processes()
        self._finish(State.JOB_STATE_CANCELLED, code_pb2.CANCELLED, "The job was cancelled.")
        return True

    def _end_processes(self) -> None:
        for replica in self._replicas:
            replica.ask_to_end(self._owner.trouble.grace)
        while any(replica.running for replica in self._replicas):
            if self._abandoned.wait(POLL):
                return  # they are killed at once
            for replica in self._replicas:
                replica.enforce()

    def _fail(self, code: int, message: str) -> None:
        """FAILED; the text of the error may come later."""
        if self._owner.trouble.late_errors:
            self._finish(State.JOB_STATE_FAILED)
        failed = time.monotonic()
        while time.monotonic() - failed < self._owner.trouble.late_errors:
            if self._abandoned.wait(POLL):
                return
        self._finish(State.JOB_STATE_FAILED, code, message)

    def _finish(self, state: State, code: int = 0, message: str = "") -> None:
        with self._owner.lock:
            self.job.state = state
            self.job.update_time = now()
            self.job.end_time = self.job.end_time or self.job.update_time
            if code:
                self.job.error = status_pb2.Status(code=code, message=message)


def _is_lost(replica: Replica) -> bool:
    """Whether the machine is gone, or the process ended in a way the service tries again."""
    status = replica.exit_status
    return status is not None and (replica.preempted or status in RESTARTED_STATUSES)


def _bad_exit(replica: Replica) -> str:
    status = replica.exit_status
    return f"The replica {replica.place} exited with a non-zero status of {status}."
