"""Walking a table along the true zeros, from one fault to the next."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from zeta_exp.errors import UserError
from zeta_exp.zeros import engine
from zeta_exp.zeros.formats.protocol import ZeroTable
from zeta_exp.zeros.integrity.finding import Finding, Kind, find
from zeta_exp.zeros.integrity.report import LIMIT, Fault
from zeta_exp.zeros.integrity.truth import Truth, disagreements, zeros_at
from zeta_exp.zeros.integrity.units import recognise
from zeta_exp.zeros.integrity.wording import Scene, describe
from zeta_exp.zeros.stretch import Stretch

AHEAD = 128  # entries that are looked at to tell what a fault is
_LAST = {  # nothing can be told behind these
    Kind.NO_ZEROS,
    Kind.INEXACT,
    Kind.WRONG_UNITS,
    Kind.CONSTANT_ADDED,
    Kind.DESCENDING,
}


def joined(before: Stretch | None, after: Stretch) -> Stretch:
    """A few zeros and those behind them as one stretch, with the base of the latter."""
    if before is None or not before.offsets.size:
        return after
    moved = (before.base - after.base) + before.offsets
    return Stretch(before.start, after.base, np.concatenate([moved, after.offsets]))


@dataclass
class Walk:
    """How far the entries of a table are from their true ordinals, and the faults passed so far."""

    table: ZeroTable
    truth: Truth
    tolerance: float  # of the table: asking for it may mean reading
    start_option: Callable[[int], str]  # how a user gives the ordinal of the first zero
    shift: int = 0  # entry n holds the zero n + shift
    ended: bool = False  # nothing behind can be told
    faults: list[Fault] = field(default_factory=list)

    def agrees(self, listed: Stretch) -> bool:
        """Whether all entries are the true zeros."""
        return self._first_difference(listed) == listed.stop

    def along(self, listed: Stretch, final: bool) -> Stretch:
        """Walk over a stretch; returns the entries of its end that can't be judged yet.

        final: whether nothing follows.
        """
        rest = listed
        while not self.ended:
            rest = rest.part(self._first_difference(rest), rest.stop)
            if not rest.offsets.size or (rest.offsets.size < AHEAD and not final):
                return rest
            found = self._name(rest.part(rest.start, min(rest.start + AHEAD, rest.stop)))
            self.shift += found.true - found.listed
            self.ended = found.kind in _LAST or len(self.faults) >= LIMIT
            rest = rest.part(rest.start + found.listed, rest.stop)
        return rest

    def _first_difference(self, listed: Stretch) -> int:
        """The first entry that is not the true zero; the end where all are."""
        start, stop = listed.start + self.shift, listed.stop + self.shift
        if stop - 1 > engine.MAX_ORDINAL:
            raise UserError(
                f"{self.table.path} goes up to ordinal {stop - 1} or beyond, where no engine can "
                f"check it: keep to ordinals up to {engine.MAX_ORDINAL}"
            )
        for true in self.truth.pieces(start, stop):
            here = listed.part(true.start - self.shift, true.stop - self.shift)
            wrong = disagreements(here, true, self.tolerance)
            if wrong.size:
                return here.start + int(wrong[0])
        return listed.stop

    def _name(self, listed: Stretch) -> Finding:
        """Tell what the fault is that the entries begin with, and note it."""
        n = listed.start + self.shift
        ordinals = zeros_at(listed, self.tolerance, self.truth)
        ordinals[0] *= ordinals[0] != n  # it departs from n, be it by a hair
        found = find(
            np.isfinite(listed.offsets), ordinals, n, begins=listed.start == self.table.start
        )
        guess = None
        if found.kind is Kind.NO_ZEROS:
            guess = recognise(listed, n, self.tolerance, self.truth)
            found = found if guess is None else replace(found, kind=guess.kind)
        scene = Scene(self.table, listed, ordinals, n, self.truth, self.start_option)
        sentence = describe(found, guess, scene)
        self.faults.append(Fault(found.kind, n, self.table.place(listed.start), sentence))
        return found
