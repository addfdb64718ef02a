"""How the work goes: a bar where someone is watching, else a line for each shard, on stderr."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from zeta_exp.zeros.shards import Shard


class Watch:
    """Shows zeros done, zeros a second and the time left."""

    def __init__(self, doing: str, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar = Progress(
            TextColumn(doing),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(doing, total=None, state="")
        self._begun = time.monotonic()
        self._total: int | None = None
        self._kept = 0  # of an earlier call
        self._found = 0  # in this one

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    @property
    def rate(self) -> float:
        """Zeros a second since the beginning."""
        return self._found / max(time.monotonic() - self._begun, 1e-9)

    def _state(self) -> str:
        total = "" if self._total is None else f" of {self._total:,}"
        return f"{self._kept + self._found:,}{total} zeros, {self.rate:,.0f} zeros/s"

    def _left(self) -> str:
        """Minutes and seconds until the end."""
        missing = (self._total or 0) - self._kept - self._found
        minutes, seconds = divmod(round(missing / max(self.rate, 1e-9)), 60)
        return f"{minutes}:{seconds:02d} left"

    def begin(self, zeros: int | None, kept: int = 0) -> None:
        """So many zeros are to be done, None where nobody knows; so many are done already."""
        self._begun, self._total, self._kept = time.monotonic(), zeros, kept
        self._bar.update(self._task, total=zeros, completed=kept)

    def advance(self, zeros: int) -> None:
        """So many more are done."""
        self._found += zeros
        self._bar.update(self._task, advance=zeros, state=self._state())

    def wrote(self, shard: Shard) -> None:
        """A shard is on the disk."""
        if not self._console.is_terminal:
            self.say(f"{shard.file}: {self._state()}, {self._left()}")

    def say(self, line: str) -> None:
        """A line on stderr."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
