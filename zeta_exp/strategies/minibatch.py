"""Team 2: Cluster-GCN mini-batches, whose memory follows the cluster size and not N."""

from collections.abc import Iterator

import numpy as np
import torch

from zeta_exp.batch import Batch, Line
from zeta_exp.errors import UserError
from zeta_exp.graph.blocks import Block, contiguous, equal_parts
from zeta_exp.graph.partitions import membership, metis_clusters
from zeta_exp.losses import WeightedLoss
from zeta_exp.losses.rg import LocalBlockSpin
from zeta_exp.models import Model
from zeta_exp.split import Split
from zeta_exp.strategies.base import Strategy, Visits

DEFAULT_BLOCK_SIZE = 64
PARTITIONS = ("contiguous", "metis")


class MiniBatch(Strategy):
    """Some clusters a step, in an order drawn from seed and epoch.

    partition=contiguous: blocks of consecutive ordinals, with the halo that makes their outputs
    exact (default) or, with halo=False, with the edges between blocks cut as in Cluster-GCN.
    partition=metis: PyG's `ClusterData` and `ClusterLoader`; edges between the clusters of one
    step are kept, spacings are taken within one cluster only.
    Give the size of a cluster (`block_size`) or their number (`parts`).
    """

    name = "minibatch"
    smaller = "a smaller strategy.block_size or strategy.blocks_per_step"

    def __init__(
        self,
        block_size: int | None,
        parts: int | None,
        blocks_per_step: int,
        halo: bool | None,
        partition: str,
        seed: int,
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
        self._block_size, self._parts = block_size, parts
        self.blocks_per_step = blocks_per_step
        if partition == "metis" and halo:
            raise UserError(
                "strategy.halo=true with strategy.partition=metis: a METIS cluster has no halo; "
                "leave strategy.halo out or use strategy.partition=contiguous"
            )
        self.halo = partition == "contiguous" if halo is None else halo
        self.partition = partition
        self._seed = seed

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
        """Number of clusters."""
        return self._parts or -(-(split.train[1] - split.train[0]) // self.block_size(split))

    def blocks(self, split: Split, halo: int) -> list[Block]:
        """The contiguous clusters of the training range, seeing `halo` ordinals on either side."""
        if self._parts is not None:
            return equal_parts(*split.train, self._parts, halo)
        return contiguous(*split.train, self.block_size(split), halo)

    def margin(self, loss: WeightedLoss, model: Model) -> int:
        """Ordinals a block sees on either side."""
        return model.receptive_field + loss.margin(loss.active) if self.halo else 0

    def check(self, split: Split, loss: WeightedLoss, model: Model) -> None:
        """Refuses losses that need the whole line, and blocks too small for `local`."""
        size = self.block_size(split)
        for name in loss.whole_line_terms:
            raise UserError(
                f"loss.weights.{name}={loss.weights[name]:g} with strategy=minibatch: the term "
                f"{loss.terms[name].needs_whole_line}, loss.weights.{name}=0 or strategy=fullbatch"
            )
        if loss.weights["rg"] > 0:
            if self.partition == "metis":
                raise UserError(
                    "loss.rg.form=local coarse-grains runs of consecutive ordinals, and a METIS "
                    "cluster is none: use strategy.partition=contiguous"
                )
            LocalBlockSpin.check_block(
                size, size + 2 * self.margin(loss, model), model.receptive_field
            )

    def notes(self, loss: WeightedLoss) -> list[str]:
        """Names the active terms whose mini-batch gradient is biased."""
        biased = [name for name in loss.active if not loss.terms[name].value_is_mean]
        return [
            f"{name} is no mean: on average its mini-batch value exceeds that of the whole line "
            "by the variance of the batch's statistics"
            for name in biased
        ]

    def nodes_at_once(self, split: Split, loss: WeightedLoss, model: Model) -> int:
        """The blocks of a step with their halos."""
        size = self.block_size(split) + 2 * self.margin(loss, model)
        return size * min(self.blocks_per_step, self.parts(split))

    def open(self, line: Line, split: Split, loss: WeightedLoss, model: Model) -> Visits:
        """Batches of `blocks_per_step` clusters each."""
        if self.partition == "metis":
            return _MetisVisits(self, line, split, self._seed)
        return _ContiguousVisits(self, line, split, self.margin(loss, model), self._seed)


class _ContiguousVisits(Visits):
    def __init__(self, strategy: MiniBatch, line: Line, split: Split, halo: int, seed: int) -> None:
        self._line, self._scope, self._seed = line, split.train, seed
        self._blocks = strategy.blocks(split, halo)
        self._per_step = strategy.blocks_per_step
        self.updates_per_epoch = -(-len(self._blocks) // self._per_step)

    def epoch(self, index: int, skip: int = 0) -> Iterator[Batch]:
        order = np.random.default_rng((self._seed, index)).permutation(len(self._blocks))
        for first in range(skip * self._per_step, len(order), self._per_step):
            chosen = [self._blocks[i] for i in order[first : first + self._per_step]]
            yield self._line.runs(chosen, self._scope)


class _MetisVisits(Visits):
    def __init__(self, strategy: MiniBatch, line: Line, split: Split, seed: int) -> None:
        from torch_geometric.loader import ClusterLoader

        self._line, self._split, self._seed = line, split, seed
        clusters = metis_clusters(*split.train, offsets=line.offsets, parts=strategy.parts(split))
        self._part = membership(clusters, *split.train)
        self._generator = torch.Generator()
        self._loader = ClusterLoader(
            clusters,
            batch_size=strategy.blocks_per_step,
            shuffle=True,
            generator=self._generator,
        )
        self.updates_per_epoch = len(self._loader)

    def epoch(self, index: int, skip: int = 0) -> Iterator[Batch]:
        seed = np.random.SeedSequence((self._seed, index)).generate_state(1, np.uint64)[0]
        self._generator.manual_seed(int(seed) >> 1)
        for step, data in enumerate(self._loader):
            if step >= skip:
                ordinals = np.sort(data.ordinal.numpy())
                part = self._part[ordinals - self._split.train[0]]
                yield self._line.cluster(ordinals, part, self._split.train)
