"""What a command says on standard output, which may be closed, full or a pipe nobody reads."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from zeta_exp.errors import UserError


def tell(text: str) -> None:
    """Print it; raises UserError where it can't be written, BrokenPipeError where nobody reads."""
    with _explained():
        print(text)


def flush() -> None:
    """Write out what is held back; raises as `tell` does."""
    with _explained():
        if sys.stdout is not None:  # None: it was closed before the process began
            sys.stdout.flush()


def silence() -> None:
    """From now on, and for what is held back, standard output goes nowhere."""
    with suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        raise UserError(
            f"standard output can't be written ({error.strerror or error}): the command did its "
            "work, but send its answer to a place with room"
        ) from None
