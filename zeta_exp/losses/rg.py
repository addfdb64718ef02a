"""The renormalisation-group penalty in its three forms.

`block_spin` and `local` compare f on the coarse-grained line with the coarse-grained f;
`dilation` is the published scripts' form.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.errors import UserError
from zeta_exp.graph import Block
from zeta_exp.losses.base import LossTerm, MeanTerm
from zeta_exp.models import Model

SCALES = (2, 4)
GLOBAL = "couples scales across the whole line, which no cluster sees; use loss.rg.form=local"


def _first_cell_from(ordinal: int, b: int) -> int:
    """The first cell whose first ordinal is ≥ `ordinal`; cell k holds (k−1)b+1 … kb."""
    return -((1 - ordinal) // b) + 1


def check_scales(scales: Sequence[int]) -> None:
    """Refuses levels that coarse-grain nothing, or one level twice."""
    if not scales or min(scales) < 2:
        raise UserError(
            f"loss.rg.scales={list(scales)} coarse-grains nothing: give the ordinals of a cell, "
            "each 2 or more, as in loss.rg.scales=[2,4]"
        )
    if len(set(scales)) < len(scales):
        raise UserError(
            f"loss.rg.scales={list(scales)} names a level twice: give each once; "
            "loss.weights.rg weighs them all"
        )


class BlockSpin(LossTerm):
    """mean_b mean_k (f(R_b X)_k − (R_b f(X))_k)² over levels b, gradients through both branches.

    R_b averages over aligned cells of b ordinals (Kadanoff's block spin).  It vanishes for a
    pointwise affine f; of a ±1 convolution it asks for scale-free kernels.  A cell belongs to the
    block that owns its first ordinal; a cell that an end of the scope cuts is dropped and counted.
    Statistics: [Σ r², cells, cells dropped] for each b.
    """

    name = "rg"
    needs_whole_line = GLOBAL
    needs_runs = True

    def __init__(self, scales: Sequence[int] = SCALES) -> None:
        check_scales(scales)
        self._scales = tuple(scales)
        self.margin = max(scales) - 1
        self.view_nodes = sum(1 / b for b in scales)

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """(3·len(scales),) float64."""
        return torch.cat([self._at_scale(b, batch, output, model) for b in self._scales])

    def count(self, total: Tensor) -> Tensor:
        """The number of cells over all scales."""
        return total[1::3].sum()

    def value(self, total: Tensor) -> Tensor:
        """Mean of Σ r² / cells over the scales that have cells."""
        squares, cells = total[0::3], total[1::3]
        measured = cells > 0
        return (squares[measured] / cells[measured]).mean()

    def prepare(self, batch: Batch, model: Model) -> None:
        """The coarse views."""
        for b in self._scales:
            self._coarse(b, batch, model)

    def _coarse(self, b: int, batch: Batch, model: Model) -> Batch:
        return batch.view(
            f"{type(self).__name__} {b}",
            lambda: batch.line.coarse(b).runs(
                [self._coarse_block(b, block, model.receptive_field) for block in batch.blocks]
            ),
        )

    def _at_scale(self, b: int, batch: Batch, output: Tensor, model: Model) -> Tensor:
        coarse = self._coarse(b, batch, model)
        counted, dropped = self._counted(b, batch, coarse, model.receptive_field)
        average = _average_over_cells(b, batch, coarse, output)
        difference = (model(coarse) - average).double() * counted
        all_dropped = dropped.sum().double() + self._cut_below(b, batch)
        return torch.stack([difference.square().sum(), counted.sum().double(), all_dropped])

    def _coarse_block(self, b: int, block: Block, halo: int) -> Block:
        """The cells that begin in the block, seen with their whole receptive field."""
        first, stop = _first_cell_from(block.start, b), _first_cell_from(block.stop, b)
        return Block.with_halo(first, max(stop, first + 1), halo)

    def _counted(self, b: int, batch: Batch, coarse: Batch, halo: int) -> tuple[Tensor, Tensor]:
        """Masks of the coarse nodes that count, and of those the scope cuts."""
        first = (coarse.ordinals - 1) * b + 1
        # a block shorter than a cell may own none; the node held for it then starts beyond it
        own = coarse.owned & (first < first.new_tensor([[block.stop] for block in batch.blocks]))
        complete = first + b <= batch.scope[1]
        return own & complete, own & ~complete

    def _cut_below(self, b: int, batch: Batch) -> int:
        """Cells dropped because the scope begins inside them."""
        start = batch.scope[0]
        return sum(block.start == start and (start - 1) % b > 0 for block in batch.blocks)


class LocalBlockSpin(BlockSpin):
    """`block_spin` inside each block: the coarse line ends where the block's view ends.

    Counts the cells that lie in the block and whose coarse receptive field lies in its view.
    """

    needs_whole_line = ""
    not_additive = "is cut where the blocks are; use loss.rg.form=block_spin"

    def __init__(self, scales: Sequence[int] = SCALES) -> None:
        super().__init__(scales)
        self.margin = 0

    def check_block(self, size: int, view: int, receptive_field: int) -> None:
        """Refuses blocks of `size` ordinals, seeing `view`, too short to hold one whole cell."""
        b = max(self._scales)
        cells = min((view - (b - 1)) // b - 2 * receptive_field, size // b - 1)
        if cells < 1:
            needed = b * (2 * receptive_field + 2)
            raise UserError(
                f"loss.rg.form=local finds no whole coarse cell of {b} in blocks of {size} "
                f"ordinals: use strategy.block_size={needed} or more, or smaller loss.rg.scales"
            )

    def _coarse_block(self, b: int, block: Block, halo: int) -> Block:
        """The cells inside the block, seen as far as the block sees whole cells."""
        first, stop = _first_cell_from(block.start, b), (block.stop - 1) // b + 1
        lo, hi = _first_cell_from(block.lo, b), (block.hi - 1) // b + 1
        stop = max(stop, first + 1)  # a last block shorter than a cell holds one uncounted node
        return Block(first, stop, lo, max(hi, stop))

    def _counted(self, b: int, batch: Batch, coarse: Batch, halo: int) -> tuple[Tensor, Tensor]:
        k = coarse.ordinals
        lo = k.new_tensor([[block.lo] for block in coarse.blocks])
        hi = k.new_tensor([[block.hi] for block in coarse.blocks])
        inside = ((k - halo >= lo) | (lo == 1)) & (k + halo < hi)
        stop = k.new_tensor([[block.stop] for block in batch.blocks])
        own = coarse.owned & (k * b < stop)
        return own & inside, own & ~inside


class Dilation(MeanTerm):
    """mean (stopgrad f(x_{2n})/2 − f(x_n))², f at 2n with its true neighbours 2n ± o.

    n runs over the ordinals of the scope with 2n in the scope too; where there is none (the
    validation range, high starts) over all of it, since f at 2n needs no zero.  For residuals the
    truth violates it (δ_n and δ_2n are uncorrelated) and f ≡ 0 satisfies it: kept for the record.
    Statistics: [Σ r², count].
    """

    name = "rg"
    needs_whole_line = GLOBAL
    view_nodes = 1.0
    needs_runs = True

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """[Σ r², count], float64."""
        doubled = self._at_doubles(batch, model)
        with torch.no_grad():
            at_double = model(doubled)
        position = 2 * batch.ordinals - doubled.graph.ordinals[:, :1]
        half = at_double.gather(-1, position.clamp(0, at_double.shape[-1] - 1)) / 2
        counted = batch.owned & (batch.ordinals < _dilated_stop(batch.scope))
        difference = (half - output).double() * counted
        return torch.stack([difference.square().sum(), counted.sum().double()])

    def prepare(self, batch: Batch, model: Model) -> None:
        """The doubled view."""
        self._at_doubles(batch, model)

    @staticmethod
    def _at_doubles(batch: Batch, model: Model) -> Batch:
        return batch.view(
            "doubled",
            lambda: batch.line.runs(
                [_doubled(block, batch.scope, model.receptive_field) for block in batch.blocks]
            ),
        )


def _dilated_stop(scope: tuple[int, int]) -> int:
    """The first ordinal of the scope that dilation leaves out."""
    start, stop = scope
    return stop if 2 * start >= stop else -(-stop // 2)


def _doubled(block: Block, scope: tuple[int, int], halo: int) -> Block:
    """The ordinals 2n of those n in the block that count; at least one, uncounted if need be."""
    stop = max(min(block.stop, _dilated_stop(scope)), block.start + 1)
    return Block.with_halo(2 * block.start, 2 * stop - 1, halo)


def _average_over_cells(b: int, batch: Batch, coarse: Batch, output: Tensor) -> Tensor:
    """(R_b f(X))_k for every node of the coarse runs, (R, K); arbitrary where not counted."""
    start = (coarse.graph.ordinals - 1) * b + 1 - batch.graph.ordinals[:, :1]
    members = start[..., None] + torch.arange(b, device=start.device)
    members = members.clamp(0, output.shape[-1] - 1)
    # indexing, unlike gather, has a deterministic gradient on a GPU
    runs = torch.arange(len(output), device=output.device)[:, None, None]
    return output[runs, members].mean(-1)


RG_FORMS: dict[str, Callable[[Sequence[int]], LossTerm]] = {
    "block_spin": BlockSpin,
    "dilation": lambda scales: Dilation(),  # its one scale is 2
    "local": LocalBlockSpin,
}
