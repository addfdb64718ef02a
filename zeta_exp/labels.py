"""Labels: the training zeros whose true place the run may use.

Where the truth is scarce a prior has something to say.  With `labels.fraction=0.01` one training
zero in a hundred is labelled: the squared error, closed forms and fitted baselines see these alone.
The terms that need no truth (gue_nll, gue_nll_matched, gue_mmd, rg) act on the whole range, and
validation and extrapolation stay whole.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.split import Split

LAYOUTS = ("scattered", "runs")
RUN = 64  # consecutive ordinals that are labelled together where layout=runs
PIECE = 2**20  # ordinals whose labels are counted at once
GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # of splitmix64


@dataclass(frozen=True)
class Labels:
    """Which training zeros are labelled: those whose hash is below the fraction.

    The hash is splitmix64 (Steele, Lea and Flood 2014) of the ordinal and `seed`, or of the place
    of a run of 64 ordinals where layout=runs.  So a smaller fraction is a part of a larger one, and
    runs of any N, loss or strategy agree on an ordinal.

        >>> Labels(0.01, split=Split(1, 10_000)).count
        99
    """

    fraction: float = 1.0  # of the training zeros, 0 to 1
    layout: str = "scattered"  # each zero by itself | runs, of 64 consecutive ones
    seed: int = 0  # of the choice, and of nothing else
    split: Split | None = None  # what is validated is always labelled; None: all is training

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:
            raise UserError(
                f"labels.fraction={self.fraction} is no share of the training zeros: use 0 to 1"
            )
        if self.layout not in LAYOUTS:
            known = ", ".join(LAYOUTS)
            raise UserError(f"labels.layout={self.layout} is unknown; known: {known}")

    @property
    def whole(self) -> bool:
        """Whether every zero is labelled."""
        return self.fraction >= 1

    def words(self) -> str:
        """For the screen."""
        what = "of the training zeros" if self.layout == "scattered" else "in runs of 64"
        return f"{self.count:,} ({100 * self.fraction:g}% {what}); the loss sees no other"

    def known(self, ordinals: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the ordinals (…) are labelled, or lie outside the training range."""
        if self.whole:
            return np.ones(ordinals.shape, dtype=np.bool_)
        unit = ordinals if self.layout == "scattered" else (ordinals - 1) // RUN
        labelled = _hash(unit, self.seed) < np.float64(self.fraction) * 2.0**64
        if self.split is None:
            return np.asarray(labelled)
        start, stop = self.split.train
        return np.asarray(labelled | (ordinals < start) | (ordinals >= stop))

    def between(self, start: int, stop: int) -> NDArray[np.bool_]:
        """The same of the ordinals [start, stop), (stop − start,)."""
        return self.known(np.arange(start, stop))

    @cached_property
    def count(self) -> int:
        """How many training zeros are labelled; time grows with N, memory does not."""
        if self.split is None:
            raise ValueError("labels without a split have no training range to count")
        start, stop = self.split.train
        if self.whole:
            return stop - start
        cuts = range(start, stop, PIECE)
        return sum(int(self.between(low, min(low + PIECE, stop)).sum()) for low in cuts)


EVERY_ZERO = Labels()


def _hash(unit: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """splitmix64 of each unit (…) in the stream of the seed; even over [0, 2^64)."""
    with np.errstate(over="ignore"):
        z = unit.astype(np.uint64) + np.uint64(_mixed(seed))
        z *= np.uint64(GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
        return np.asarray(z ^ (z >> np.uint64(31)))


def _mixed(seed: int) -> int:
    """Where the stream of a seed begins: far from those of its neighbours."""
    z = (seed * GOLDEN) % 2**64
    z = ((z ^ (z >> 32)) * FIRST) % 2**64
    return z ^ (z >> 29)
