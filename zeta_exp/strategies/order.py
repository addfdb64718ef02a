"""The order of an epoch, in memory that does not grow with the number of blocks.

Blocks are arithmetic.  They are grouped by the aligned run of `RUN` ordinals that their first
ordinal lies in, since that is what sources of zeros compute and keep.  An epoch visits the runs in
windows of a few, whose blocks are pooled and shuffled: a range within a few runs is shuffled as a
whole, and a longer one asks each run of its source once or twice an epoch.  The runs of a window
come from all parts of the range.  The map from phases to residuals drifts along the line, and a
window of neighbours would leave the network fitted to the part that came last.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zeta_exp.zeros.cache import RUN

WINDOW = 16  # runs that are shuffled together


@dataclass(frozen=True)
class Tiling:
    """[start, stop) cut into `count` blocks, the i-th from start + ⌊i·numerator/denominator⌋."""

    start: int
    stop: int
    count: int
    numerator: int
    denominator: int

    @classmethod
    def of_size(cls, start: int, stop: int, size: int) -> "Tiling":
        """Blocks of `size` ordinals; the last one may be shorter."""
        return cls(start, stop, -(-(stop - start) // size), size, 1)

    @classmethod
    def in_parts(cls, start: int, stop: int, parts: int) -> "Tiling":
        """`parts` ≤ stop − start blocks whose lengths differ by one at most."""
        return cls(start, stop, parts, stop - start, parts)

    def limits(self, block: int) -> tuple[int, int]:
        """The ordinals [first, last) of a block."""
        first, last = (
            self.start + i * self.numerator // self.denominator for i in (block, block + 1)
        )
        return first, min(last, self.stop)

    def first_from(self, ordinal: int) -> int:
        """The first block that begins at `ordinal` or beyond; `count` where none does."""
        blocks = -(-(ordinal - self.start) * self.denominator // self.numerator)
        return min(max(blocks, 0), self.count)

    def runs(self) -> NDArray[np.int64]:
        """The blocks that begin in the k-th aligned run are runs[k] … runs[k+1] − 1."""
        first = (self.start - 1) // RUN * RUN + 1
        edges = [self.first_from(ordinal) for ordinal in range(first, self.stop, RUN)]
        return np.array([*edges, self.count], dtype=np.int64)


class Order(Protocol):
    """What is visited once an epoch: `count` blocks or clusters."""

    count: int

    def epoch(self, index: int, skip: int = 0) -> Iterator[int]:
        """All of them in the order of epoch `index`, without the first `skip`."""
        ...


def dealt(count: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """0 … count − 1 in groups of `WINDOW`, which have one of each stretch of neighbours.

    The places are cut into `WINDOW` stretches, of which the last may be short or empty.  Groups,
    and places within them, come in random order.
    """
    groups = -(-count // WINDOW)
    places = np.full(WINDOW * groups, -1)
    places[:count] = np.arange(count)
    shuffled = rng.permuted(rng.permuted(places.reshape(WINDOW, groups), axis=1), axis=0)
    return [group[group >= 0] for group in shuffled.T]


class WindowedOrder:
    """Blocks of a tiling, shuffled within windows of runs from all parts of the range.

    Within a window too, each few blocks come from all parts.
    """

    def __init__(self, tiling: Tiling, seed: int) -> None:
        self._runs = tiling.runs()
        self._seed = seed
        self.count = tiling.count

    def epoch(self, index: int, skip: int = 0) -> Iterator[int]:
        """A function of seed and epoch alone; skipping costs a sum a window."""
        windows = dealt(len(self._runs) - 1, np.random.default_rng((self._seed, index)))
        # the windows are counted from 1: numpy takes (seed, epoch, 0) for (seed, epoch)
        for window, runs in enumerate(map(np.sort, windows), 1):
            limits = zip(self._runs[runs].tolist(), self._runs[runs + 1].tolist(), strict=True)
            blocks = np.concatenate([np.arange(first, last) for first, last in limits])
            if skip >= len(blocks):
                skip -= len(blocks)
                continue
            rng = np.random.default_rng((self._seed, index, window))
            order = np.concatenate(dealt(len(blocks), rng))
            yield from blocks[order[skip:]].tolist()
            skip = 0


class ShuffledOrder:
    """All of `count` at random, in memory for each."""

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self._seed = seed

    def epoch(self, index: int, skip: int = 0) -> Iterator[int]:
        """A function of seed and epoch alone."""
        rng = np.random.default_rng((self._seed, index))
        yield from rng.permutation(self.count)[skip:].tolist()


@dataclass(frozen=True)
class Steps:
    """An order cut into the fewest steps of at most `per_step`, whose sizes differ by one at most.

    Equal steps: an ordinal of a short last step would weigh more than the others.
    """

    order: Order
    per_step: int

    @property
    def count(self) -> int:
        """Steps of an epoch."""
        return -(-self.order.count // self.per_step)

    def epoch(self, index: int, skip: int = 0) -> Iterator[list[int]]:
        """The blocks of each step of epoch `index`, without the first `skip` steps."""
        edges = (step * self.order.count // self.count for step in range(skip, self.count + 1))
        begin = next(edges)
        blocks = self.order.epoch(index, begin)
        for end in edges:
            yield [next(blocks) for _ in range(end - begin)]
            begin = end
