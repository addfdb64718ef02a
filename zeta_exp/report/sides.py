"""What is compared: runs, and configurations of which there are several runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from zeta_exp.errors import UserError
from zeta_exp.overrides import Choices
from zeta_exp.report.leaderboard import OVER, Entry, Row, rows_of
from zeta_exp.report.provenance import circumstances
from zeta_exp.report.runs import COMPLETED, read_runs
from zeta_exp.report.settings import follows, leaders_of

MOST = 6  # sides that a table has room for


@dataclass(frozen=True)
class Side:
    """One run, or several that differ in what is merged alone."""

    letter: str  # A, B, …
    path: str  # that was given
    row: Row

    @property
    def settings(self) -> dict[str, Any]:
        """All settings; of one that was merged, the values of all runs as those of a sweep."""
        first = self.row.entries[0].settings
        several = {}
        for key in self.row.over:
            values = {entry.settings.get(key) for entry in self.row.entries}
            if len(values) > 1:
                several[key] = Choices(sorted(values))
        return {
            key: value
            for key, value in first.items()
            if several.keys().isdisjoint(leaders_of(key)) or not follows(key, first)
        } | several

    @property
    def circumstances(self) -> dict[str, Any]:
        """What beside the config its runs had; several values as those of a sweep."""
        told = [circumstances(entry.result) for entry in self.row.entries]
        found = {}
        for key in dict.fromkeys(key for each in told for key in each):
            values = list(dict.fromkeys(each.get(key) for each in told))
            found[key] = values[0] if len(values) == 1 else Choices(values)
        return found

    @property
    def title(self) -> str:
        """For the head of a comparison."""
        count = len(self.row.entries)
        return f"{self.letter}  {self.path}" + (f", {count} runs" if count > 1 else "")


def sides_of(paths: Iterable[str], over: Sequence[str] = OVER) -> tuple[list[Side], int]:
    """The finished runs of each path by configuration, and how many have not finished.

    A path is a run's directory or one above runs, local or remote.  Raises UserError where there is
    nothing to compare.
    """
    found: list[tuple[str, Row]] = []
    left_out = 0
    for path in paths:
        runs = read_runs(path)
        entries = [Entry.of(run) for run in runs if run.status == COMPLETED]
        left_out += len(runs) - len(entries)
        if not entries:
            raise UserError(f"{path} holds no finished run: wait for it, or resume it")
        found += [(path, row) for row in rows_of(entries, over)]
    if len(found) < 2:
        raise UserError(
            f"{found[0][0]} holds one configuration, and there is none to compare it with: give "
            "another run or sweep"
        )
    if len(found) > MOST:
        raise UserError(
            f"there are {len(found)} configurations to compare, and room for {MOST}: give fewer "
            "runs, or use `zeta leaderboard`"
        )
    pairs = zip(ascii_uppercase, found, strict=False)
    return [Side(letter, path, row) for letter, (path, row) in pairs], left_out


def same_zeros(settings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all were to see the same zeros."""
    keys = {
        key for each in settings for key in each if key.split(".")[0] in ("zeros", "N", "start")
    }
    return all(each.get(key) == settings[0].get(key) for each in settings for key in keys)
