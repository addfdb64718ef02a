"""Services that fail, wait or interrupt on demand."""

import os
import signal
import threading


class Recorder:
    """Notes what arrives; fails at the calls of the given numbers, counted from 0."""

    def __init__(self, failures=()):
        self.failures = set(failures)
        self.calls, self.rows, self.results, self.sessions = 0, [], [], []

    def _call(self):
        self.calls += 1
        if self.calls - 1 in self.failures:
            raise ConnectionError("no\nroute")

    def open(self, session):
        self._call()
        self.sessions.append(session)

    def send(self, rows):
        self._call()
        self.rows += rows

    def close(self, result):
        self._call()
        self.results.append(result)


class Hanging(Recorder):
    """Never answers before the test says so."""

    def __init__(self):
        super().__init__()
        self.released = threading.Event()

    def open(self, session):
        self.released.wait()


class Interrupting(Recorder):
    """Stops its own process when the first epoch is there."""

    def send(self, rows):
        os.kill(os.getpid(), signal.SIGINT)
        self.send = lambda rows: None
