"""What a run shows while it works and when it is done."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Screen:
    """Lines, a progress bar where someone is watching, and the result at the end."""

    def __init__(
        self, run: Path, say: Callable[[str], None], console: Console | None = None
    ) -> None:
        self._run = run
        self.say = say  # takes a line; also what writes run.log
        self._console = console or Console()
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f}%"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[errors]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=None, errors="", visible=False)

    def __enter__(self) -> "Screen":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def advance(self, updates: int, total: int, row: Mapping[str, float] | None) -> None:
        """Moves the bar: updates made, their total and, after an epoch, its row of metrics."""
        self._bar.update(self._task, total=total, visible=True)
        if row is None:
            self._bar.advance(self._task, updates)
            return
        rate = row["node_visits"] / max(row["wall_s"], 1e-9)
        self._bar.update(
            self._task,
            completed=row["updates"],
            errors=f"validation {row['val_rmse']:.4f}  next 100 {row['extrapolation_error']:.4f}  "
            f"{rate:,.0f} nodes/s",
        )

    def show(self, result: Mapping[str, Any]) -> None:
        """The plots, the tables and what to try next."""
        from zeta_exp.report.plots import write_plots
        from zeta_exp.report.table import print_result

        self._bar.stop()
        write_plots(self._run)
        print_result(result, self._run, self._console)
