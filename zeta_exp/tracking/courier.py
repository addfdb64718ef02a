"""Deliveries to a service that may fail or be slow, from a thread that the run never waits for."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zeta_exp.tracking.contract import Session, Sink

_SAID = 300  # characters of another library's error


@dataclass(frozen=True)
class Patience:
    """Seconds that a service gets."""

    stalled: float = 20.0  # for one delivery, before it counts as unanswered
    pause: float = 30.0  # after a failure, before the next attempt
    completed: float = 120.0  # at the end of a run, for what is still to be delivered
    cut_short: float = 5.0  # the same for a run that was told to stop: its machine may be taken


class Courier:
    """Takes the rows of a run to one sink, in order, many at once where the sink is slow.

    After a failure it opens the sink anew and delivers what is left; the user is told the first
    time only.  name: what the user calls the sink; warn: takes a line for the user.
    """

    def __init__(
        self, name: str, sink: Sink, warn: Callable[[str], None], patience: Patience
    ) -> None:
        self._name, self._sink, self._warn, self._patience = name, sink, warn, patience
        self._changed = threading.Condition()  # guards what follows
        self._rows: list[Mapping[str, float]] = []
        self._result: Mapping[str, Any] | None = None
        self._since: float | None = None  # when the delivery under way began
        self._ended = False
        self._warned = False

    def begin(self, session: Session) -> None:
        """Starts the thread; a daemon, so that a service which never answers holds up no exit."""
        name = f"tracking-{self._name}"
        threading.Thread(target=self._work, args=(session,), name=name, daemon=True).start()

    def add(self, row: Mapping[str, float]) -> None:
        """Another row to deliver."""
        with self._changed:
            self._rows.append(dict(row))
            self._changed.notify_all()
        if self._is_stalled():
            self._tell("does not answer")

    def finish(self, result: Mapping[str, Any]) -> None:
        """The last delivery; returns when it has come to an end, or is not worth waiting for."""
        whole = result.get("status") == "completed"
        seconds = self._patience.completed if whole else self._patience.cut_short
        deadline = time.monotonic() + seconds
        with self._changed:
            self._result = result
            self._changed.notify_all()
            while not self._ended and time.monotonic() < deadline and not self._is_stalled():
                self._changed.wait(0.1)
            late = not self._ended
        if late:
            self._tell("does not answer")

    def _is_stalled(self) -> bool:
        since = self._since
        return since is not None and time.monotonic() - since > self._patience.stalled

    def _tell(self, what: str) -> None:
        with self._changed:
            first, self._warned = not self._warned, True
        if first:
            self._warn(
                f"tracking={self._name} {what}: the run goes on, and all that is missing there is "
                "in the run directory"
            )

    def _work(self, session: Session) -> None:
        """Deliveries until the end of the run was delivered, or could not be."""
        opened = False
        while True:
            last = self._result is not None
            try:
                last = self._timed(self._deliver, None if opened else session)
                opened = True
            except Exception as error:  # of any library: none may stop the run
                opened = False
                said = " ".join(str(error).split())[:_SAID]
                self._tell(f"has failed ({type(error).__name__}: {said})")
                self._wait(lambda: self._result is not None, self._patience.pause)
            with self._changed:
                if last:  # delivered, or failed at the last attempt
                    self._ended = True
                    self._changed.notify_all()
                    return
            if opened:
                self._wait(lambda: bool(self._rows) or self._result is not None, None)

    def _wait(self, until: Callable[[], bool], seconds: float | None) -> None:
        with self._changed:
            self._changed.wait_for(until, seconds)

    def _timed(self, deliver: Callable[[Session | None], bool], session: Session | None) -> bool:
        self._since = time.monotonic()
        try:
            return deliver(session)
        finally:
            self._since = None

    def _deliver(self, session: Session | None) -> bool:
        """What has gathered, after opening the sink where a session is given; was it the last?"""
        if session is not None:
            self._sink.open(session)
        with self._changed:
            rows, result = self._rows[:], self._result
        if rows:
            self._sink.send(rows)
            with self._changed:
                del self._rows[: len(rows)]
        if result is not None:
            self._sink.close(result)
        return result is not None
