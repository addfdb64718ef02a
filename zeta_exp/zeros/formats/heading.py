"""What stands above the numbers of a text table, as in Odlyzko's tables of high zeros.

    Values of gamma - 267653395647, where gamma runs over the heights of the
    zeros of the Riemann zeta function, numbers 10^12 + 1 through 10^12 + 10^4.
    … Values are guaranteed to be accurate only to within 10^(-8).

https://www-users.cse.umn.edu/~odlyzko/zeta_tables/
"""

import re
from typing import NamedTuple

from zeta_exp.errors import UserError
from zeta_exp.zeros.engine import MAX_ORDINAL

_TOO_HIGH = 1 << 53  # not every integer from here on is a float64
_ROW = re.compile(rb"\s*(\d+\s+)?\+?\d+(\.\d*)?([eE][+-]?\d+)?\s*")
_SUBJECT = re.compile(r"gamma|zeta|zero", re.IGNORECASE)
_TERM = r"(?:10\s*\^\s*\(?\d+\)?|\d[\d,]*)"
_SUM = rf"({_TERM}(?:\s*\+\s*{_TERM})*)"
_BASE = re.compile(r"gamma\s*[-−–]\s*(\d[\d,]*)", re.IGNORECASE)
_FIRST = re.compile(
    rf"(?:numbers?|numbered|zeros?|#)\s*#?\s*{_SUM}(?:\s+(?:through|to)\s+{_SUM})?", re.IGNORECASE
)
_ACCURACY = re.compile(r"within\s+(?:(\d+)\s*\*\s*)?10\s*\^\s*\(?\s*-\s*(\d+)")


class Heading(NamedTuple):
    """The lines above the numbers and what they say."""

    lines: int
    base: int = 0  # the numbers are γ − base
    first: int | None = None  # ordinal of the first number
    last: int | None = None
    accuracy: float = 0.0  # of the numbers, as stated


def _value(terms: str) -> int:
    """The integer written "10^12 + 1" or "1,000,000,000,001"."""
    total = 0
    for term in terms.split("+"):
        digits = re.sub(r"[\s,()]", "", term)
        total += 10 ** int(digits[3:]) if digits.startswith("10^") else int(digits)
    return total


def heading_of(path: str, head: bytes) -> Heading:
    """The heading in the first bytes of a text; of no lines where it begins with numbers.

    Raises UserError for a table too high to be checked, and for a heading without numbers.
    """
    rows = head.split(b"\n")
    lines = next((i for i, row in enumerate(rows) if _ROW.fullmatch(row)), len(rows))
    text = b" ".join(rows[:lines]).decode("utf-8-sig", "replace")
    if not _SUBJECT.search(text):
        return Heading(0)
    if lines == len(rows):
        raise UserError(f"{path} has words but no zeros: check that the file is whole")
    base, ordinals, accuracy = (what.search(text) for what in (_BASE, _FIRST, _ACCURACY))
    result = Heading(
        lines,
        _value(base[1]) if base else 0,
        _value(ordinals[1]) if ordinals else None,
        _value(ordinals[2]) if ordinals and ordinals[2] else None,
        int(accuracy[1] or 1) * 10.0 ** -int(accuracy[2]) if accuracy else 0.0,
    )
    check_height(path, result.base, result.last or result.first or 1)
    return result


def check_height(path: str, base: int, last: int = 1) -> None:
    """Raise UserError where zeros of such a height or ordinal can't be checked."""
    if last > MAX_ORDINAL or base >= _TOO_HIGH:
        raise UserError(
            f"{path} lies beyond what can be checked, at height {base}: use a table of zeros "
            f"up to ordinal {MAX_ORDINAL}"
        )
