"""The exact gradient of the whole line in the memory of one block."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from zeta_exp.batch import Batch, Line
from zeta_exp.errors import UserError
from zeta_exp.graph import Block
from zeta_exp.losses import WeightedLoss
from zeta_exp.models import Model
from zeta_exp.ranks import Ranks
from zeta_exp.split import Split
from zeta_exp.strategies.ahead import ahead
from zeta_exp.strategies.base import Portion, Step, Strategy, Visits
from zeta_exp.strategies.order import dealt

BLOCK_SIZE = {"cpu": 4096, "cuda": 2**18}  # a block's activations fit a cache; a GPU wants work
LEAST_BLOCK = 2
BATCHES_AHEAD = 1
STEPS_AHEAD = 4  # where a step is one small block
# Nodes of a step, the same in every epoch, whose batches stay on the device.  A GPU works on a node
# of the default model for as long as its 71 to 400 features take to arrive.
RESIDENT_NODES = {"cpu": 0, "cuda": 2**21}
REMEMBERED_STEPS = 1024  # steps whose counts are kept, to spare their terms the first pass


class Streamed(Strategy):
    """Every update follows the exact gradient of its part of the line, one block at a time.

    steps_per_epoch=1: the whole training range, full-batch descent with every loss.  k: each k-th
    part of it, exact on that part, its spacings and cells at the edges included: all between full
    batch and mini-batch.  The parts come in an order drawn from seed and epoch, any few of them
    from all along the range.  block_size bounds memory and changes no result but by rounding;
    None: what suits the device.
    """

    name = "streamed"
    in_blocks_same = "the same gradient"

    def __init__(self, block_size: int | None, steps_per_epoch: int, seed: int) -> None:
        for key, value, least in (
            ("block_size", block_size, LEAST_BLOCK),
            ("steps_per_epoch", steps_per_epoch, 1),
        ):
            if value is not None and value < least:
                raise UserError(f"strategy.{key}={value} is too small: use {least} or more")
        self._block_size = block_size
        self.steps_per_epoch = steps_per_epoch
        self.seed = seed

    def block_size(self, split: Split, model: Model, device_type: str) -> int:
        """Ordinals of a block on a device; no more than a step has."""
        start, stop = split.train
        longest = -(-(stop - start) // self.steps_per_epoch)
        return min(self._block_size or BLOCK_SIZE[device_type], longest)

    def margin(self, loss: WeightedLoss, model: Model) -> int:
        """Ordinals that a block sees on either side, for exact outputs and statistics."""
        return model.receptive_field + loss.margin(loss.active)

    def check(self, split: Split, loss: WeightedLoss, model: Model) -> None:
        """Refuses what is not exact block by block."""
        nodes = split.train[1] - split.train[0]
        if self.steps_per_epoch > nodes // LEAST_BLOCK:
            raise UserError(
                f"strategy.steps_per_epoch={self.steps_per_epoch} leaves steps of less than "
                f"{LEAST_BLOCK} of the {nodes} training ordinals of N={split.N}: use "
                f"{nodes // LEAST_BLOCK} or fewer"
            )
        if model.inexact:
            raise UserError(
                f"strategy={self.name} needs blocks that give the outputs of the whole line, and "
                f"{model.inexact}: leave that out of the model or use strategy=minibatch"
            )
        for name in loss.active:
            if reason := loss.terms[name].not_additive:
                raise UserError(
                    f"loss.weights.{name}={loss.weights[name]:g} with strategy={self.name}: the "
                    f"term {reason}, or strategy=fullbatch"
                )

    def notes(self, split: Split, loss: WeightedLoss, model: Model) -> list[str]:
        """Says where the halo is most of the work."""
        margin, size = self.margin(loss, model), self.block_size(split, model, "cpu")
        if self._block_size is None or 2 * margin < size:
            return []
        return [
            f"blocks of {size} ordinals see {margin} on either side, so that each update computes "
            f"{1 + 2 * margin / size:.1f} times the line: a larger strategy.block_size is faster"
        ]

    def portion(self, split: Split, loss: WeightedLoss, model: Model, device_type: str) -> Portion:
        """A block and its halo; the next is made meanwhile, where there is one."""
        size = self.block_size(split, model, device_type)
        longest = -(-(split.train[1] - split.train[0]) // self.steps_per_epoch)
        if self.resident(longest, size, device_type):
            batches = -(-longest // size)
        elif size < longest:
            batches = 1 + BATCHES_AHEAD
        else:
            batches = min(1 + STEPS_AHEAD, self.steps_per_epoch)
        return Portion(
            nodes=size + 2 * self.margin(loss, model),
            batches=batches,
            one_run=True,
            passes=-(-longest // size),
        )

    def resident(self, longest: int, size: int, device_type: str) -> bool:
        """Whether a run makes its batches once: one step an epoch, of one block or few nodes."""
        few = longest <= size or longest <= RESIDENT_NODES[device_type]
        return self.steps_per_epoch == 1 and few

    def in_blocks(self, size: int | None) -> "Streamed":
        """The same steps."""
        return Streamed(size, self.steps_per_epoch, self.seed)

    def open(
        self, line: Line, split: Split, loss: WeightedLoss, model: Model, ranks: Ranks
    ) -> Visits:
        """Steps of consecutive blocks."""
        size = self.block_size(split, model, line.device.type)
        margin = self.margin(loss, model)
        # a cell of b ordinals and r cells of receptive field: where coarse views look
        reach = (loss.margin(loss.active) + 1) * (model.receptive_field + 1)
        return _StreamedVisits(
            self, line, split.train, size, margin, reach, partial(loss.prepare, model=model), ranks
        )


class _StreamedVisits(Visits):
    def __init__(
        self,
        strategy: Streamed,
        line: Line,
        scope: tuple[int, int],
        size: int,
        margin: int,
        reach: int,
        prepare: Callable[[Batch], None],
        ranks: Ranks,
    ) -> None:
        self._line, self._scope, self._ranks = line, scope, ranks
        self._size, self._margin, self._reach = size, margin, reach
        self._prepare = prepare
        self._seed = strategy.seed
        self.updates_per_epoch = strategy.steps_per_epoch
        nodes = scope[1] - scope[0]
        self._resident = strategy.resident(nodes, size, line.device.type)
        self._kept: dict[int, Batch] = {}  # by first ordinal, where every step is the same

    def epoch(self, index: int, skip: int = 0) -> Iterator[Step]:
        rng = np.random.default_rng((self._seed, index))
        order = np.concatenate(dealt(self.updates_per_epoch, rng))
        steps = (self._step(int(part)) for part in order[skip:])
        longest = -(-(self._scope[1] - self._scope[0]) // self.updates_per_epoch)
        if longest <= self._size and self.updates_per_epoch > 1:
            yield from ahead((_made(step) for step in steps), STEPS_AHEAD)
        else:
            yield from steps

    def _step(self, part: int) -> Step:
        start, stop = self._scope
        first, last = (
            start + i * (stop - start) // self.updates_per_epoch for i in (part, part + 1)
        )
        edges = range(first, last, self._size)
        own = self._ranks.share(edges)
        chosen = own or edges[:1]
        remembered = len(edges) > 1 and self.updates_per_epoch <= REMEMBERED_STEPS
        return Step(
            nodes=last - first,
            portions=len(chosen),
            batches=partial(self._batches, chosen, last),
            layout=f"{first}:{last}:{self._size}",
            idle=not own,
            key=part if remembered else None,
        )

    def _batches(self, edges: Sequence[int], stop: int, done: int) -> Iterator[Batch]:
        if self._resident:
            yield from (self._resident_batch(first, stop) for first in edges[done:])
        elif len(edges) > 1:
            yield from ahead((self._batch(first, stop) for first in edges[done:]), BATCHES_AHEAD)
        else:
            yield self._batch(edges[0], stop)

    def _resident_batch(self, first: int, stop: int) -> Batch:
        if first not in self._kept:
            self._kept[first] = self._batch(first, stop)
        return self._kept[first]

    def _batch(self, first: int, stop: int) -> Batch:
        """The block from `first` on; fine and coarse views read one table of features."""
        block = Block.with_halo(first, min(first + self._size, stop), self._margin)
        reach = max(self._reach, self._margin)
        line = self._line.tabulated(block.start - reach, block.stop + reach)
        batch = line.runs([block], self._scope)
        self._prepare(batch)
        return batch


def _made(step: Step) -> Step:
    """The step with its one batch already there."""
    (batch,) = step.batches(0)
    return replace(step, batches=lambda done: iter([batch]))
