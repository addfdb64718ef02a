"""Zeros written as text, one a line, bare or below a heading with their base."""

from collections.abc import Iterable

from zeta_exp.zeros.formats.contents import created
from zeta_exp.zeros.formats.decimals import decimals_within, printed, whole_below
from zeta_exp.zeros.formats.protocol import consecutive
from zeta_exp.zeros.stretch import Stretch

_PRINTED = 1 << 16  # zeros written at a time


def _write(path: str, stretches: Iterable[Stretch], tolerance: float, *, headed: bool) -> None:
    """One number a line, below a heading perhaps."""
    base: int | None = None
    places = decimals_within(tolerance)
    with created(path) as file:
        for stretch in consecutive(stretches):
            if base is None:
                base = _heading_base(stretch) if headed else 0
                if headed:
                    file.write(_HEADING.format(base=base, start=stretch.start).encode())
            for first in range(stretch.start, stretch.stop, _PRINTED):
                part = stretch.part(first, min(first + _PRINTED, stretch.stop))
                numbers = printed(part, base, places)
                file.write("".join(f"{number}\n" for number in numbers).encode())


_HEADING = """\
Values of gamma - {base}, where gamma runs over the heights of the zeros
of the Riemann zeta function from number {start} on.

"""


def _heading_base(stretch: Stretch) -> int:
    """The stretch's own base where all offsets from it can be positive, else an integer below."""
    if stretch.base.is_integer() and stretch.offsets[0] >= 0:
        return int(stretch.base)
    return whole_below(stretch)


def write_text(path: str, stretches: Iterable[Stretch], tolerance: float = 0.0) -> None:
    """One zero a line; below ordinal 10^10 the shortest decimal that gives the same float64.

    tolerance: above 0, only the decimals that are right to it.
    """
    _write(path, stretches, tolerance, headed=False)


def write_odlyzko(path: str, stretches: Iterable[Stretch], tolerance: float = 0.0) -> None:
    """A heading with the base and the first ordinal, then γ − base, one a line.

    tolerance: above 0, only the decimals that are right to it.
    """
    _write(path, stretches, tolerance, headed=True)
