"""Calls of Vertex AI's JobService, and what to make of the answers that are none."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

from google.api_core import exceptions as api
from google.api_core.retry import Retry, if_exception_type
from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1 as v1
from requests.exceptions import RequestException

from zeta_exp.errors import UserError

from ._identity import ATTEMPT, KEY
from ._place import LOG_IN
from .config import VertexConf

State = v1.JobState
ENDED = frozenset(
    {
        State.JOB_STATE_SUCCEEDED,
        State.JOB_STATE_FAILED,
        State.JOB_STATE_CANCELLED,
        State.JOB_STATE_EXPIRED,
        State.JOB_STATE_PARTIALLY_SUCCEEDED,
    }
)
TIMEOUT = 60.0  # seconds for one call
# The request may have been carried out all the same.
UNCLEAR = (
    api.ServerError,
    api.Aborted,
    api.Cancelled,
    api.RetryError,
    auth.TransportError,
    RequestException,
    ConnectionError,
)
_SAID = 300  # characters of Google's words
_PROGRAM = re.compile(r"exited with a non-zero status of (\d+)")
_PLATFORM = re.compile(r"resources are insufficient|stock.?out|internal error|quota", re.I)
# google.rpc.Code: RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE
_PLATFORM_CODES = frozenset({8, 13, 14})
Answer = TypeVar("Answer")


class TryLaterError(Exception):
    """A job was not created now, or not surely; `refused` where it surely was not."""

    def __init__(self, reason: str, refused: bool) -> None:
        super().__init__(reason)
        self.refused = refused


@dataclass(frozen=True)
class Pace:
    """Seconds between looks and tries."""

    poll: float
    first_pause: float  # before a second try; it doubles up to the longest
    longest_pause: float
    first_answer: float  # for reads before the first answer: the place may not be one
    patience: float  # for reads that get no answer later
    late_text: float  # for the text of an error, which comes after the state

    @classmethod
    def of(cls, conf: VertexConf) -> "Pace":
        """Google's service asks for patience, a stand-in on this machine for none."""
        poll = conf.poll_s
        if conf.endpoint and on_this_machine(conf.endpoint):
            return cls(poll or 0.1, 0.1, 0.5, 20.0, 20.0, 20.0)
        return cls(poll or 20.0, 5.0, 300.0, 60.0, 600.0, 120.0)

    def pause(self, tries: int) -> float:
        """Before the next try after so many."""
        return float(min(self.first_pause * 2 ** (tries - 1), self.longest_pause))


def on_this_machine(endpoint: str) -> bool:
    """Whether an address, with or without http://, is of loopback."""
    address = endpoint if "://" in endpoint else f"//{endpoint}"
    return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")


def said(error: BaseException) -> str:
    """Google's words on one line."""
    return " ".join(str(getattr(error, "message", "") or error).split())[:_SAID]


def attempt_of(job: v1.CustomJob) -> int:
    """The number that the job's label gives."""
    return int(job.labels.get(ATTEMPT, "1"))


def is_transient(job: v1.CustomJob) -> bool:
    """Whether a failed job failed by the platform and not by its program."""
    text = job.error.message
    if _PROGRAM.search(text):
        return False
    return job.error.code in _PLATFORM_CODES or _PLATFORM.search(text) is not None


class Service:
    """JobService at one place; raises `UserError` for what asking again can't mend."""

    def __init__(self, conf: VertexConf, pace: Pace, say: Callable[[str], None]) -> None:
        """`say` takes a line for the user."""
        self._pace, self._say, self._answered = pace, say, False
        self._parent = f"projects/{conf.project}/locations/{conf.region}"
        self._where = f"project {conf.project}, region {conf.region}"
        self._client = self._explained(lambda: make_client(conf))

    def find(self, key: str) -> list[v1.CustomJob]:
        """The attempts of a job, the first first."""
        request = {"parent": self._parent, "filter": f'labels.{KEY}="{key}"'}
        retry = self._again()
        jobs = self._explained(
            lambda: list(
                self._client.list_custom_jobs(request=request, retry=retry, timeout=TIMEOUT)
            )
        )
        self._answered = True
        return sorted(jobs, key=attempt_of)

    def get(self, name: str) -> v1.CustomJob:
        """The job as it is now."""
        retry = self._again()
        return self._explained(
            lambda: self._client.get_custom_job(name=name, retry=retry, timeout=TIMEOUT)
        )

    def create(self, job: v1.CustomJob) -> v1.CustomJob:
        """Asks once, for a request has no identity of its own.  Raises `TryLaterError`."""
        try:
            return self._client.create_custom_job(
                parent=self._parent, custom_job=job, retry=None, timeout=TIMEOUT
            )
        except api.TooManyRequests as error:
            raise TryLaterError(f"refused for now ({said(error)})", refused=True) from error
        except UNCLEAR as error:
            raise TryLaterError(f"no clear answer ({said(error)})", refused=False) from error
        except (api.GoogleAPICallError, auth.GoogleAuthError) as error:
            raise self._hopeless(error) from error

    def cancel(self, name: str) -> None:
        """Asks for the end of a job; that it has ended is no error."""
        try:
            self._client.cancel_custom_job(name=name, retry=self._again(), timeout=TIMEOUT)
        except (api.FailedPrecondition, api.NotFound):
            return
        except api.BadRequest as error:  # what REST makes of FAILED_PRECONDITION
            if "terminal" not in said(error) and "state" not in said(error).lower():
                raise self._hopeless(error) from error

    def _again(self) -> Retry:
        """Repeats a call that may be repeated; the user hears of it at the second failure."""
        pace = self._pace
        seconds = pace.patience if self._answered else pace.first_answer
        failures = count(1)

        def tell(error: Exception) -> None:
            if next(failures) == 2:
                self._say(
                    f"no answer from Vertex AI ({said(error)}): tries go on for {seconds:.0f} s"
                )

        return Retry(
            if_exception_type(*UNCLEAR, api.TooManyRequests),
            initial=pace.first_pause,
            maximum=min(pace.longest_pause, 30.0),
            timeout=seconds,
            on_error=tell,
        )

    def _explained(self, call: Callable[[], Answer]) -> Answer:
        try:
            return call()
        except (api.GoogleAPIError, auth.GoogleAuthError, RequestException) as error:
            raise self._hopeless(error) from error

    def _hopeless(self, error: Exception) -> UserError:
        """One sentence with advice."""
        if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
            error = error.cause
        if isinstance(error, auth.DefaultCredentialsError):
            return UserError(f"no credentials for Google Cloud ({said(error)}): {LOG_IN}")
        if isinstance(error, auth.RefreshError):  # what it says may hold what was sent
            return UserError(f"Google does not accept the credentials: {LOG_IN} again")
        if isinstance(error, api.PermissionDenied | api.Forbidden | api.Unauthorized):
            advice = "check the project and the roles of your account"
        elif isinstance(error, (*UNCLEAR, api.TooManyRequests)) and not self._answered:
            advice = "check the network and hydra.launcher.region"
        elif isinstance(error, (*UNCLEAR, api.TooManyRequests)):
            advice = "jobs under way go on; give the same command again to attach to them"
        elif isinstance(error, api.NotFound):
            advice = "check hydra.launcher.project and region, and that the service is enabled"
        else:
            advice = "check hydra.launcher and hardware.machine_type"
        name = type(error).__name__
        return UserError(f"Vertex AI ({self._where}): {name}: {said(error)}: {advice}")


def make_client(conf: VertexConf) -> Any:
    """REST without an account for http://…; else gRPC with the user's credentials."""
    endpoint = conf.endpoint or f"{conf.region}-aiplatform.googleapis.com"
    options = {"api_endpoint": endpoint}
    if endpoint.startswith("http://"):
        return v1.JobServiceClient(
            transport="rest", credentials=AnonymousCredentials(), client_options=options
        )
    return v1.JobServiceClient(client_options=options)
