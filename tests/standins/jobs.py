"""JobService: custom jobs that really run."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.protobuf import empty_pb2

from tests.standins import specs
from tests.standins.execution import DONE, Execution
from tests.standins.replicas import Image
from tests.standins.resources import Shelf, new_number, now, page
from tests.standins.rpc import Refusal, finished
from tests.standins.trouble import Trouble


@dataclass(frozen=True)
class JobView:
    """What a filter may ask of a job."""

    job: v1.CustomJob

    def field(self, name: str) -> Any:
        """A label, or one of the three documented fields."""
        if name.startswith("labels."):
            return self.job.labels.get(name.removeprefix("labels."))
        return {
            "labels": dict(self.job.labels),
            "display_name": self.job.display_name,
            "state": v1.JobState(self.job.state).name,
            "create_time": self.job.create_time,
        }[name]

    def function(self, name: str, argument: str) -> bool:
        """JobService has no functions."""
        raise KeyError(name)


class JobService:
    """Create, get, list, cancel and delete custom jobs; each runs in a thread of its own."""

    def __init__(self, root: Path, image_of: Callable[[str], Image | None], trouble: Trouble):
        self.trouble = trouble
        self.lock = threading.RLock()
        self._root = root
        self._image_of = image_of
        self._jobs = Shelf()
        self._executions: dict[str, Execution] = {}

    def CreateCustomJob(self, request: v1.CreateCustomJobRequest) -> v1.CustomJob:
        """Check the job and start its thread."""
        specs.check(request.custom_job)
        with self.lock:
            if self.trouble.quota_mode == "refuse":
                self._check_quota(request.custom_job)
            job = self._jobs.add(f"{request.parent}/customJobs/{new_number()}", request.custom_job)
            job.state = v1.JobState.JOB_STATE_QUEUED
            job.create_time = job.update_time = now()
            job.error = None
            execution = Execution(job, self._root, self)
            self._executions[job.name] = execution
            execution.thread.start()
            return v1.CustomJob(job)

    def GetCustomJob(self, request: v1.GetCustomJobRequest) -> v1.CustomJob:
        """A job by name."""
        with self.lock:
            return v1.CustomJob(self._jobs.find(request.name))

    def ListCustomJobs(self, request: v1.ListCustomJobsRequest) -> v1.ListCustomJobsResponse:
        """A page of the jobs, newest first."""
        with self.lock:
            jobs = reversed(self._jobs.under(request.parent))
            return page(request, v1.ListCustomJobsResponse, "custom_jobs", jobs, JobView)

    def CancelCustomJob(self, request: v1.CancelCustomJobRequest) -> empty_pb2.Empty:
        """Ask the processes to end; the job is CANCELLED when they have."""
        with self.lock:
            job = self._jobs.find(request.name)
            if job.state in DONE:
                state = v1.JobState(job.state).name
                raise Refusal("FAILED_PRECONDITION", f"the job is in terminal state {state}")
            job.state = v1.JobState.JOB_STATE_CANCELLING
            return empty_pb2.Empty()

    def DeleteCustomJob(self, request: v1.DeleteCustomJobRequest) -> Any:
        """Forget a job that is over."""
        with self.lock:
            job = self._jobs.find(request.name)
            if job.state not in DONE:
                raise Refusal("FAILED_PRECONDITION", "an active job can't be deleted")
            del self._jobs[job.name], self._executions[job.name]
            return finished(empty_pb2.Empty())

    def jobs(self) -> list[v1.CustomJob]:
        """Copies of all jobs, oldest first."""
        with self.lock:
            return [v1.CustomJob(job) for job in self._jobs.values()]

    def execution(self, name: str) -> Execution:
        """What runs the job of this name."""
        with self.lock:
            return self._executions[self._jobs.find(name).name]

    def image(self, uri: str) -> Image | None:
        """The image of this name, None where the registry has none."""
        return self._image_of(uri)

    def claim(self, job: v1.CustomJob) -> str:
        """Let a queued job go on: "start", "wait" for quota, or why it fails."""
        with self.lock:
            if job.state == v1.JobState.JOB_STATE_CANCELLING:
                return "wait"  # it won't be for long
            if not self._fits(job):
                return "wait" if self.trouble.quota_mode == "queue" else "quota"
            job.state = v1.JobState.JOB_STATE_PENDING
            if self.trouble.stock_outs > 0:
                self.trouble.stock_outs -= 1
                return "stock-out"
            return "start"

    def close(self) -> None:
        """End every process of every job, and every thread."""
        with self.lock:
            executions = list(self._executions.values())
        for execution in executions:
            execution.abandon()
        for execution in executions:
            execution.thread.join()

    def _fits(self, job: v1.CustomJob) -> bool:
        used: dict[str, int] = {}
        for other in self._jobs.values():
            waits = other.state == v1.JobState.JOB_STATE_QUEUED
            if other is not job and other.state not in DONE and not waits:
                for kind, count in specs.accelerators(other.job_spec).items():
                    used[kind] = used.get(kind, 0) + count
        limits = self.trouble.quota
        return all(
            used.get(kind, 0) + count <= limits.get(kind, used.get(kind, 0) + count)
            for kind, count in specs.accelerators(job.job_spec).items()
        )

    def _check_quota(self, job: v1.CustomJob) -> None:
        asked = [other for other in self._jobs.values() if other.state not in DONE]
        for kind, count in specs.accelerators(job.job_spec).items():
            used = sum(specs.accelerators(other.job_spec).get(kind, 0) for other in asked)
            if used + count > self.trouble.quota.get(kind, used + count):
                raise Refusal("RESOURCE_EXHAUSTED", specs.quota_exceeded([kind]))
