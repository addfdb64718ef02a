"""Tables of zeros in the formats in use: recognised by content, read and written as streams."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from zeta_exp.errors import UserError
from zeta_exp.files import explained, is_folder, names
from zeta_exp.zeros.formats.contents import HEAD, kind_of, opened, take
from zeta_exp.zeros.formats.lmfdb import read_lmfdb
from zeta_exp.zeros.formats.lmfdb_writer import write_lmfdb
from zeta_exp.zeros.formats.npy import read_npy, write_npy
from zeta_exp.zeros.formats.printing import write_odlyzko, write_text
from zeta_exp.zeros.formats.protocol import CHUNK, ZeroTable
from zeta_exp.zeros.formats.text import read_text
from zeta_exp.zeros.stretch import Stretch

__all__ = ["CHUNK", "FORMATS", "ZeroTable", "format_of", "read", "write"]

FORMATS = ("lmfdb", "npy", "odlyzko", "text")  # that `write` knows
_SUFFIXES = {".txt": "text", ".odlyzko": "odlyzko", ".npy": "npy", ".dat": "lmfdb"}


def read(path: str | Path, start: int | None = None) -> ZeroTable:
    """The table in a file or folder of any format, local or remote.

    start: ordinal of the first zero, for a file that does not say it or says it wrongly; without
    it, what the file says, else 1.  Raises UserError for what is no table.
    """
    path = str(path)
    if start is not None and start < 1:
        raise UserError(f"start={start} is no ordinal of a zero: use 1 or more")
    if is_folder(path):
        return _read_folder(path, start)
    with opened(path) as file:
        kind = kind_of(path, take(file, HEAD))
    readers: dict[str, Callable[[str, int | None], ZeroTable]] = {
        "npy": read_npy,
        "lmfdb": read_lmfdb,
        "text": read_text,
    }
    return readers[kind](path, start)


def _read_folder(path: str, start: int | None) -> ZeroTable:
    """The shards of a folder, which know their ordinals."""
    from zeta_exp.zeros.shards import open_table  # which writes through this package

    with explained(path):
        inside = names(path)
    if not any(name.startswith("manifest") and name.endswith(".json") for name in inside):
        raise UserError(f"{path} is a folder without a manifest.json: give a file, or shards")
    table = open_table(path)
    if start not in (None, table.start):
        raise UserError(
            f"{path} begins at ordinal {table.start} by its manifest, not at start={start}: "
            "leave start out"
        )
    return table


def format_of(path: str | Path) -> str:
    """The format that a file's name asks for: .txt, .odlyzko, .npy or .dat, each perhaps with .gz.

    Raises UserError for another.
    """
    name = str(path).removesuffix(".gz")
    for suffix, result in _SUFFIXES.items():
        if name.endswith(suffix):
            return result
    known = ", ".join(f"{suffix} ({name})" for suffix, name in _SUFFIXES.items())
    raise UserError(f"{path} has no suffix of a format: use {known}, or name the format")


def write(
    path: str | Path, stretches: Iterable[Stretch], format: str, tolerance: float = 0.0
) -> None:
    """Writes consecutive stretches as one file, whole or not at all; a .gz suffix packs it.

    tolerance: how far a γ may be from the true one; text and odlyzko then print only the decimals
    that are right, from which a reader learns it; npy and lmfdb can't tell it.  Raises UserError
    for an unknown format, for zeros that the format can't hold, and for a place that can't be
    written.
    """
    writers: dict[str, Callable[[str, Iterable[Stretch]], None]] = {
        "lmfdb": write_lmfdb,
        "npy": write_npy,
        "odlyzko": partial(write_odlyzko, tolerance=tolerance),
        "text": partial(write_text, tolerance=tolerance),
    }
    if format not in writers:
        raise UserError(f"format {format!r} is unknown; known: {', '.join(FORMATS)}")
    writers[format](str(path), stretches)
