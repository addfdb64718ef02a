"""A shard in the making: the only one in memory."""

import numpy as np
from numpy.typing import NDArray

from zeta_exp import files
from zeta_exp.zeros.shards import file
from zeta_exp.zeros.shards.manifest import Shard, known
from zeta_exp.zeros.shards.pieces import Piece
from zeta_exp.zeros.shards.plan import Plan


class Assembly:
    """Collects pieces to the shards of a plan, one after the other, in one buffer."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._numbers = np.empty(min(plan.shard_size, plan.count), plan.form.dtype)
        self._restart()

    def _restart(self) -> None:
        self._index = -1  # of the shard, from 0
        self._filled = 0
        self._size = 0  # of the shard when full
        self._turing = -np.inf
        self._residuals = (np.inf, -np.inf)  # least and greatest; nan if one is
        self._bases: list[tuple[int, float]] = []

    @property
    def full(self) -> bool:
        """Whether the shard is complete."""
        return self._filled == self._size

    def take(self, piece: Piece) -> Piece:
        """Adds what belongs into the shard; returns the rest, which may be empty."""
        zeros = piece.zeros
        if not self._filled:
            self._index = (zeros.start - self._plan.start) // self._plan.shard_size
            self._size = self._plan.span(self._index).count
        border = min(zeros.stop, zeros.start + self._size - self._filled)
        self._add(piece.part(zeros.start, border))
        return piece.part(border, zeros.stop)

    def _add(self, piece: Piece) -> None:
        stop = self._filled + piece.residuals.size
        self._numbers[self._filled : stop] = self._plan.form.encode(piece)
        self._filled = stop
        self._turing = np.fmax(self._turing, piece.turing)
        least, greatest = self._residuals
        self._residuals = (
            np.minimum(least, piece.residuals.min()),
            np.maximum(greatest, piece.residuals.max()),
        )
        if self._plan.form.has_bases:
            base = piece.zeros.base
            if not self._bases or self._bases[-1][1] != base:
                self._bases.append((piece.zeros.start, base))

    def write(self, folder: str) -> Shard:
        """Writes the full shard and forgets it.  Raises UserError for a full disk and the like."""
        name = self._plan.form.file(self._index)
        numbers: NDArray[np.float64] = self._numbers[: self._filled]
        path = files.join(folder, name)
        with files.explained(path):
            digest = file.write(path, self._plan.form, numbers)
        span = self._plan.span(self._index)
        least, greatest = self._residuals
        shard = Shard(
            file=name,
            start=span.start,
            count=span.count,
            first=float(numbers[0]),
            last=float(numbers[-1]),
            sha256=digest,
            turing=known(float(self._turing)),
            least_S=known(-0.5 - float(greatest)),
            greatest_S=known(0.5 - float(least)),
            bases=tuple(self._bases),
        )
        self._restart()
        return shard
