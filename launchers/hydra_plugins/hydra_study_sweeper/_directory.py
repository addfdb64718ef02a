"""The directory of a study: what is finished in it, what can go on, and what it says of itself."""

import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zeta_exp.errors import UserError
from zeta_exp.files import write_atomically
from zeta_exp.revision import PACKAGE, code_commit, git

from ._plan import Run
from .config import OtherCode

STUDY = "study.json"
LOCK = "study.lock"
CONFIG, RESULT = "config.yaml", "result.json"
CHECKPOINT = "checkpoint/state.safetensors"
COMPLETED = "completed"
Result = dict[str, Any]


class Directory:
    """What the runs of a study have left behind; `path` is hydra.sweep.dir."""

    def __init__(self, path: Path, other_code: OtherCode) -> None:
        self.path = path
        self._other_code = other_code
        self._code = Code()
        before = _json(path / STUDY) or {}
        self._name_before, self._commit_before = before.get("name"), before.get("git")

    @contextmanager
    def claimed(self, name: str) -> Iterator[None]:
        """One sweeper at a time, of one study."""
        if self._name_before not in (None, name):
            raise UserError(
                f"{self.path} holds the study {self._name_before}: give {name} another "
                "hydra.sweep.dir"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / LOCK).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"another sweeper is at work in {self.path}: wait for it, interrupt it, or "
                    "give another hydra.sweep.dir"
                ) from None
            yield

    def result(self, run: Run) -> Result | None:
        """result.json of a run that has completed; None for any other."""
        result = _json(self.path / run.directory / RESULT)
        whole = result is not None and result.get("status") == COMPLETED
        return result if whole and result and result.get("config_sha256") == run.digest else None

    def reason(self, run: Run) -> str:
        """Why a run has not completed."""
        result = _json(self.path / run.directory / RESULT) or {}
        return f"{result.get('status', 'nothing written')}: {result.get('reason', 'see run.log')}"

    def unfinished(self, runs: Iterable[Run]) -> list[Run]:
        """Those that have not completed, with the code of now.

        Raises `UserError` where others have completed with another code and nothing says what to
        do about it.
        """
        results = {run: self.result(run) for run in runs}
        other = [run for run, result in results.items() if result and self._of_other_code(result)]
        if other and self._other_code is OtherCode.refuse:
            theirs = _commit(results[other[0]] or {})
            raise UserError(
                f"{len(other)} finished runs of {self.path} are of commit {str(theirs)[:10]} and "
                f"the code is {str(self._code.commit)[:10]} now: check that one out, or give "
                "hydra.sweeper.other_code=rerun (keep would mix them)"
            )
        if self._other_code is OtherCode.keep:
            other = []
        return [run for run, result in results.items() if result is None or run in other]

    def prepare(self, run: Run) -> Path | None:
        """The directory of a run that goes on from its checkpoint; None for one that begins anew.

        What is left of the latter is removed.
        """
        directory = self.path / run.directory
        if not (directory / CONFIG).exists():
            return None
        result = _json(directory / RESULT)
        commit = _commit(result) if result and _commit(result) else self._commit_before
        same = self._other_code is OtherCode.keep or self._code.equals(commit)
        finished = result is not None and result.get("status") == COMPLETED
        if same and not finished and (directory / CHECKPOINT).is_file():
            return directory
        shutil.rmtree(directory)
        return None

    def write(self, study: Mapping[str, Any]) -> None:
        """study.json, whole or as it was before."""
        text = json.dumps({**study, "git": self._code.commit}, indent=1)
        write_atomically(self.path / STUDY, text.encode() + b"\n")

    def _of_other_code(self, result: Result) -> bool:
        return not self._code.equals(_commit(result))


class Code:
    """The commit of zeta_exp, and whether another one has the same code."""

    def __init__(self) -> None:
        self.commit = code_commit()
        self._equal: dict[str, bool] = {}

    def equals(self, commit: str | None) -> bool:
        """Also where only other files have changed; where a commit is unknown, nothing can."""
        if commit is None or self.commit is None or commit == self.commit:
            return True
        if commit not in self._equal:
            span = (commit, self.commit, "--", str(PACKAGE))
            self._equal[commit] = git("diff", "--quiet", *span) is not None
        return self._equal[commit]


def _commit(result: Result) -> str | None:
    return (result.get("provenance") or {}).get("git")


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
