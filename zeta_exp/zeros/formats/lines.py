"""The lines of a text file, about a megabyte at a time."""

from collections.abc import Iterator

from zeta_exp.errors import UserError
from zeta_exp.zeros.formats.contents import opened

_PIECE = 1 << 20  # bytes read at a time: at most as many lines
_LONGEST = 1 << 16  # bytes of a line
_MARK = b"\xef\xbb\xbf"  # some editors begin UTF-8 with it


def lines_of(path: str, skipped: int = 0) -> Iterator[list[bytes]]:
    """Lists of whole lines after the first `skipped`, without what ends the text blank.

    Raises UserError that names a blank line with more below it, and a line without end.
    """
    number = 0  # lines of the file before the list at hand
    blank = None  # the first blank line, counted from 1, if all below it are blank so far
    for lines in _split(path):
        first, number = number, number + len(lines)
        lines = lines[max(skipped - first, 0) :]
        first = number - len(lines)
        filled = len(lines)
        while filled and not lines[filled - 1].strip():
            filled -= 1
        if filled and blank is not None:
            raise UserError(f"line {blank} of {path} is blank: delete it")
        if filled < len(lines) and blank is None:
            blank = first + filled + 1
        if filled:
            yield lines[:filled]


def _split(path: str) -> Iterator[list[bytes]]:
    """All lines of the file in lists, without their newlines."""
    with opened(path) as file:
        rest, count = file.read(len(_MARK)), 0
        if rest == _MARK:
            rest = b""
        while piece := file.read(_PIECE):
            lines = (rest + piece).split(b"\n")
            rest = lines.pop()
            count += len(lines)
            yield lines
            if len(rest) > _LONGEST:
                raise UserError(
                    f"line {count + 1} of {path} is longer than {_LONGEST} bytes: keep one zero a "
                    "line"
                )
        yield [rest]
