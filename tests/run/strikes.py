"""A tracker that ends a run of several processes at a defined epoch."""

import os
import signal

import psutil


class Strike:
    """Sends a signal to the process that tracks, to another of its run, or to torchrun."""

    def __init__(self, name, epoch, whom):
        self._number, self._epoch, self._whom = signal.Signals[name], epoch, whom

    def begin(self, session):
        pass

    def log(self, row):
        if row["epoch"] == self._epoch:
            os.kill(self._target(), self._number)

    def finish(self, result):
        pass

    def _target(self):
        if self._whom == "itself":
            return os.getpid()
        if self._whom == "torchrun":
            return os.getppid()
        started = psutil.Process(os.getppid()).children()
        return next(process.pid for process in started if process.pid != os.getpid())
