"""The contract of a tracker, and the one that does nothing."""

from collections.abc import Mapping
from typing import Any, Protocol


class Tracker(Protocol):
    """A sink for what a run measures."""

    def log(self, row: Mapping[str, float]) -> None:
        """One epoch's row of metrics.csv."""
        ...

    def finish(self, result: Mapping[str, Any]) -> None:
        """The content of result.json."""
        ...


class NoTracker:
    """Keeps nothing: the run directory has it all."""

    def log(self, row: Mapping[str, float]) -> None:
        """Nothing."""

    def finish(self, result: Mapping[str, Any]) -> None:
        """Nothing."""
