"""What jobs leave in the bucket, and the copy of it in the local directory of the sweep."""

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions as api
from google.auth import exceptions as auth
from requests.exceptions import RequestException

from zeta_exp.errors import UserError
from zeta_exp.files import write_atomically

from ._identity import output_prefix
from ._mirror import CONFIG, LOG, METRICS, RESULT, Folder, said
from ._plan import Job

TAIL = 15  # lines of a failed job's log
COMPLETED = "completed"


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    status: str  # completed | failed | refused | interrupted
    reason: str | None  # of what is not completed
    attempt: int
    name: str | None  # of the custom job, None where none could be made
    cost: float | None  # USD, of all attempts; None for want of a price

    @property
    def completed(self) -> bool:
        """Whether there is a result."""
        return self.status == COMPLETED


class Results:
    """The files of jobs by key and attempt."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        try:
            self._folder = Folder(f"{bucket.rstrip('/')}/runs")
        except auth.GoogleAuthError as error:
            raise self._out_of_reach(error) from error

    def read(self, key: str, attempt: int, name: str) -> bytes | None:
        """A file of an attempt; None where there is none.  Raises `UserError`."""
        try:
            return self._folder.read(f"{key}/{attempt}/{name}")
        except api.NotFound:  # gone between two calls
            return None
        except (api.GoogleAPIError, auth.GoogleAuthError, RequestException) as error:
            raise self._out_of_reach(error) from error

    def result(self, key: str, attempt: int) -> dict[str, Any] | None:
        """result.json of this very attempt; None where there is none or it is another's."""
        content = self.read(key, attempt, RESULT)
        try:
            result = json.loads(content) if content is not None else None
        except ValueError:
            return None
        job = result.get("job") if isinstance(result, dict) else None
        mine = isinstance(job, dict) and (job.get("key"), job.get("attempt")) == (key, attempt)
        return result if mine else None

    def last_metric(self, key: str, attempt: int) -> str:
        """The newest row of metrics.csv in short; empty where there is none."""
        content = self.read(key, attempt, METRICS)
        text = (content or b"").decode(errors="replace")
        rows = [row for row in csv.DictReader(io.StringIO(text)) if all(row.values())]
        if not rows or "val_rmse" not in rows[-1]:
            return ""
        return f"epoch {rows[-1].get('epoch')}: val_rmse {float(rows[-1]['val_rmse']):.4g}"

    def log_tail(self, key: str, attempt: int) -> list[str]:
        """The last lines of run.log."""
        content = self.read(key, attempt, LOG)
        return (content or b"").decode(errors="replace").splitlines()[-TAIL:]

    def collect(self, job: Job, outcome: Outcome) -> float:
        """Brings the files of a job to its local directory; returns the objective, or NaN.

        result.json comes last, with what the job has cost, and tells how it ended in any case.
        """
        job.directory.mkdir(parents=True, exist_ok=True)
        found = self.result(job.key, outcome.attempt) if outcome.name else None
        for name in (CONFIG, METRICS, LOG):
            content = self.read(job.key, outcome.attempt, name) if outcome.name else None
            if content is not None:
                write_atomically(job.directory / name, content)
            else:
                (job.directory / name).unlink(missing_ok=True)  # an earlier attempt's
        about = {
            "key": job.key,
            "attempt": outcome.attempt,
            "name": outcome.name,
            "output": output_prefix(self._bucket, job.key, outcome.attempt),
        }
        cost = None if outcome.cost is None else round(outcome.cost, 6)
        result = (found or {}) | {"status": outcome.status, "cost_usd": cost}
        if not outcome.completed:
            result["reason"] = outcome.reason
        result["job"] = result.get("job", {}) | about
        text = json.dumps(result, indent=2)
        write_atomically(job.directory / RESULT, text.encode() + b"\n")
        value = result.get("return_value") if outcome.completed else None
        return float(value) if isinstance(value, int | float) else math.nan

    def _out_of_reach(self, error: Exception) -> UserError:
        return UserError(
            f"hydra.launcher.bucket={self._bucket} can't be read ({said(error)}): check its name "
            "and your permissions; jobs under way go on"
        )
