"""What every table of zeros offers, whatever the format of its file."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from zeta_exp.errors import UserError
from zeta_exp.zeros.stretch import Stretch

CHUNK = 1 << 20  # zeros of a stretch, at most
COARSE_HEIGHT = 3_293_531_632.25  # of ordinal COARSE_FROM: from here on float64 is too coarse


class ZeroTable(Protocol):
    """Listed zeros of consecutive ordinals, read as a stream so that no table is too long."""

    @property
    def path(self) -> str:
        """Where the table is."""

    @property
    def format(self) -> str:
        """One of text, odlyzko, npy, lmfdb, shards."""

    @property
    def start(self) -> int:
        """The ordinal of the first zero."""

    @property
    def tolerance(self) -> float:
        """How far a listed γ may be from the true one, beyond the rounding of float64."""

    def stretches(self) -> Iterator[Stretch]:
        """The zeros from the first on, at most CHUNK at a time; each call begins anew.

        Raises UserError that names the file and the line or byte where it is malformed.
        """

    def place(self, n: int) -> str:
        """Where ordinal n is in the file: "line 17", "entry 17", "block 2, record 5"."""

    def provenance(self) -> dict[str, str | int]:
        """Format, path, sha256 and what else the file says of itself."""


def consecutive(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """The stretches that hold zeros, each found to be finite and to go on where the last ended.

    Raises UserError that names an ordinal with nan or ∞, or where there is no zero at all;
    ValueError for a gap.
    """
    following, some = None, False
    for stretch in stretches:
        if following not in (None, stretch.start):
            raise ValueError(f"a stretch begins at ordinal {stretch.start}, not {following}")
        following = stretch.stop
        wrong = np.flatnonzero(~np.isfinite(stretch.offsets))
        if wrong.size:
            n = stretch.start + int(wrong[0])
            raise UserError(
                f"ordinal {n} is {stretch.offsets[wrong[0]]}, which no table should hold: mend the "
                "source first ('zeta zeros verify' lists its faults)"
            )
        if stretch.offsets.size:
            some = True
            yield stretch
    if not some:
        raise UserError("there is no zero to write: ask for one or more")
