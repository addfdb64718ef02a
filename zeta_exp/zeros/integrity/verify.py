"""Checking a table as it streams by, whatever its length."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from zeta_exp.errors import UserError
from zeta_exp.zeros import engine
from zeta_exp.zeros.formats.protocol import ZeroTable
from zeta_exp.zeros.integrity.align import Walk, joined
from zeta_exp.zeros.integrity.finding import Kind
from zeta_exp.zeros.integrity.report import Fault, Report
from zeta_exp.zeros.integrity.screen import Screen, Suspicion
from zeta_exp.zeros.integrity.truth import Truth
from zeta_exp.zeros.integrity.wording import advised
from zeta_exp.zeros.shards import ShardTable
from zeta_exp.zeros.stretch import Stretch

_KEPT = 64  # zeros looked at again together with those behind them: what was lost shows in 16
_PASS = 1 << 22  # zeros that the engine makes in one pass, if every zero is compared


@runtime_checkable
class Counted(Protocol):
    """A table that says how many zeros it has."""

    @property
    def count(self) -> int:
        """How many zeros it should hold."""


@runtime_checkable
class Hashed(Protocol):
    """A table that holds the hashes of its files."""

    def verify_hashes(self) -> list[str]:
        """A sentence for each file that is not what it was."""


def verify(
    table: ZeroTable,
    *,
    deep: bool = False,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
    count: int | None = None,
    stretches: Iterable[Stretch] | None = None,
    start_option: Callable[[int], str] = "--start {}".format,
) -> Report:
    """Check that a table lists the zeros of ζ, all of them, from the ordinal on that it says.

    Every zero passes the checks of `screen`; where one fails, and at both ends of the table, the
    zeros are compared with the engine's, which tells what is wrong and where.  What that cannot
    see: zeros that were moved by less than about half a mean gap, and zeros that are missing behind
    the last one where nobody says how many there should be.  `deep` compares every zero.

    workers: threads of the engine.  progress: called with the number of zeros done since the last
    call.  count: how many zeros there should be, by default what the table says.  stretches: those
    to look at, by default all.  start_option: how a user gives the ordinal of the first zero.
    Raises UserError for a table beyond the engine's last ordinal.
    """
    if table.start > engine.MAX_ORDINAL:
        raise UserError(
            f"{table.path} begins at ordinal {table.start}, where no engine can check it: "
            f"keep to ordinals up to {engine.MAX_ORDINAL}"
        )
    if count is None and stretches is None and isinstance(table, Counted):
        count = table.count
    truth, tolerance = Truth(workers, _PASS if deep else 1), table.tolerance
    check = _Check(table, deep, Walk(table, truth, tolerance, start_option), Screen(tolerance))
    hashed = stretches is None and isinstance(table, Hashed)
    if isinstance(table, Hashed) and hashed:
        check.note_hashes(table.verify_hashes())
    readable = check.readable(table.stretches() if stretches is None else stretches)
    for listed in readable:
        check.feed(listed)
        if progress is not None:
            progress(listed.offsets.size)
        if check.walk.ended:
            check.cut = next(readable, None) is not None
            break
    else:
        check.finish(count)
    return check.report(hashed)


@dataclass
class _Check:
    """A table that is being checked."""

    table: ZeroTable
    deep: bool
    walk: Walk
    screen: Screen
    count: int = 0  # zeros seen
    cut: bool = False  # there are zeros behind those seen
    _ends: list[float] = field(default_factory=list)  # heights of the first and the last
    _held: Stretch | None = None  # the end of what was fed: looked at again with what follows
    _since: int = 0  # the entry from which on the screen has carried its integral
    _broken: bool = False  # the table can't be read to its end

    def note_hashes(self, sentences: list[str]) -> None:
        """Note each file that is not what it was."""
        for sentence in map(advised, sentences):
            self.walk.faults.append(Fault(Kind.WRONG_HASH, 0, self.table.path, sentence))

    def readable(self, stretches: Iterable[Stretch]) -> Iterator[Stretch]:
        """The stretches with zeros in them, up to where the table can't be read."""
        try:
            yield from (listed for listed in stretches if listed.offsets.size)
        except UserError as error:
            self._broken = True
            self._note_unreadable(str(error))

    def _note_unreadable(self, sentence: str) -> None:
        """Note where the table can't be read: once, if its hash could not be had for that."""
        faults = self.walk.faults
        for index, fault in enumerate(faults):
            if fault.sentence == advised(sentence):
                faults[index] = replace(fault, kind=Kind.UNREADABLE)
                return
        faults.append(Fault(Kind.UNREADABLE, 0, self.table.path, f"unreadable: {sentence}"))

    def feed(self, listed: Stretch) -> None:
        """Look at the next stretch."""
        begins = not self.count
        self._note(listed)
        if begins:
            self._since = listed.start
        listed = joined(self._held, listed)
        kept = min(_KEPT, listed.offsets.size)
        suspicion = self.screen.look(listed, self.walk.shift, kept)
        sound = not begins or self.walk.agrees(listed.part(listed.start, listed.start + kept))
        if sound and suspicion is None and not self.deep:
            self._held = listed.part(listed.stop - kept, listed.stop)
        else:
            self._inspect(listed, suspicion, final=False)

    def _note(self, listed: Stretch) -> None:
        self.count += listed.offsets.size
        lowest, highest = listed.base + listed.offsets[[0, -1]]
        self._ends = [*(self._ends or [float(lowest)])[:1], float(highest)]

    def _inspect(self, listed: Stretch, suspicion: Suspicion | None, final: bool) -> None:
        """Compare a stretch with the engine, and what was before it if the fault lies there."""
        faults = len(self.walk.faults)
        behind = not self.deep and self._since < listed.start
        if behind and not self.walk.agrees(listed.part(listed.start, listed.start + 1)):
            listed = joined(self._again(listed.start), listed)
        rest = self.walk.along(listed, final)
        nothing = len(self.walk.faults) == faults and not rest.offsets.size
        if nothing and behind and suspicion is Suspicion.AREA:
            self._again(listed.start)
        self._held = listed.part(max(listed.stop - _KEPT, listed.start), listed.stop)
        if not nothing:
            self._held = rest
        if not nothing or suspicion is not None:
            self.screen.restart()
            self._since = self._held.start

    def _again(self, stop: int) -> Stretch | None:
        """Compare the entries from where the screen began up to `stop`; returns the rest."""
        rest = None
        for listed in between(self.table, self._since, stop):
            rest = self.walk.along(joined(rest, listed), final=False)
        return rest

    def finish(self, count: int | None) -> None:
        """Look at the end, and at the number of zeros."""
        if self._held is not None and self._held.offsets.size:
            self._inspect(self._held, None, final=True)
        if count is not None and not self._broken and count != self.count:
            self.walk.faults.append(self._wrong_count(count))

    def _wrong_count(self, count: int) -> Fault:
        kind = Kind.TRUNCATED if self.count < count else Kind.TOO_LONG
        advice = "get the whole table" if self.count < count else "delete what is too much"
        last = self.table.start + self.count - 1
        place = self.table.place(last) if self.count else "the beginning"
        sentence = f"{kind}: {self.count} zeros, up to {place}, where {count} should be: {advice}"
        return Fault(kind, last, place, sentence)

    def report(self, hashed: bool) -> Report:
        """What was seen."""
        if not self.count and not self._broken:
            raise UserError(f"{self.table.path} holds no zeros: give a table of zeros")
        lowest, highest = self._ends or (math.nan, math.nan)
        return Report(
            path=self.table.path,
            format=self.table.format,
            start=self.table.start,
            count=self.count,
            lowest=lowest,
            highest=highest,
            greatest_s=self.screen.greatest_s,
            worst_mean=self.screen.worst_mean,
            worst_area=self.screen.worst_area,
            deep=self.deep,
            compared=self._compared(),
            hashes=hashed,
            faults=self.walk.faults,
            stopped=self._stopped(),
            more=self.walk.ended or self._broken,
            provenance=self.table.provenance(),
        )

    def _stopped(self) -> str:
        """Where the table has not been read on; empty where it has been read to its end."""
        if not (self.cut or self._broken):
            return ""
        return (
            self.table.place(self.table.start + self.count - 1) if self.count else "its beginning"
        )

    def _compared(self) -> str:
        """Which zeros were compared with the engine's."""
        if not self.count:
            return "nothing"
        if self.walk.ended:
            return (
                "every zero up to the last fault"
                if self.deep
                else "first zeros, and those around the faults"
            )
        if self._broken:
            return "every zero read" if self.deep else "first zeros, and the last ones read"
        return "every zero" if self.deep else "first and last zeros"


def between(table: ZeroTable, start: int, stop: int) -> Iterator[Stretch]:
    """The entries of a table for the ordinals [start, stop), as far as it has them."""
    for listed in _from(table, start, stop):
        low, high = max(listed.start, start), min(listed.stop, stop)
        if low < high:
            yield listed.part(low, high)
        if listed.stop >= stop:
            return


def _from(table: ZeroTable, start: int, stop: int) -> Iterator[Stretch]:
    """The stretches of a table, without those outside [start, stop) where it can skip them."""
    if isinstance(table, ShardTable):
        return table.stretches(start, stop)
    return table.stretches()
