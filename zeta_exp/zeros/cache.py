"""A bounded cache of runs of zeros, shared by threads."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

RUN = 1 << 16  # ordinals of an aligned run: [k·RUN + 1, (k+1)·RUN + 1)
CAPACITY = 40  # runs that a source keeps: 20 MiB of residuals; training goes through 16 at a time

Value = TypeVar("Value")


def first_of_run(n: int) -> int:
    """The first ordinal of the aligned run that holds n."""
    return (n - 1) // RUN * RUN + 1


def aligned_pieces(start: int, stop: int) -> list[tuple[int, int]]:
    """[start, stop) cut where aligned runs begin: half-open ranges of ordinals, ascending."""
    pieces = []
    while start < stop:
        end = min(stop, first_of_run(start) + RUN)
        pieces.append((start, end))
        start = end
    return pieces


class RunCache(Generic[Value]):
    """The values of `compute(key)`, each computed once; the least recently used are dropped.

    Threads that ask for the same key wait for one computation, those with other keys run on.
    """

    def __init__(self, compute: Callable[[int], Value], capacity: int) -> None:
        self._compute = compute
        self._capacity = capacity
        self._futures: OrderedDict[int, Future[Value]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._futures)

    def __call__(self, key: int) -> Value:
        """The value of `key`; raises what `compute` raises, and forgets the failure."""
        with self._lock:
            future = self._futures.get(key)
            first = future is None
            if future is None:
                future = self._futures[key] = Future()
                if len(self._futures) > self._capacity:
                    self._futures.popitem(last=False)
            self._futures.move_to_end(key)
        if first:
            try:
                future.set_result(self._compute(key))
            except BaseException as error:
                with self._lock:
                    self._futures.pop(key, None)
                future.set_exception(error)
        return future.result()
