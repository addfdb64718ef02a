"""Tables that commands read and write: what may be trusted, and where output may go."""

import os
from typing import TYPE_CHECKING

from zeta_exp.errors import UserError

if TYPE_CHECKING:
    from zeta_exp.zeros.formats import ZeroTable

_LARGEST_RESIDUAL = 6.0  # in mean spacings; |S| is below 4 wherever it has been computed
_HIGHEST = 1e300  # where the count of zeros is a float64 still
_IN_MEMORY = "memory://"


def sound(path: str, start: int | None) -> "ZeroTable":
    """The table at a path, its hashes right and its first zero where its ordinal says.

    Raises UserError for a table that can't be read, or is not what it says.
    """
    from zeta_exp.zeros.formats import read

    table = read(path, start)
    _check_hashes(table)
    _check_ordinal(table)
    return table


def _check_hashes(table: "ZeroTable") -> None:
    """Raise UserError where a file of shards is not what it was."""
    from zeta_exp.zeros.shards import ShardTable

    faults = table.verify_hashes() if isinstance(table, ShardTable) else []
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise UserError(
            f"{table.path} is damaged ({faults[0]}{more}): the `zeta zeros generate` or `convert` "
            "that made it makes it again"
        )


def _check_ordinal(table: "ZeroTable") -> None:
    """Raise UserError where the first zero is far from the height of its ordinal."""
    from zeta_exp.theory.counting import LOWEST_HEIGHT, smooth_count
    from zeta_exp.zeros.engine import MAX_ORDINAL
    from zeta_exp.zeros.shards import ShardTable

    first = next((listed for listed in table.stretches() if listed.offsets.size), None)
    if first is None or table.start > MAX_ORDINAL:
        return
    height = float(first.ordinates()[0])
    wrong = f"{table.path} does not begin at ordinal {table.start}: its first zero, at {height!r}, "
    if not LOWEST_HEIGHT < height < _HIGHEST:
        raise UserError(f"{wrong}is no zero at all: give a table of the heights of zeros")
    ordinal = float(smooth_count(height)) + 0.5
    if abs(ordinal - table.start) < _LARGEST_RESIDUAL:
        return
    number = round(ordinal)
    if isinstance(table, ShardTable):
        raise UserError(f"{wrong}is about number {number}: make the table again")
    raise UserError(f"{wrong}is about number {number}: give --start {number}, if that is right")


def count_screened(table: "ZeroTable") -> int:
    """How many zeros a table lists, after a look at each; raises UserError for the first fault."""
    from zeta_exp.cli.watch import Watch
    from zeta_exp.zeros.engine import MAX_ORDINAL
    from zeta_exp.zeros.integrity import verify

    count = getattr(table, "count", None)
    with Watch("checking") as watch:
        watch.begin(count)
        if table.start > MAX_ORDINAL:  # where there is nothing to compare with
            return count or sum(listed.offsets.size for listed in table.stretches())
        listed = table.stretches()
        report = verify(table, progress=watch.advance, count=count, stretches=listed)
    if report.faults:
        raise UserError(
            f"{table.path} is faulty ({report.faults[0]}): `zeta zeros verify {table.path}` "
            "says more; mend it first"
        )
    return report.count


def check_target(path: str, name: str) -> None:
    """Raise UserError for a place that no output lasts in.  name: of the argument."""
    if not path.strip():
        raise UserError(f"{name} is empty: give the path of a file or folder")
    if path.startswith(_IN_MEMORY):
        raise UserError(
            f"{path} is gone when the command ends: give a path on a disk or in a bucket"
        )


def check_distinct(source: str, target: str) -> None:
    """Raise UserError where both are the same file or folder."""
    same = source.rstrip("/") == target.rstrip("/")
    if os.path.exists(source) and os.path.exists(target):
        same = same or os.path.samefile(source, target)
    if same:
        raise UserError(f"{source} and {target} are the same: choose another target")
