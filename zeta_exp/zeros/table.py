"""Zeros from a table in any format, compared with the engine before a run begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.files import is_remote
from zeta_exp.split import MINIMUM_N, Split
from zeta_exp.zeros.formats import ZeroTable, read
from zeta_exp.zeros.integrity import between, verify
from zeta_exp.zeros.listed import ListedZeros
from zeta_exp.zeros.remote import read_cached
from zeta_exp.zeros.source import ComputedZeros
from zeta_exp.zeros.stretch import Stretch


class TableZeros:
    """Zeros of a table, checked when opened; ordinals past what a run may see are computed.

    path: a file or a folder of shards, local or remote; start: the ordinal of its first zero, by
    default what it says, else 1.  What is remote is read from local copies (`remote`).  Memory
    doesn't grow with N for shards and for a plain .npy; the other formats have no random access, so
    their zeros are kept, at most 10^8.
    Raises UserError that names the place, the ordinal and the remedy, for a table that can't be
    read, a zero that is missing, extra, doubled, misplaced or wrong, and too few zeros.
    """

    def __init__(self, path: str | Path, split: Split, start: int | None = None) -> None:
        self._path = str(path)
        table = _opened(self._path, start, split)
        with _naming(self._path, table):
            listed = ListedZeros(table, split.start, split.extrapolation[1])
            _check_zeros(table, split, listed)
            _check_length(table, split, listed)
        self._split, self._table, self._listed = split, table, listed
        self._stop = listed.stop
        self._engine = ComputedZeros()

    def ordinates(self, start: int, stop: int) -> NDArray[np.float64]:
        """γ_n rounded to float64, (stop−start,); from the engine outside the run."""
        low, high = self._inside(start, stop)
        listed, engine = self._listed.ordinates(low, high), self._engine.ordinates
        return np.concatenate([engine(start, low), listed, engine(high, stop)])

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """δ_n of the zeros as listed, (stop−start,); from the engine outside the run."""
        low, high = self._inside(start, stop)
        listed, engine = self._listed.residuals(low, high), self._engine.residuals
        return np.concatenate([engine(start, low), listed, engine(high, stop)])

    def _inside(self, start: int, stop: int) -> tuple[int, int]:
        """The part [low, high) of [start, stop) that the table gives, maybe empty."""
        low = min(max(start, self._split.start), stop)
        return low, max(min(stop, self._stop), low)

    def provenance(self) -> dict[str, str | int]:
        """What the table says of itself, and how many ordinals of the run come from it."""
        from_table = self._stop - self._split.start
        return {
            "name": "table",
            **self._table.provenance(),
            "path": self._path,
            "ordinals_from_table": from_table,
            "ordinals_from_engine": self._split.extrapolation[1] - self._split.start - from_table,
        }

    def notes(self) -> list[str]:
        """That the table ends before the extrapolation does."""
        last = self._split.extrapolation[1] - 1
        if self._stop > last:
            return []
        return [
            f"The table {self._path} ends at ordinal {self._stop - 1}: ordinals {self._stop} "
            f"to {last}, for extrapolation only, come from the engine."
        ]


@contextmanager
def _naming(path: str, table: ZeroTable) -> Iterator[None]:
    """Inside, errors about a local copy name what it is a copy of."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace(table.path, path)) from None


def _opened(path: str, start: int | None, split: Split) -> ZeroTable:
    """The table; errors name the option."""
    if not path.strip():
        raise UserError("zeros.path is empty: give the path of a table, or use zeros=computed")
    try:
        if is_remote(path):
            table = read_cached(path, start, split.start, split.extrapolation[1])
        else:
            table = read(path, start)
        if split.start >= table.start:
            return table
    except UserError as error:
        sentence = str(error).replace(f"start={start}", f"zeros.start={start}")
        sentence = sentence.replace("leave start out", "leave zeros.start out")
        raise _naming_option(path, sentence) from None
    raise UserError(
        f"zeros.path={path} begins at ordinal {table.start}, the run at start={split.start}: use "
        f"start={table.start} or more, or zeros=computed"
    )


def _naming_option(path: str, sentence: str) -> UserError:
    """The sentence, with the option in place of the path or before all."""
    name = f"zeros.path={path}"
    sentence = sentence.replace(path, name, 1)
    return UserError(sentence if name in sentence else f"{name}: {sentence}")


def _check_length(table: ZeroTable, split: Split, listed: ListedZeros) -> None:
    """Refuse a table that ends within the range [start, start+N) of a run."""
    needed = split.start + split.N - 1
    end = listed.stop - 1 if listed.stop else _last_ordinal(table)
    if end >= needed:
        return
    raise UserError(
        f"zeros.path={table.path} holds ordinals {table.start} to {end}, N={split.N} from "
        f"start={split.start} needs those up to {needed}: {_shorter(table.start, end, split)}or "
        "use zeros=computed"
    )


def _shorter(first: int, last: int, split: Split) -> str:
    """Advice on a run that the ordinals from `first` to `last` suffice for."""
    fits, there = last - split.start + 1, last - first + 1
    if fits >= MINIMUM_N:
        return f"use N={fits} or less, "
    if there >= split.N:
        return f"use start={last - split.N + 1} or less, "
    if there >= MINIMUM_N and first < split.start:
        return f"use start={first} N={there}, "
    return "give a longer table, "


def _last_ordinal(table: ZeroTable) -> int:
    return max(listed.stop for listed in table.stretches()) - 1


def _check_zeros(table: ZeroTable, split: Split, listed: ListedZeros) -> None:
    """Compare the zeros of a run with the engine; refuse the first that disagrees.

    The whole run streams by, or UserError is raised.
    """

    def options(first: int) -> str:
        """For a table that begins at an ordinal, and a run that begins no earlier."""
        return f"zeros.start={first}" + (f" start={first}" if split.start < first else "")

    stretches = _Readable(listed.stream())
    begins = next(stretches, None)
    if begins is None:
        stretches.raise_fault(table.path)
        return
    together = chain([begins], stretches)
    faults = verify(table, deep=True, stretches=together, start_option=options).faults
    stretches.raise_fault(table.path)
    if faults and begins.start > table.start:
        parts = between(table, table.start, listed.stop)
        faults = verify(table, stretches=parts, start_option=options).faults or faults
    if faults:
        raise UserError(f"zeros.path={table.path}: {faults[0]}, or use zeros=computed")


class _Readable:
    """Stretches up to where they can't be read, and why they can't."""

    def __init__(self, stretches: Iterator[Stretch]) -> None:
        self._stretches = stretches
        self._fault: UserError | None = None

    def __iter__(self) -> Iterator[Stretch]:
        return self

    def __next__(self) -> Stretch:
        try:
            return next(self._stretches)
        except UserError as error:
            self._fault = error
            raise StopIteration from None

    def raise_fault(self, path: str) -> None:
        """Raises what stopped the reading, with the name of the option."""
        if self._fault is not None:
            raise _naming_option(path, str(self._fault))
