"""What a check of a table says."""

from dataclasses import dataclass, field

from zeta_exp.zeros.integrity.finding import Kind
from zeta_exp.zeros.integrity.screen import Extreme

LIMIT = 5  # faults that are named


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: what, where and what to do about it."""

    kind: Kind
    ordinal: int  # the true ordinal concerned
    place: str  # where in the table
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Report:
    """A table, what was looked at, and the faults found in it (at most LIMIT, the first ones)."""

    path: str
    format: str
    start: int  # first ordinal, as the table says
    count: int  # zeros looked at
    lowest: float  # height of the first; nan before any
    highest: float  # height of the last; nan before any
    greatest_s: Extreme  # largest |S| beside a zero
    worst_mean: Extreme  # largest |mean of 16 residuals|, below 0.5
    worst_area: Extreme  # largest |∫S| relative to its bound, below 1
    deep: bool  # whether every zero was to be compared with the engine
    compared: str  # which zeros were
    hashes: bool  # whether the table has hashes, which then were checked
    faults: list[Fault] = field(default_factory=list)
    stopped: str = ""  # where reading ended early
    more: bool = False  # whether the search ended early, so that there may be more faults
    provenance: dict[str, str | int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether no fault was found."""
        return not self.faults

    def __bool__(self) -> bool:
        return self.ok

    def lines(self) -> list[str]:
        """The report for the screen."""
        seen = [
            f"{self.path} ({self.format}): {self._extent()}",
            *self._statistics(),
            *(["hashes: checked"] if self.hashes else []),
            f"compared with the engine: {self.compared}",
        ]
        return [*seen, *(f"fault: {fault}" for fault in self.faults), self._verdict()]

    def _extent(self) -> str:
        """How many zeros were seen, and which: those of the table, or a part of them."""
        if not self.count:
            return f"no zeros read (stopped at {self.stopped})"
        heights = f"heights {self.lowest:.3f} to {self.highest:.3f}"
        if self.stopped:
            return f"{self.count} zeros read so far (stopped at {self.stopped}), {heights}"
        last = self.start + self.count - 1
        return f"{self.count} zeros, ordinals {self.start} to {last}, {heights}"

    def _statistics(self) -> list[str]:
        """The extremes, each with its ordinal; none for zeros that were not screened."""
        rows = (
            ("greatest |S|", self.greatest_s, ""),
            ("worst mean of 16 residuals", self.worst_mean, " of 0.5 allowed"),
            ("worst |∫S|", self.worst_area, " of its bound"),
        )
        return [
            f"{name}: {extreme.value:.3f}{unit}, at ordinal {extreme.ordinal}"
            for name, extreme, unit in rows
            if extreme.ordinal
        ]

    def _verdict(self) -> str:
        if self.ok:
            return "ok" if self.deep else "ok; --deep compares every zero with the engine"
        number = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        return f"{number}{'; there may be more behind' if self.more else ''}"
