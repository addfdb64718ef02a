"""What is wrong where a table first departs from the true zeros.

The ordinals of the listed heights (0: no zero of ζ) tell it all.  Where n is expected:

    n+k, n+k+1, …      k zeros are missing
    n−k, n−k+1, …      k zeros are there twice
    n+1, n, n+2, …     two are swapped
    0, n, n+1, …       an extra one
    0, n+1, …          a perturbed one
    0, 0, 0, …         something else than zeros: see `units`
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FEWEST = 8  # entries in a row that are no zeros of ζ: they are something else


class Kind(StrEnum):
    """What can be wrong with a table."""

    MISSING = "missing"
    EXTRA = "extra"
    DOUBLED = "doubled"
    SWAPPED = "swapped"
    DESCENDING = "descending"
    PERTURBED = "perturbed"
    NOT_A_NUMBER = "not a number"
    WRONG_START = "wrong start"
    WRONG_UNITS = "wrong units"
    CONSTANT_ADDED = "constant added"
    INEXACT = "inexact"
    NO_ZEROS = "no zeros"
    TRUNCATED = "truncated"
    TOO_LONG = "too long"
    WRONG_HASH = "wrong hash"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Finding:
    """What a departure is, and how to go on behind it."""

    kind: Kind
    listed: int  # entries of the table that it takes
    true: int  # true zeros that it takes; less than none where the table goes back
    count: int = 1  # zeros concerned


def find(numbers: NDArray[np.bool_], ordinals: NDArray[np.int64], n: int, begins: bool) -> Finding:
    """What it is, from the heights that begin with the first wrong one.

    numbers: (W,) whether the entries are finite; ordinals: (W,) of the zeros that
    they are, 0 for none; n: the ordinal expected first; begins: whether the table begins here.
    """
    if not numbers[0]:
        return _no_numbers(int(np.argmax(numbers)) or numbers.size, ordinals, n)
    if ordinals.size > 2 and (np.diff(ordinals) == -1).all():
        return Finding(Kind.DESCENDING, ordinals.size, ordinals.size)
    first = int(ordinals[0])
    away = _starts_elsewhere(ordinals, n) if begins else 0
    if away:
        return Finding(Kind.WRONG_START, 0, away)
    disorder = _disorder(ordinals, n)
    if disorder:
        displaced = int(np.sum(ordinals[:disorder] != np.arange(n, n + disorder)))
        return Finding(Kind.SWAPPED, disorder, disorder, count=displaced)
    if n > first > 0 and _runs_on(ordinals, 0):
        return _doubled(ordinals, n)
    if first > n and _ascends(ordinals):
        return Finding(Kind.MISSING, 0, first - n, count=first - n)
    return _one_or_few(ordinals, n)


def _no_numbers(count: int, ordinals: NDArray[np.int64], n: int) -> Finding:
    """So many entries in the place of zeros, or put between two."""
    following = int(ordinals[count]) if count < ordinals.size else 0
    zeros = following - n if n <= following < n + count else count
    return Finding(Kind.NOT_A_NUMBER, count, zeros, count=count)


def _starts_elsewhere(ordinals: NDArray[np.int64], n: int) -> int:
    """How many ordinals beyond n the table begins, by its first entries that run on; else 0."""
    places = range(max(ordinals.size - 1, 1))
    running = next((k for k in places if _runs_on(ordinals, k)), None)
    if running is None or n <= ordinals[running] <= n + running or ordinals[running] <= running:
        return 0
    return int(ordinals[running]) - running - n


def _runs_on(ordinals: NDArray[np.int64], index: int) -> bool:
    """Whether the entry is a zero, followed by the next one or the end."""
    here = int(ordinals[index])
    return here > 0 and (index + 1 == ordinals.size or int(ordinals[index + 1]) == here + 1)


def _disorder(ordinals: NDArray[np.int64], n: int) -> int:
    """How many entries are the zeros from n on, only in another order; 0 where none are."""
    counts = np.arange(1, ordinals.size + 1)
    complete = (np.maximum.accumulate(ordinals) == n + counts - 1) & (
        np.minimum.accumulate(ordinals) == n
    )
    complete &= np.cumsum(ordinals - n) == counts * (counts - 1) // 2
    ends = np.flatnonzero(complete)
    return int(counts[ends[0]]) if ends.size else 0


def _ascends(ordinals: NDArray[np.int64]) -> bool:
    """Whether the next zero comes after the first in the right order."""
    known = np.flatnonzero(ordinals[1:]) + 1
    return not known.size or int(ordinals[known[0]] - ordinals[0]) >= known[0]


def _doubled(ordinals: NDArray[np.int64], n: int) -> Finding:
    """The table goes back: until it is right again, or for good."""
    back = np.flatnonzero(ordinals == n)
    if back.size:
        return Finding(Kind.DOUBLED, int(back[0]), 0, count=int(back[0]))
    return Finding(Kind.DOUBLED, 0, int(ordinals[0]) - n, count=n - int(ordinals[0]))


def _one_or_few(ordinals: NDArray[np.int64], n: int) -> Finding:
    """Entries that are no zeros, or zeros of elsewhere: up to where the table runs on."""
    size = ordinals.size
    running = [k for k in range(1, size) if _runs_on(ordinals, k)]
    if not running:
        kind = Kind.NO_ZEROS if size >= FEWEST else Kind.PERTURBED
        return Finding(kind, size, size, count=size)
    entries = next((k for k in running if ordinals[k] >= n), running[0])
    zeros = max(int(ordinals[entries]) - n, 0)
    if entries == zeros:
        return Finding(Kind.PERTURBED, entries, zeros, count=entries)
    kind = Kind.EXTRA if entries > zeros else Kind.MISSING
    return Finding(kind, entries, zeros, count=abs(entries - zeros))
