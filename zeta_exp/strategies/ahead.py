"""An iterator that works ahead of who reads it, in a thread of its own."""

import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

import torch

Item = TypeVar("Item")


class _End:
    """Follows the last item; carries what the iterator raised, if it did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Worker(Generic[Item]):
    """Runs an iterator in a thread, at most `depth` items ahead of the reader."""

    def __init__(self, items: Iterator[Item], depth: int) -> None:
        self._items = items
        self._room = threading.Semaphore(depth)
        self._made: SimpleQueue[Item | _End] = SimpleQueue()
        self._stopping = False
        # a daemon: an abandoned worker must not keep a process that ends
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    def take(self) -> Item | _End:
        """The next item, waited for."""
        item = self._made.get()
        self._room.release()
        return item

    def stop(self) -> None:
        """Ends the thread, after the item it is making at most."""
        self._stopping = True
        self._room.release()
        # a reader may be dropped by a collection in its own worker, or when all threads are frozen
        if not sys.is_finalizing() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        # a thread takes torch's number of threads when it is first read; until then MKL's cos and
        # sin start a team of threads of their own, 9 ms instead of .01 on a busy machine
        torch.get_num_threads()
        error = None
        try:
            self._make()
        except BaseException as raised:  # the reader raises it, whatever it is
            error = raised
        self._made.put(_End(error))

    def _make(self) -> None:
        try:
            while True:
                self._room.acquire()
                if self._stopping:
                    return
                try:
                    item = next(self._items)
                except StopIteration:
                    return
                self._made.put(item)
                del item  # waiting for room, it would keep one more than `depth` alive
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:  # a generator: its clean-up belongs to the thread that ran it
                close()


def ahead(items: Iterator[Item], depth: int) -> Iterator[Item]:
    """The same items in the same order, made in one worker thread up to `depth` ≥ 1 ahead.

    The thread starts with the first item asked for.  It ends with the items, or when this
    generator is closed or dropped; what `items` raises is raised here, in its place.
    """
    if depth < 1:
        raise ValueError(f"depth={depth}: nothing can be made ahead in no room")
    return _read(items, depth)


def _read(items: Iterator[Item], depth: int) -> Iterator[Item]:
    worker = _Worker(items, depth)
    try:
        while True:
            taken = worker.take()
            if isinstance(taken, _End):
                if taken.error is not None:
                    raise taken.error
                return
            yield taken
            del taken
    finally:
        worker.stop()
