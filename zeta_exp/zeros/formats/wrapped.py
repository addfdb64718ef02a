"""Text in which a zero spans several lines, as where 1000 decimals of each are printed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from zeta_exp.zeros.formats.contents import digest
from zeta_exp.zeros.formats.decimals import nearest
from zeta_exp.zeros.formats.heading import Heading
from zeta_exp.zeros.formats.lines import lines_of
from zeta_exp.zeros.stretch import Stretch

_BEGINNING = re.compile(rb"\s*(?:\d+\s+)?(\d+\.\d{20,})\s*\\?\s*")
_CONTINUATION = re.compile(rb"\s*(\d{20,})\s*\\?\s*")


def is_wrapped(head: bytes) -> bool:
    """Whether a line of digits only goes on with the number above it."""
    rows = head.split(b"\n")
    pairs = pairwise(rows)
    return any(_BEGINNING.fullmatch(a) and _CONTINUATION.fullmatch(b) for a, b in pairs)


@dataclass(frozen=True)
class WrappedTable:
    """The zeros of a text whose long decimals go on over lines of digits; other lines are prose."""

    path: str
    start: int
    numbers: tuple[bytes, ...]  # with all decimals
    lines: tuple[int, ...]  # where each begins
    format: str = "odlyzko"
    tolerance: float = 0.0  # there are many more decimals than float64 keeps

    def stretches(self) -> Iterator[Stretch]:
        """All zeros at once."""
        yield Stretch(self.start, 0.0, nearest(list(self.numbers)))

    def place(self, n: int) -> str:
        """The line where the zero begins."""
        return f"line {self.lines[n - self.start]}"

    def provenance(self) -> dict[str, str | int]:
        """Format, path and sha256."""
        return {"format": self.format, "path": self.path, "sha256": digest(self.path)}


def read_wrapped(path: str, start: int | None, heading: Heading) -> WrappedTable:
    """A table of long decimals, which begins at the ordinal given, or that of the heading, or 1."""
    numbers: list[bytes] = []
    places: list[int] = []
    number = 0
    for lines in lines_of(path):
        for line in lines:
            number += 1
            if found := _BEGINNING.fullmatch(line):
                numbers.append(found[1])
                places.append(number)
            elif numbers and (found := _CONTINUATION.fullmatch(line)):
                numbers[-1] += found[1]
    first = start if start is not None else heading.first or 1
    return WrappedTable(path, first, tuple(numbers), tuple(places))
