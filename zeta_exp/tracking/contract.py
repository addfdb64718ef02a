"""What a run asks of its tracker, and a tracker of the services it mirrors the run to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Parameter = str | int | float


@dataclass(frozen=True)
class Session:
    """A run as a service sees it; a run that is resumed is the same session."""

    identity: str  # a name of its own: lower-case letters, digits and hyphens
    directory: Path
    parameters: Mapping[str, Parameter]  # the flat config


class Tracker(Protocol):
    """Is told what a run does, in its first process only.

    It is made in every process, before anything is known to be right: making it does nothing.
    """

    def begin(self, session: Session) -> None:
        """The run begins, or goes on."""
        ...

    def log(self, row: Mapping[str, float]) -> None:
        """One epoch's row of metrics.csv."""
        ...

    def finish(self, result: Mapping[str, Any]) -> None:
        """How the run ended: the content of result.json; only "status" where that has none."""
        ...


class Sink(Protocol):
    """A service that keeps what is measured.  Every call may fail, take long and be repeated."""

    def open(self, session: Session) -> None:
        """Finds the run there or makes it, and gives it its parameters."""
        ...

    def send(self, rows: Sequence[Mapping[str, float]]) -> None:
        """The rows of one or more epochs, in order."""
        ...

    def close(self, result: Mapping[str, Any]) -> None:
        """How the run ended, as `Tracker.finish` is told it."""
        ...
