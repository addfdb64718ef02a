"""Team 2: Cluster-GCN mini-batches, whose memory follows the cluster size and not N."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from zeta_exp.batch import Batch, Line
from zeta_exp.errors import UserError
from zeta_exp.graph import Block
from zeta_exp.graph.partitions import Clusters, PartitionCache, check_size
from zeta_exp.losses import WeightedLoss
from zeta_exp.models import Model
from zeta_exp.ranks import Ranks
from zeta_exp.split import Split
from zeta_exp.strategies.ahead import ahead
from zeta_exp.strategies.base import Portion, Step, Strategy, Visits
from zeta_exp.strategies.order import ShuffledOrder, Steps, Tiling, WindowedOrder

DEFAULT_BLOCK_SIZE = 64
PARTITIONS = ("contiguous", "metis")
# Bytes that an entry of the graph's lists of neighbours takes while METIS works: so the peak of a
# run is 5% over-estimated at 10^5 ordinals with 7 offsets and 12% at 10^6 with one.
METIS_EDGE = 40
STEPS_AHEAD = 4  # whose features and targets are made while the model works
STEPS_TOGETHER = 4  # whose batches are made in one go, where all blocks are equal


class MiniBatch(Strategy):
    """Some clusters a step, in an order drawn from seed and epoch.

    partition=contiguous: blocks of consecutive ordinals, with the halo that makes their outputs
    exact (default) or, with halo=False, with the edges between blocks cut as in Cluster-GCN.
    partition=metis: METIS clusters as in PyG's `ClusterData`, kept in `partition_cache`; edges
    between the clusters of one step are kept, spacings are taken within one cluster only.
    Give the size of a cluster (`block_size`) or their number (`parts`).
    debias: a term that is no mean is the product of two halves of a step's clusters.
    """

    name = "minibatch"

    def __init__(
        self,
        block_size: int | None,
        parts: int | None,
        blocks_per_step: int,
        halo: bool | None,
        partition: str,
        seed: int,
        debias: bool = True,
        partition_cache: str | None = None,
    ) -> None:
        if block_size is not None and parts is not None:
            raise UserError(
                f"strategy.block_size={block_size} and strategy.parts={parts} both fix the size "
                "of a cluster: give one of the two"
            )
        if partition not in PARTITIONS:
            raise UserError(
                f"strategy.partition={partition} is unknown; known: {', '.join(PARTITIONS)}"
            )
        for key, value, least in (
            ("block_size", block_size, 2),
            ("parts", parts, 1),
            ("blocks_per_step", blocks_per_step, 1),
        ):
            if value is not None and value < least:
                raise UserError(f"strategy.{key}={value} is too small: use {least} or more")
        if partition == "metis" and halo:
            raise UserError(
                "strategy.halo=true with strategy.partition=metis: a METIS cluster has no halo; "
                "leave strategy.halo out or use strategy.partition=contiguous"
            )
        self._block_size, self._parts = block_size, parts
        self.blocks_per_step = blocks_per_step
        self.halo = partition == "contiguous" if halo is None else halo
        self.partition = partition
        self.debias = debias
        self.partition_cache = partition_cache
        self.seed = seed
        self._cache_notes: tuple[str, ...] = ()  # known once opened

    def block_size(self, split: Split) -> int:
        """Ordinals of a cluster (the mean, for METIS)."""
        nodes = split.train[1] - split.train[0]
        if self._parts is None:
            size = self._block_size or DEFAULT_BLOCK_SIZE
        else:
            size = -(-nodes // self._parts)
        if size > nodes or size < 2:
            given = f"parts={self._parts}" if self._parts else f"block_size={size}"
            raise UserError(
                f"strategy.{given} does not fit the {nodes} training ordinals of N={split.N}: "
                f"use clusters of 2 to {nodes} ordinals"
            )
        return size

    def parts(self, split: Split) -> int:
        """Number of clusters; METIS may leave some empty."""
        return self._parts or -(-(split.train[1] - split.train[0]) // self.block_size(split))

    def tiling(self, split: Split) -> Tiling:
        """The contiguous clusters of the training range."""
        if self._parts is not None:
            return Tiling.in_parts(*split.train, self._parts)
        return Tiling.of_size(*split.train, self.block_size(split))

    def halves(self, split: Split) -> bool:
        """Whether steps are halved: not where one cluster, or the whole line, is a step."""
        return self.debias and 1 < self.blocks_per_step < self.parts(split)

    def margin(self, loss: WeightedLoss, model: Model) -> int:
        """Ordinals a block sees on either side."""
        return model.receptive_field + loss.margin(loss.active) if self.halo else 0

    def check(self, split: Split, loss: WeightedLoss, model: Model) -> None:
        """Refuses losses that need the whole line, blocks too small for one, and METIS too large.

        Reads no zero and builds no graph.
        """
        size = self.block_size(split)
        if self.partition == "metis":
            check_size(split.train[1] - split.train[0])
        for name in loss.whole_line_terms:
            term = loss.terms[name]
            other = "fullbatch" if term.not_additive else "streamed"
            raise UserError(
                f"loss.weights.{name}={loss.weights[name]:g} with strategy=minibatch: the term "
                f"{term.needs_whole_line}, loss.weights.{name}=0 or strategy={other}"
            )
        for name in loss.active:
            term = loss.terms[name]
            if term.needs_runs and self.partition == "metis":
                raise UserError(
                    f"loss.weights.{name}={loss.weights[name]:g} coarse-grains runs of consecutive "
                    "ordinals, and a METIS cluster is none: use strategy.partition=contiguous"
                )
            view = size + 2 * self.margin(loss, model)
            term.check_block(size, view, model.receptive_field)

    def notes(self, split: Split, loss: WeightedLoss, model: Model) -> list[str]:
        """Names the active terms whose mini-batch gradient is biased; what the cache had to say."""
        whole = self.blocks_per_step >= self.parts(split)
        biased = [name for name in loss.active if not loss.terms[name].value_is_mean]
        if whole or self.halves(split):
            biased = []
        return [
            *self._cache_notes,
            *(
                f"{name} is no mean: on average its mini-batch value exceeds that of the whole "
                "line by the variance of the batch's statistics; strategy.debias=true with "
                "strategy.blocks_per_step=2 or more avoids that"
                for name in biased
            ),
        ]

    def portion(self, split: Split, loss: WeightedLoss, model: Model, device_type: str) -> Portion:
        """The blocks of a step with their halos; the next steps are made meanwhile."""
        size = self.block_size(split) + 2 * self.margin(loss, model)
        steps = -(-self.parts(split) // self.blocks_per_step)
        blocks = -(-self.parts(split) // steps)
        return Portion(size * blocks, min(1 + STEPS_AHEAD, steps), one_run=blocks == 1)

    def partition_bytes(self, split: Split, offsets: tuple[int, ...]) -> int:
        """Of METIS, which holds the graph several times over."""
        if self.partition != "metis":
            return 0
        return METIS_EDGE * 2 * len(offsets) * (split.train[1] - split.train[0])

    def in_blocks(self, size: int | None) -> "MiniBatch":
        """As many clusters a step, of `size` ordinals."""
        return MiniBatch(
            block_size=size,
            parts=None,
            blocks_per_step=self.blocks_per_step,
            halo=self.halo,
            partition=self.partition,
            seed=self.seed,
            debias=self.debias,
            partition_cache=self.partition_cache,
        )

    def open(
        self, line: Line, split: Split, loss: WeightedLoss, model: Model, ranks: Ranks
    ) -> Visits:
        """Steps of `blocks_per_step` clusters or one fewer, dealt out to the ranks in turn."""
        if self.partition == "metis":
            if self.blocks_per_step > 1 and not ranks.alone:
                raise UserError(
                    "strategy.partition=metis with "
                    f"strategy.blocks_per_step={self.blocks_per_step} "
                    "wires the clusters of a step, which several processes would have apart: use "
                    "strategy.blocks_per_step=1, strategy.partition=contiguous or one process"
                )
            return _ClusterVisits(self, line, split, self._clusters(line, split, ranks), ranks)
        return _BlockVisits(self, line, split, self.margin(loss, model), ranks)

    def _clusters(self, line: Line, split: Split, ranks: Ranks) -> Clusters:
        """The METIS clusters, from the first process to all: so they are the same in each."""
        membership = None
        if ranks.first:
            nodes = split.train[1] - split.train[0]
            cache = PartitionCache(self.partition_cache)
            partition = cache.partition(nodes, line.offsets, self.parts(split))
            membership, self._cache_notes = partition.membership, partition.notes
        return Clusters.of(np.asarray(ranks.agree(membership)))


@dataclass(frozen=True)
class _Share:
    """What one process does of a step."""

    clusters: list[int]
    half: NDArray[np.bool_] | None  # (K,) which clusters are of the first half
    nodes: int  # of all processes
    layout: str
    idle: bool


def _from(batches: list[Batch], done: int) -> Iterator[Batch]:
    return iter(batches[done:])


class _MiniBatchVisits(Visits):
    """Steps made ahead, each of one batch."""

    def __init__(
        self, strategy: MiniBatch, line: Line, split: Split, steps: Steps, ranks: Ranks
    ) -> None:
        self._line, self._scope, self._steps, self._ranks = line, split.train, steps, ranks
        self._halved = strategy.halves(split)
        self.updates_per_epoch = steps.count

    def epoch(self, index: int, skip: int = 0) -> Iterator[Step]:
        steps = self._made(index, skip)
        # Python runs one thread at a time: one that makes cheap batches costs more than they do
        return steps if self._line.is_tabulated else ahead(steps, STEPS_AHEAD)

    def _made(self, index: int, skip: int) -> Iterator[Step]:
        group: list[_Share] = []
        for place, chosen in enumerate(self._steps.epoch(index, skip), start=skip):
            share = self._share(chosen, f"{index}:{place}")
            if group and not (len(group) < STEPS_TOGETHER and self._alike(group[0], share)):
                yield from self._steps_of(group)
                group = []
            group.append(share)
        if group:
            yield from self._steps_of(group)

    def _share(self, chosen: Sequence[int], layout: str) -> "_Share":
        """This process's part of a step: every world-th of the chosen clusters."""
        half = np.arange(len(chosen)) < len(chosen) // 2
        own = range(self._ranks.rank, len(chosen), self._ranks.world)
        places = list(own) or [0]
        return _Share(
            clusters=[chosen[place] for place in places],
            half=half[places] if self._halved else None,
            nodes=sum(map(self._size, chosen)),
            layout=layout,
            idle=not own,
        )

    def _steps_of(self, group: Sequence["_Share"]) -> Iterator[Step]:
        """Steps whose batches are made together."""
        clusters = [cluster for share in group for cluster in share.clusters]
        halves = [share.half for share in group if share.half is not None]
        batch = self._batch(clusters, np.concatenate(halves) if halves else None)
        batches = batch.parts(len(group[0].clusters)) if len(group) > 1 else [batch]
        for share, part in zip(group, batches, strict=True):
            yield Step(
                nodes=share.nodes,
                portions=1,
                batches=partial(_from, [part]),
                layout=share.layout,
                idle=share.idle,
            )

    def _alike(self, first: "_Share", second: "_Share") -> bool:
        """Whether the batches of two steps have the same bits if they are made together."""
        return False

    @abstractmethod
    def _size(self, cluster: int) -> int:
        """Ordinals of a cluster."""

    @abstractmethod
    def _batch(self, clusters: Sequence[int], half: NDArray[np.bool_] | None) -> Batch:
        """The batch of some clusters (K,), and which are of the first half (K,)."""


class _BlockVisits(_MiniBatchVisits):
    def __init__(
        self, strategy: MiniBatch, line: Line, split: Split, halo: int, ranks: Ranks
    ) -> None:
        self._tiling, self._halo = strategy.tiling(split), halo
        order = WindowedOrder(self._tiling, strategy.seed)
        super().__init__(strategy, line, split, Steps(order, strategy.blocks_per_step), ranks)

    def _size(self, cluster: int) -> int:
        first, last = self._tiling.limits(cluster)
        return last - first

    def _alike(self, first: _Share, second: _Share) -> bool:
        """Steps of as many blocks, all of one length and clear of the beginning of the line."""
        if len(first.clusters) != len(second.clusters):
            return False
        limits = [self._tiling.limits(c) for c in (*first.clusters, *second.clusters)]
        return len({stop - start for start, stop in limits}) == 1 and all(
            start > self._halo for start, _ in limits
        )

    def _batch(self, clusters: Sequence[int], half: NDArray[np.bool_] | None) -> Batch:
        limits = map(self._tiling.limits, clusters)
        blocks = [Block.with_halo(first, last, self._halo) for first, last in limits]
        return self._line.runs(blocks, self._scope, half)


class _ClusterVisits(_MiniBatchVisits):
    def __init__(
        self, strategy: MiniBatch, line: Line, split: Split, clusters: Clusters, ranks: Ranks
    ) -> None:
        self._clusters = clusters
        order = ShuffledOrder(len(clusters), strategy.seed)
        super().__init__(strategy, line, split, Steps(order, strategy.blocks_per_step), ranks)

    def _size(self, cluster: int) -> int:
        return self._clusters.size(cluster)

    def _batch(self, clusters: Sequence[int], half: NDArray[np.bool_] | None) -> Batch:
        members = [self._clusters.members(cluster) for cluster in clusters]
        nodes = np.concatenate(members)
        ascending = np.argsort(nodes)
        part = np.repeat(np.arange(len(members)), list(map(len, members)))[ascending]
        ordinals = nodes[ascending].astype(np.int64) + self._scope[0]
        return self._line.cluster(ordinals, part, self._scope, None if half is None else half[part])
