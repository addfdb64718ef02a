"""The screen of a process whose run another one shows."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any


class Silence(AbstractContextManager["Silence"]):
    """What `Screen` is, and nothing is seen of it."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing was begun."""

    def say(self, line: str) -> None:
        """Nothing."""

    def advance(self, updates: int, total: int, row: Mapping[str, float] | None) -> None:
        """Nothing."""

    def show(self, result: Mapping[str, Any]) -> None:
        """Nothing."""
