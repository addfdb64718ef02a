"""Zeros from a text file: one ordinate a line, the first line is ordinal 1.

The file is read and checked completely when it is opened, against the engine as far as the run
may look, so that no later step meets a bad zero.
"""

import hashlib
import re
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.split import MINIMUM_N, Split
from zeta_exp.theory.counting import unfold
from zeta_exp.zeros.cache import aligned_pieces
from zeta_exp.zeros.engine import MAX_ORDINAL, generate
from zeta_exp.zeros.source import ComputedZeros

_NUMBER = re.compile(r"\+?\d{1,30}(\.\d*)?([eE][+-]?\d{1,2})?")  # a finite float64
_LEAST_DECIMALS = 5  # the closest zeros up to MAX_ORDINAL differ by about 1e-4
_FLOOR = 1e-9  # no tolerance is tighter than this and one unit in the last place
_SEARCHED = 64  # zeros searched beyond the first fault to tell what happened
_SHOWN = 40  # characters of a bad line


class _Table(NamedTuple):
    """A file as it was read."""

    path: Path
    sha256: str
    ordinates: NDArray[np.float64]  # (Z,) of the ordinals 1 … Z
    tolerance: float  # of an ordinate as printed


def _read_text(path: Path) -> tuple[str, str]:
    """The text of the file and its sha256."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UserError(
            f"zeros.path={path} does not exist: give a text file with one ordinate a line"
        ) from None
    except IsADirectoryError:
        raise UserError(f"zeros.path={path} is a directory: give a file in it") from None
    except OSError as error:
        raise UserError(
            f"zeros.path={path} can't be read ({error.strerror}): check path and permissions"
        ) from None
    if raw.startswith(b"\x1f\x8b"):
        raise UserError(f"zeros.path={path} is gzip-compressed: unpack it with gunzip")
    try:
        return raw.decode("utf-8-sig"), hashlib.sha256(raw).hexdigest()
    except UnicodeDecodeError as error:
        raise UserError(
            f"zeros.path={path} is not UTF-8 text (byte {error.start}): save it as plain text"
        ) from None


def _numbers(path: Path, text: str) -> list[str]:
    """The lines as decimal numbers, each checked; blank lines only at the end."""
    lines = [line.strip() for line in text.rstrip().split("\n")]
    if lines == [""]:
        raise UserError(f"zeros.path={path} is empty: give a file with one ordinate a line")
    for number, line in enumerate(lines, start=1):
        if not line:
            raise UserError(f"line {number} of zeros.path={path} is blank: delete it")
        if not _NUMBER.fullmatch(line):
            shown = line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
            raise UserError(
                f"line {number} of zeros.path={path} (ordinal {number}) is {shown!r}, no positive "
                "decimal number: keep one ordinate a line and nothing else"
            )
    return lines


def _printed_tolerance(path: Path, lines: list[str]) -> float:
    """Ten units of the last decimal printed: 1e-8 for nine decimals."""
    decimals = max(-int(Decimal(line).as_tuple().exponent) for line in lines)
    if decimals < _LEAST_DECIMALS:
        raise UserError(
            f"zeros.path={path} prints {max(decimals, 0)} decimals, too few to tell close zeros "
            f"apart: use a table with {_LEAST_DECIMALS} or more, or zeros=computed"
        )
    return 10.0 ** (1 - decimals)


def _check_order(path: Path, ordinates: NDArray[np.float64]) -> None:
    """Refuse a doubled line and one that is out of order."""
    wrong = np.flatnonzero(np.diff(ordinates) <= 0)
    if not wrong.size:
        return
    line = int(wrong[0]) + 2
    if ordinates[line - 1] == ordinates[line - 2]:
        raise UserError(
            f"line {line} of zeros.path={path} (ordinal {line}) repeats the line before it, "
            f"{ordinates[line - 1]!s}: delete one of them"
        )
    raise UserError(
        f"line {line} of zeros.path={path} (ordinal {line}) is out of order, "
        f"{ordinates[line - 1]!s} after {ordinates[line - 2]!s}: sort the lines by height"
    )


def _read(path: Path) -> _Table:
    """Read the file and check what needs no engine."""
    text, sha256 = _read_text(path)
    lines = _numbers(path, text)
    tolerance = _printed_tolerance(path, lines)
    ordinates = np.array([float(line) for line in lines])
    _check_order(path, ordinates)
    return _Table(path, sha256, ordinates, tolerance)


def _agree(
    table: _Table, listed: NDArray[np.float64], true: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether ordinates agree within the printed digits, elementwise."""
    allowed = np.maximum(table.tolerance, _FLOOR + np.spacing(true))
    return np.abs(listed - true) <= allowed


def _fault(table: _Table, line: int) -> UserError:
    """What is wrong with the first line that disagrees: a zero is missing, extra or perturbed."""
    true = generate(line, min(_SEARCHED, MAX_ORDINAL + 1 - line))
    listed = table.ordinates[line - 1 : line - 1 + _SEARCHED]
    here = f"line {line} of zeros.path={table.path} (ordinal {line})"
    holds = f"holds {listed[0]!s}"
    skipped = np.flatnonzero(_agree(table, listed[:1], true))
    inserted = np.flatnonzero(_agree(table, listed, true[:1]))
    if skipped.size:
        count = int(skipped[0])
        what = "ordinal" if count == 1 else f"{count} zeros from ordinal"
        return UserError(
            f"{what} {line}, at {true[0]:.9f}, missing: {here} {holds}, which is "
            f"ordinal {line + count}: insert what is missing, or use zeros=computed"
        )
    if inserted.size:
        count = int(inserted[0])
        what = "the line" if count == 1 else f"lines {line} to {line + count - 1}"
        return UserError(
            f"extra zero: {here} {holds}, but ordinal {line} is at {true[0]:.9f}, on line "
            f"{line + count}: delete {what}, or use zeros=computed"
        )
    return UserError(
        f"perturbed zero: {here} {holds}, but ordinal {line} is at {true[0]:.9f}: "
        f"correct the line, or use zeros=computed"
    )


def _check_zeros(table: _Table, stop: int) -> None:
    """Compare the ordinals [1, stop) with the engine; refuse the first that disagrees."""
    for low, high in aligned_pieces(1, stop):
        listed = table.ordinates[low - 1 : high - 1]
        wrong = np.flatnonzero(~_agree(table, listed, generate(low, high - low)))
        if wrong.size:
            raise _fault(table, low + int(wrong[0]))


def _check_length(table: _Table, split: Split) -> None:
    """Refuse a table that ends within the range [start, start+N) of a run."""
    available, needed = table.ordinates.size, split.start + split.N - 1
    if available >= needed:
        return
    fits = available - split.start + 1
    advice = f"use N={fits} or less" if fits >= MINIMUM_N else "lower start"
    raise UserError(
        f"zeros.path={table.path} holds {available} zeros, N={split.N} from start={split.start} "
        f"needs {needed}: {advice}, or use zeros=computed"
    )


class TableZeros:
    """Zeros of a text file, checked when opened; ordinals past what a run may see are computed.

    Raises UserError that names the line, the ordinal and the remedy, for a file that can't be read,
    a bad, doubled or misplaced line, a missing, extra or perturbed zero, and too few zeros.
    """

    def __init__(self, path: str | Path, split: Split) -> None:
        self._split = split
        self._engine = ComputedZeros()
        self._table = _read(Path(path))
        self._stop = min(self._table.ordinates.size + 1, split.extrapolation[1], MAX_ORDINAL + 1)
        _check_zeros(self._table, self._stop)
        _check_length(self._table, split)

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """γ_n as printed, (stop−start,); from the engine past the table's or the run's end."""
        border = min(max(start, self._stop), stop)
        listed = self._table.ordinates[start - 1 : border - 1]
        return np.concatenate([listed, self._engine.ordinates(border, stop)])

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """δ_n of the ordinates as printed, (stop−start,)."""
        border = min(max(start, self._stop), stop)
        listed = unfold(self._table.ordinates[start - 1 : border - 1], np.arange(start, border))
        return np.concatenate([listed, self._engine.residuals(border, stop)])

    def provenance(self) -> dict[str, str | int]:
        """The file, its digest, and how many ordinals of the run come from it."""
        from_table = max(self._stop - self._split.start, 0)
        return {
            "name": "table",
            "path": str(self._table.path),
            "sha256": self._table.sha256,
            "ordinals_from_table": from_table,
            "ordinals_from_engine": self._split.extrapolation[1] - self._split.start - from_table,
        }

    def notes(self) -> list[str]:
        """That the table ends before the extrapolation does."""
        last = self._split.extrapolation[1] - 1
        if self._stop > last:
            return []
        return [
            f"The table {self._table.path} ends at ordinal {self._stop - 1}: ordinals {self._stop} "
            f"to {last}, for extrapolation only, come from the engine."
        ]
