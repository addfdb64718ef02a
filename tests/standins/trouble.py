"""What goes wrong on demand: calls that fail, and data centres without room."""

import threading
from dataclasses import dataclass, field

QUOTA_MODES = ("queue", "refuse", "fail")


@dataclass
class Fault:
    """A failure of the next calls of a method."""

    method: str  # "*" for every one
    code: str  # a name of google.rpc.Code, "LOST" or "DROPPED"
    times: int
    message: str


class Faults:
    """The failures that are still to come."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, method: str, code: str, times: int = 1, message: str = "") -> None:
        """Fail the next `times` calls of the method."""
        with self._lock:
            self._pending.append(Fault(method, code, times, message or f"injected: {code}"))

    def take(self, method: str) -> Fault | None:
        """The failure of this call, which is then used up."""
        with self._lock:
            for fault in self._pending:
                if fault.times > 0 and fault.method in (method, "*"):
                    fault.times -= 1
                    return fault
        return None


@dataclass
class Trouble:
    """What the data centre does to jobs."""

    quota: dict[str, int] = field(default_factory=dict)  # accelerator: how many at once
    quota_mode: str = "queue"  # beyond it: wait, 429 at create, or FAILED with code 8
    stock_outs: int = 0  # this many jobs find no machine
    late_errors: float = 0.0  # seconds from FAILED to the text of the error
    grace: float = 10.0  # seconds from SIGTERM to SIGKILL
