"""A trained model on a window of ordinals, piece by piece, always with its full receptive field."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from zeta_exp.batch import Batch, Line
from zeta_exp.graph.blocks import Block, contiguous
from zeta_exp.losses import WeightedLoss
from zeta_exp.losses.weighted import Statistics
from zeta_exp.models import Model
from zeta_exp.ranks import ALONE, Ranks

BLOCK = 8192  # ordinals of a forward pass
KEPT_BYTES = 32 * 2**20  # of the features of batches that are kept for the next evaluation


class Piece(NamedTuple):
    """What a model says of consecutive ordinals."""

    start: int  # the first ordinal
    residuals: NDArray[np.float64]  # (B,) predicted δ̂_n in mean spacings
    statistics: Statistics  # sums of every loss term over the piece; empty without a loss

    def emptied(self) -> "Piece":
        """The same of no ordinals."""
        nothing = {name: torch.zeros_like(sums) for name, sums in self.statistics.items()}
        return Piece(self.start, self.residuals[:0], nothing)


class Window:
    """The ordinals [start, stop), cut into exact blocks; no more than a few are held at once.

    Where the features of all of them take little room, the batches are kept from one evaluation to
    the next.
    """

    def __init__(self, line: Line, start: int, stop: int, halo: int) -> None:
        self._line, self.start, self.stop, self._halo = line, start, stop, halo
        self._kept: dict[Block, Batch] = {}

    def evaluate(
        self, model: Model, loss: WeightedLoss | None = None, ranks: Ranks = ALONE
    ) -> Iterator[Piece]:
        """Predictions and, with a loss, statistics of the blocks that are this process's.

        A process without a block yields one piece of no ordinals, so that it has sums to add.
        """
        blocks = contiguous(self.start, self.stop, BLOCK, self._halo)
        own = ranks.share(blocks)
        for block in own or blocks[:1]:
            piece = _measured(block.start, self._batch(block), model, loss)
            yield piece if own else piece.emptied()

    def _batch(self, block: Block) -> Batch:
        """The block as the model sees it, kept where all of the window's together are small."""
        if block in self._kept:
            return self._kept[block]
        batch = self._line.runs([block], (self.start, self.stop))
        if batch.features.nbytes * (self.stop - self.start) <= KEPT_BYTES * len(block):
            self._kept[block] = batch
        return batch


@torch.no_grad()
def _measured(start: int, batch: Batch, model: Model, loss: WeightedLoss | None) -> Piece:
    """The piece that begins at `start` and that the batch owns."""
    output = model(batch)
    residuals = batch.line.target.residual(batch.ordinals, output)[batch.owned]
    statistics = {} if loss is None else loss.statistics(batch, output, model)
    return Piece(start, residuals.double().cpu().numpy(), statistics)
