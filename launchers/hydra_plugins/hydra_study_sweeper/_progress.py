"""What the user sees of a study: runs done, of how many, and the time left."""

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

PACE = 2.0  # seconds between looks at the results
QUIET = 60.0  # seconds between lines where there is no terminal


@dataclass(frozen=True)
class Work:
    """What a run costs beside others."""

    arm: str
    share: float  # of the budget of a confirmatory run


@dataclass
class Costs:
    """Seconds of a run of the whole budget, by arm, of the runs that were timed."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, work: Work, seconds: float) -> None:
        """A run was done in that time."""
        self.seconds.setdefault(work.arm, []).append(seconds / work.share)

    def of(self, left: Sequence[Work]) -> float | None:
        """Seconds that these runs take one after another; None before any was timed."""
        means = {arm: sum(found) / len(found) for arm, found in self.seconds.items()}
        if not means:
            return None
        usual = sum(means.values()) / len(means)
        return sum(work.share * means.get(work.arm, usual) for work in left)


def spoken(seconds: float) -> str:
    """A duration in words that suit it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


class Progress:
    """Looks at what is done in a thread of its own, while a launcher is at work on a batch."""

    def __init__(
        self,
        done: int,
        batch: Mapping[str, Work],
        later: Sequence[Work],
        seconds_of: Callable[[str], float | None],
        costs: Costs,
    ) -> None:
        """Begins with `done` runs of the study; `later`: those of the batches to come.

        seconds_of: what a run of the batch took, None for one that is not done.
        """
        self._done, self._batch, self._later = done, batch, later
        self._seconds_of, self._costs = seconds_of, costs
        self._left = set(batch)
        self._worked = 0.0
        self._ended = threading.Event()
        self._begun = self._said = time.monotonic()
        self._live = sys.stderr.isatty()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._look()
        self._say("\n")

    def _watch(self) -> None:
        while not self._ended.wait(PACE):
            self._look()
            if self._live:
                self._say("")
            elif time.monotonic() - self._said > QUIET:
                self._say("\n")

    def _look(self) -> None:
        for run in sorted(self._left):
            seconds = self._seconds_of(run)
            if seconds is not None:
                self._left.discard(run)
                self._costs.add(self._batch[run], seconds)
                self._worked += seconds

    def _say(self, end: str) -> None:
        self._said = time.monotonic()
        done = self._done + len(self._batch) - len(self._left)
        total = self._done + len(self._batch) + len(self._later)
        line = f"{done} of {total} runs"
        pace = self._worked / (self._said - self._begun)  # seconds of runs that are done in one
        left = self._costs.of([*(self._batch[run] for run in self._left), *self._later])
        if left and pace > 0:
            line += f", {spoken(left / pace)} left"
        start = "\r\033[K" if self._live else ""
        print(f"{start}{line}", end=end, file=sys.stderr, flush=True)
