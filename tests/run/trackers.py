"""Trackers that make a run fail or stop at a defined epoch, for the options beside this file."""

import atexit
import os
import signal
import sys
from pathlib import Path


class Stop:
    """Sends a signal to its own process when an epoch ends: no test has to wait for a moment."""

    def __init__(self, name, epoch):
        self._number, self._epoch = signal.Signals[name], epoch

    def begin(self, session):
        pass

    def log(self, row):
        if row["epoch"] == self._epoch:
            os.kill(os.getpid(), self._number)

    def finish(self, result):
        pass


class Broken:
    """A defect of the program, as far as a sweep can tell."""

    def begin(self, session):
        pass

    def log(self, row):
        raise RuntimeError("a defect")

    def finish(self, result):
        pass


class Threads:
    """Says which threads its process, each of several, has left when it ends."""

    def __init__(self):
        atexit.register(self._say)

    def _say(self):
        names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
        sys.stderr.write(f"threads at the end: {sorted(names)}\n")

    def begin(self, session):
        pass

    def log(self, row):
        pass

    def finish(self, result):
        pass
