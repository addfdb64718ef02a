"""The screen of a run that is not to be seen: another process, or a study, shows what there is."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zeta_exp.plan import Plan


class Silence(AbstractContextManager["Silence"]):
    """What `Screen` is, and nothing is seen of it; `say` takes the lines, where someone does."""

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self._say = say

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing was begun."""

    def begin(self, plan: "Plan") -> None:
        """The plan, line by line, for who takes lines."""
        for line in plan.text():
            self.say(line)

    def say(self, line: str) -> None:
        """A line for who takes it."""
        if self._say is not None:
            self._say(line)

    def advance(self, updates: int, total: int, row: Mapping[str, float] | None) -> None:
        """Nothing."""

    def show(self, result: Mapping[str, Any]) -> None:
        """Nothing."""
