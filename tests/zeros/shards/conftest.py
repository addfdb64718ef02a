"""Made-up zeros that cost nothing, cut into pieces anyhow."""

import numpy as np
import pytest

from zeta_exp.zeros.shards import Plan, Supply, form_for, write_table
from zeta_exp.zeros.shards.pieces import Piece
from zeta_exp.zeros.stretch import stretch_of_residuals


def residual(n):
    """A residual below 0.4 for any ordinal."""
    return 0.3 * np.sin(0.7 * n % 100) + 0.05 * np.cos(n % 17)


def made_up(piece=37, stop_after=None, error=KeyboardInterrupt):
    """Zeros whose bits depend on their ordinal alone, in pieces that end where `piece` divides.

    After so many zeros the supply raises the error.
    """
    handed_out = 0

    def pieces(start, stop):
        nonlocal handed_out
        while start < stop:
            first = start - start % piece  # as the engine's blocks do
            zeros = stretch_of_residuals(first, residual(np.arange(first, first + piece)))
            delta = zeros.residuals()
            part = Piece(zeros, delta, (first % 91) / 100).part(start, min(first + piece, stop))
            if stop_after is not None and handed_out + part.residuals.size > stop_after:
                raise error
            handed_out += part.residuals.size
            yield part
            start = part.zeros.stop

    return Supply({"name": "made up"}, pieces)


def planned(start=1000, count=1000, size=100, form=None):
    return Plan(start, count, size, form_for(start + count - 1, form), made_up().source)


def contents(folder):
    """Every file of a folder with its bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def shards():
    """What the tests of shards share."""

    class Shards:
        supply = staticmethod(made_up)
        plan = staticmethod(planned)
        contents = staticmethod(contents)
        residual = staticmethod(residual)

        @staticmethod
        def table(folder, **options):
            write_table(str(folder), planned(**options), made_up())
            return str(folder)

    return Shards
