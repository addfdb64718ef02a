"""Python's search for reference cycles, kept away from objects that are no garbage.

The imports of a run make a million objects that live as long as the process.  While they are
made Python walks through all of them again and again, and once more at exit.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No search inside: for imports, and for what is over after a second."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def spare_imports() -> None:
    """No later search passes the objects that exist at the first call: modules, classes, code.

    Further calls do nothing: by then a job of a sweep has left garbage of its own.
    """
    if not gc.get_freeze_count():
        gc.freeze()


def spare_exit() -> None:
    """No search when the process ends, for the system takes all of its memory at once."""
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
