"""What the user sees of a sweep: one live table, or plain lines where there is no terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

STYLES = {
    "completed": "green",
    "running": "cyan",
    "failed": "red",
    "refused": "red",
    "interrupted": "yellow",
}


@dataclass(frozen=True)
class Line:
    """One job of the sweep."""

    number: int
    overrides: str
    state: str
    minutes: float
    cost: float | None
    metric: str

    def plain(self) -> str:
        """The row as a sentence, without what changes all the time."""
        bill = "" if self.cost is None or not self.minutes else f", {self.cost:.2f} USD"
        metric = f", {self.metric}" if self.metric else ""
        return f"#{self.number} {self.state} ({self.overrides}){bill}{metric}"


class Progress:
    """Shows the jobs for as long as it is open; lines for the user go above the table."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._shown: dict[int, str] = {}
        self._lines: Sequence[Line] = ()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()
            if self._lines:
                self._console.print(_table(self._lines))

    def say(self, text: str) -> None:
        """A line for the user."""
        self._console.print(Text(text), soft_wrap=True)

    def show(self, lines: Sequence[Line]) -> None:
        """The state of all jobs; where there is no terminal, of those whose state has changed."""
        self._lines = lines
        if self._console.is_terminal:
            self._live.update(_table(lines), refresh=True)
            return
        for line in lines:
            if self._shown.get(line.number) != line.state:
                self._shown[line.number] = line.state
                self.say(line.plain())


def _table(lines: Sequence[Line]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("#", "minutes", "USD"):
        table.add_column(name, justify="right")
    for name in ("state", "last metric", "overrides"):
        table.add_column(name, overflow="fold" if name == "overrides" else "ellipsis")
    for line in lines:
        cost = "" if line.cost is None else f"{line.cost:.2f}"
        state = Text(line.state, style=STYLES.get(line.state, ""))
        table.add_row(
            str(line.number),
            f"{line.minutes:.1f}",
            cost,
            state,
            Text(line.metric),
            Text(line.overrides),
        )
    return table
