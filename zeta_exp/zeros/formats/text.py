"""Text: one zero a line, or its ordinal and the zero; below a heading perhaps, as Odlyzko's."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zeta_exp.errors import UserError
from zeta_exp.zeros.formats.contents import HEAD, digest, opened, take
from zeta_exp.zeros.formats.decimals import (
    LEAST_DECIMALS,
    PATTERN,
    decimals,
    is_plain,
    nearest,
    offsets_from,
    plain,
)
from zeta_exp.zeros.formats.heading import Heading, check_height, heading_of
from zeta_exp.zeros.formats.lines import lines_of
from zeta_exp.zeros.formats.protocol import COARSE_HEIGHT
from zeta_exp.zeros.formats.wrapped import WrappedTable, is_wrapped, read_wrapped
from zeta_exp.zeros.stretch import Stretch

_COARSE_OFFSET = float(1 << 20)  # an offset above it is split again: float64 keeps 1e-10 of it
_SAMPLED = 1000  # lines that show how many decimals are printed
_SHOWN = 40  # characters of a bad line


@dataclass(frozen=True)
class TextTable:
    """A text of decimal numbers, plain or gzip."""

    path: str
    format: str  # odlyzko if there is a heading, else text
    start: int
    tolerance: float  # ten units of the last decimal, or what the heading says if that is more
    heading: Heading
    index: int | None  # the ordinal beside the first zero, if there is a column of them

    def stretches(self) -> Iterator[Stretch]:
        """The zeros, a megabyte of text at a time."""
        n = self.start
        for lines in lines_of(self.path, self.heading.lines):
            yield from self._stretches_of(lines, n)
            n += len(lines)
        self._check_end(n)

    def place(self, n: int) -> str:
        """The line."""
        return f"line {self._line(n)}"

    def provenance(self) -> dict[str, str | int]:
        """Format, path, sha256, and the base that a heading gives."""
        said: dict[str, str | int] = {"format": self.format, "path": self.path}
        if self.heading.base:
            said["base"] = self.heading.base
        return {**said, "sha256": digest(self.path)}

    def _line(self, n: int) -> int:
        return self.heading.lines + 1 + n - self.start

    def _stretches_of(self, lines: list[bytes], n: int) -> Iterator[Stretch]:
        """The zeros of the lines from ordinal n on, down to a malformed one."""
        if is_plain(b"".join(lines)):
            try:
                stretch = self._split(self._column(lines, n), n)
            except (ValueError, OverflowError):
                pass  # some line is at fault: which?
            else:
                yield stretch
                return
        numbers: list[bytes] = []
        fault = None
        try:
            for i, line in enumerate(lines):
                numbers.append(plain(self._checked(line, n + i)))
        except UserError as error:
            fault = error
        if numbers:
            yield self._split(numbers, n)
        if fault:
            raise fault

    def _column(self, lines: list[bytes], n: int) -> list[bytes]:
        """The numbers without their ordinals.  Raises ValueError where the ordinals are wrong."""
        if self.index is None:
            return lines
        ordinals, numbers = zip(*(line.split() for line in lines), strict=True)
        first = self.index + n - self.start
        if [int(ordinal) for ordinal in ordinals] != list(range(first, first + len(lines))):
            raise ValueError("ordinals do not run on")
        return list(numbers)

    def _split(self, numbers: list[bytes], n: int) -> Stretch:
        """The numbers as base + offsets.  Raises ValueError where one is no finite number."""
        first = float(numbers[0])
        if first < (_COARSE_OFFSET if self.heading.base else COARSE_HEIGHT):
            offsets = nearest(numbers)
            if not np.isfinite(offsets).all():
                raise ValueError("a number is too great")
            return Stretch(n, float(self.heading.base), offsets)
        shift = int(numbers[0].strip().partition(b".")[0])
        check_height(f"{self.place(n)} of {self.path}", self.heading.base + shift)
        return Stretch(n, float(self.heading.base + shift), offsets_from(shift, numbers))

    def _checked(self, line: bytes, n: int) -> bytes:
        """The number in the line of ordinal n.  Raises UserError if the line is malformed."""
        where = f"{self.place(n)} of {self.path}"
        content = line.strip()
        if not content:
            raise UserError(f"{where} is blank: delete it")
        *ordinal, number = content.split()
        wanted = [] if self.index is None else [b"%d" % (self.index + n - self.start)]
        shown = content.decode(errors="replace")
        shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
        if len(ordinal) != len(wanted) or not PATTERN.fullmatch(number):
            only = f"one zero{' after its ordinal' if wanted else ''}"
            raise UserError(
                f"{where} (ordinal {n}) is {shown!r}, no positive decimal number: keep {only} a "
                "line and nothing else"
            )
        if [part.lstrip(b"0") for part in ordinal] != wanted:
            raise UserError(
                f"{where} is {shown!r}, where ordinal {wanted[0].decode()} should stand: insert "
                "what is missing, or leave out the column of ordinals"
            )
        return number

    def _check_end(self, stop: int) -> None:
        """Raise UserError if there are not as many zeros as the heading says."""
        first, last = self.heading.first, self.heading.last
        if first is None or last is None or stop - self.start == last + 1 - first:
            return
        raise UserError(
            f"{self.path} holds {stop - self.start} zeros, its heading says {last + 1 - first}: "
            "copy or download it again"
        )


def _tolerance(path: str, numbers: list[bytes]) -> float:
    """Ten units of the last decimal printed: 1e-8 for nine decimals."""
    most = max(decimals(number) for number in numbers)
    if most < LEAST_DECIMALS:
        raise UserError(
            f"{path} prints {most} decimals, too few to tell close zeros apart: use a table with "
            f"{LEAST_DECIMALS} or more"
        )
    return 10.0 ** (1 - most)


def read_text(path: str, start: int | None) -> TextTable | WrappedTable:
    """A text table.  start: ordinal of the first zero, else what the text says, else 1.

    Raises UserError where the first lines are malformed or show too few decimals.
    """
    with opened(path) as file:
        head = take(file, HEAD)
    heading = heading_of(path, head)
    if is_wrapped(head):
        return read_wrapped(path, start, heading)
    lines = next(lines_of(path, heading.lines))[:_SAMPLED]
    columns = lines[0].split()
    index = int(columns[0]) if len(columns) == 2 and columns[0].isdigit() else None
    said = heading.first if heading.first is not None else index
    if said is None and start is None and heading.base:
        raise UserError(
            f"the heading of {path} does not say which zero is the first: give its ordinal"
        )
    first = start if start is not None else said if said is not None else 1
    name = "odlyzko" if heading.lines else "text"
    table = TextTable(path, name, first, 0.0, heading, index)
    sample = [table._checked(line, first + i) for i, line in enumerate(lines)]
    tolerance = max(_tolerance(path, sample), heading.accuracy)
    return TextTable(path, name, first, tolerance, heading, index)
