"""`zeta zeros convert`: a table in another format."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from zeta_exp.cli.made import made
from zeta_exp.cli.output import tell
from zeta_exp.cli.sources import check_distinct, check_target, count_screened, sound
from zeta_exp.errors import UserError

if TYPE_CHECKING:
    from zeta_exp.cli.watch import Watch
    from zeta_exp.zeros.formats import ZeroTable
    from zeta_exp.zeros.stretch import Stretch

_WITHOUT_TOLERANCE = ("lmfdb", "npy")  # formats that can't say how exact their zeros are


class Counted:
    """Stretches, counted as they go by."""

    def __init__(self, stretches: Iterable["Stretch"], watch: "Watch") -> None:
        self._stretches = stretches
        self._watch = watch
        self.zeros = 0

    def __iter__(self) -> Iterator["Stretch"]:
        for stretch in self._stretches:
            yield stretch
            self.zeros += stretch.offsets.size
            self._watch.advance(stretch.offsets.size)


def convert(arguments: argparse.Namespace) -> int:
    """Write SRC as DST; returns 0.  Raises UserError before anything is written."""
    source, target = arguments.src, arguments.dst
    check_target(target, "DST")
    check_distinct(source, target)
    name = _format(target, arguments.format, arguments.form)
    if name != "shards":
        _check_file(target, arguments.overwrite)
    table = sound(source, arguments.start)
    if name == "shards":
        _write_shards(table, target, arguments.form)
    else:
        _write_file(table, target, name)
    return 0


def _format(target: str, asked: str | None, form: str | None) -> str:
    """The format to write; raises UserError where that is unknown or does not suit the target."""
    from zeta_exp import files
    from zeta_exp.zeros.formats import FORMATS, format_of

    if asked is not None and asked not in (*FORMATS, "shards"):
        known = ", ".join((*FORMATS, "shards"))
        raise UserError(f"format {asked!r} is unknown; known: {known}")
    into_shards = target.endswith("/") or files.is_folder(target)
    if asked == "shards" or (asked is None and into_shards):
        return "shards"
    if form:
        raise UserError(f"--form is for shards: leave it out, or give a folder instead of {target}")
    if into_shards:
        raise UserError(f"{target} is a folder: give a file, or leave out --format for shards")
    return asked or format_of(target)


def _check_file(target: str, overwrite: bool) -> None:
    from zeta_exp import files

    if files.exists(target) and not overwrite:
        raise UserError(f"{target} is there already: add --overwrite or choose another name")


def _write_file(table: "ZeroTable", target: str, name: str) -> None:
    from zeta_exp.cli.watch import Watch
    from zeta_exp.zeros.formats import write

    with Watch("converting") as watch:
        watch.begin(getattr(table, "count", None))
        counted = Counted(table.stretches(), watch)
        write(target, counted, name, table.tolerance)
    if table.tolerance and name in _WITHOUT_TOLERANCE:
        print(
            f"note: {name} can't say that the heights in {table.path} are right to "
            f"{table.tolerance:.1g} only; remember it for {target}",
            file=sys.stderr,
        )
    tell(f"{target}: {counted.zeros:,} zeros from ordinal {table.start} as {name}")


def _write_shards(table: "ZeroTable", folder: str, form: str | None) -> None:
    """Two passes over the table: one to look at its zeros, one to write them."""
    from zeta_exp.zeros.shards import SHARD_SIZE, Plan, form_for, listed

    count = count_screened(table)
    supply = listed(table)
    last = table.start + count - 1
    made(folder, Plan(table.start, count, SHARD_SIZE, form_for(last, form), supply.source), supply)
