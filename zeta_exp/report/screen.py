"""What a run shows while it works and when it is done."""

import io
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from zeta_exp import garbage

if TYPE_CHECKING:
    from zeta_exp.plan import Plan

WIDTH = 80  # columns of what is kept


class Screen:
    """The plan, lines, a bar where someone is watching, and the result at the end.

    say: takes a line, shows it and keeps it in run.log; keep: takes what is shown in another form,
    for run.log alone.
    """

    def __init__(
        self,
        run: Path,
        say: Callable[[str], None],
        keep: Callable[[str], None],
        console: Console | None = None,
    ) -> None:
        self._run, self.say, self._keep = run, say, keep
        self._console = console or Console()
        self._bar = _Bar(self._console)
        self._streams: list[tuple[logging.StreamHandler[Any], Any]] = []

    def __enter__(self) -> "Screen":
        self._bar.start()
        if self._console.is_terminal:  # lines of the log go above the bar, not through it
            handlers = (h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler)
            self._streams = [(h, h.setStream(sys.stdout)) for h in handlers]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        for handler, stream in self._streams:
            if stream is not None:
                handler.setStream(stream)

    def begin(self, plan: "Plan") -> None:
        """What the run will do."""
        self._bar.prepare(plan.terms)
        if not self._console.is_terminal:
            for line in plan.text():
                self.say(line)
            return
        for line in plan.text():
            self._keep(line)
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="cyan", no_wrap=True)
        grid.add_column(overflow="fold")
        for label, words in plan.lines.items():
            grid.add_row(label, Text(words))
        self._console.print(Text(plan.title, style="bold"))
        self._console.print(Padding(grid, (0, 0, 1, 2)), highlight=False)

    def advance(self, updates: int, total: int, row: Mapping[str, float] | None) -> None:
        """Moves the bar: updates made, their total and, after an epoch, its row of metrics."""
        self._bar.move(updates, total, row)

    def show(self, result: Mapping[str, Any]) -> None:
        """The plots, the tables and what to try next."""
        from zeta_exp.report.table import print_result

        self._bar.stop()
        with garbage.paused():
            from zeta_exp.report.plots import write_plots

            write_plots(self._run)
        print_result(result, self._run, self._print)

    def _print(self, what: RenderableType) -> None:
        """Shows it, and keeps it as a terminal of 80 columns would show it."""
        # paths and commands are for copying: never wrapped, never interpreted
        options: dict[str, Any] = {"soft_wrap": isinstance(what, Text), "highlight": False}
        self._console.print(what, **options)
        plain = Console(file=io.StringIO(), width=WIDTH)
        plain.print(what, **options)
        for line in plain.file.getvalue().splitlines():  # type: ignore[attr-defined]
            self._keep(line.rstrip())


class _Bar(Progress):
    """Updates, their rate and the time left; below, what the last epoch has measured."""

    def __init__(self, console: Console) -> None:
        self.terms: tuple[str, ...] = ()  # of the loss, those that train
        self._newest: list[str] = []
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[done]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[left]}", style="dim"),
            console=console,
            expand=True,
            transient=True,
            disable=not console.is_terminal,
        )
        # before the first update zeros are computed and code is compiled: no total is known
        self._whole = self.add_task(
            "preparing", total=None, done="", rate="", left="", visible=False
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, then a line each of the loss, its terms and the errors."""
        yield self.make_tasks_table(self.tasks)
        for line in self._newest:
            yield Text(line, no_wrap=True, overflow="ellipsis")

    def prepare(self, terms: tuple[str, ...]) -> None:
        """Something is going on, and nothing is known of how long it takes."""
        self.terms = terms
        self.update(self._whole, visible=True)

    def move(self, updates: int, total: int, row: Mapping[str, float] | None) -> None:
        """So many more updates, of so many; the newest epoch's row."""
        whole = self.tasks[self._whole]
        completed = whole.completed + updates if row is None else row["updates"]
        self.update(
            self._whole,
            description="training",
            left="left",
            total=total,
            completed=completed,
            done=f"{100 * completed / total:3.0f}% [dim]{completed:,.0f}/{total:,} updates",
            visible=True,
        )
        if row is None:
            return
        rate = row["node_visits"] / max(row["wall_s"], 1e-9)
        self.update(self._whole, rate=f"{rate:,.0f} zeros/s")
        terms = "  ".join(f"{name} {row[name]:.3g}" for name in self.terms)
        self._newest = [
            f"epoch {row['epoch']:,.0f}: training loss {row['train_loss']:.4g}",
            f"validation: {terms}",
            f"errors in mean spacings: validation {row['val_rmse']:.4f}, "
            f"next 100 zeros {row['extrapolation_error']:.4f}",
        ]
