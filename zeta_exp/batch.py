"""Batches: the nodes of one forward pass, and the line they are cut from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeta_exp.features import Averaged, Features, FeatureTable
from zeta_exp.graph import Block, ClusterGraph, LineGraph
from zeta_exp.target import Target, Truth


@dataclass(frozen=True)
class Batch:
    """Nodes of one forward pass, in runs of consecutive ordinals (R, L) or as one cluster (M,)."""

    line: "Line"  # what the batch is cut from: losses cut their own views of the same nodes
    ordinals: Tensor  # (…, L) int64, ascending along L
    features: Tensor  # (…, L, F) float32
    graph: LineGraph | ClusterGraph
    owned: Tensor  # (…, L) bool, the ordinals this batch answers for
    beside: Tensor  # (…, L−1) bool, n + 1 is there and follows n, in one run or cluster
    known: Tensor  # (…, L) bool, labelled and in `scope`, halos included: the target is known
    target: Tensor  # (…, L) float32, what the output should be; 0 where not known
    blocks: tuple[Block, ...]  # one a run; empty for a cluster
    scope: tuple[int, int]  # the range of ordinals that the batches of an epoch tile
    half: Tensor | None = None  # bool, as owned or (R, 1): the first of two independent halves
    views: dict[str, "Batch"] = field(default_factory=dict)  # coarse or dilated, made once

    @property
    def labelled(self) -> Tensor:
        """Owned ordinals whose target is known, (…, L) bool."""
        return self.owned & self.known

    @property
    def pairs(self) -> Tensor:
        """Owned spacings, (…, L−1) bool: n owned and n + 1 beside it."""
        return self.owned[..., :-1] & self.beside

    def touching(self, reach: int) -> bool:
        """Whether nodes that are owned keep their neighbours within `reach` if runs are joined.

        True of one run, and of runs without a missing node whose halos are at least that wide.
        """
        if not isinstance(self.graph, LineGraph) or self.graph.runs.present is not None:
            return False
        return len(self.blocks) == 1 or all(
            reach <= min(block.start - block.lo, block.hi - block.stop) for block in self.blocks
        )

    def windows(self, m: int) -> Tensor:
        """Owned runs of m spacings, (…, L−m) bool: n owned, n + 1 … n + m beside one another."""
        if self.owned.shape[-1] <= m:
            return self.owned[..., :0]
        return self.owned[..., :-m] & self.beside.unfold(-1, m, 1).all(-1)

    def view(self, name: str, make: Callable[[], "Batch"]) -> "Batch":
        """Another view of the same blocks, made at the first call and kept with the batch."""
        if name not in self.views:
            self.views[name] = make()
        return self.views[name]

    @property
    def lent(self) -> Tensor | None:
        """The features, where they are a view of what is there without the batch."""
        table = self.line.features
        lent = isinstance(table, FeatureTable) and table.lends(self.features)
        return self.features if lent else None

    def parts(self, runs: int) -> Iterator["Batch"]:
        """The batch cut into batches of so many runs each, views of this one."""
        if not isinstance(self.graph, LineGraph):
            raise ValueError("a cluster is one graph and has no runs")
        for first in range(0, len(self.blocks), runs):
            own = slice(first, first + runs)
            yield replace(
                self,
                ordinals=self.ordinals[own],
                features=self.features[own],
                graph=LineGraph(self.ordinals[own], self.graph.exists[own], self.line.offsets),
                owned=self.owned[own],
                known=self.known[own],
                beside=self.beside[own],
                target=self.target[own],
                blocks=self.blocks[own],
                half=None if self.half is None else self.half[own],
                views={},
            )

    def of_half(self, first: bool) -> "Batch":
        """The same nodes, answering only for those of the first or of the second half."""
        if self.half is None:
            raise ValueError("the batch has no halves")
        chosen = (self.half if first else ~self.half).expand_as(self.owned)
        return replace(self, owned=self.owned & chosen)


@dataclass(frozen=True)
class Line:
    """The ordinals 1, 2, 3, … with their features, edges and, where known, targets."""

    features: Features | Averaged
    offsets: tuple[int, ...]
    target: Target
    truth: Truth | None = None
    device: torch.device = torch.device("cpu")
    dtype: torch.dtype = torch.float32

    @property
    def is_tabulated(self) -> bool:
        """Whether the features of a whole run are in a table, so that a batch costs little."""
        return isinstance(self.features, FeatureTable) and self.features.of_run

    def coarse(self, b: int) -> "Line":
        """The line of cells of b ordinals aligned to ordinal 1, features averaged over a cell."""
        return replace(self, features=Averaged(self.features, b), truth=None)

    def tabulated(self, lo: int, hi: int) -> "Line":
        """The same line, its features on [lo, hi) made once for all views of them."""
        if isinstance(self.features, FeatureTable | Averaged):
            return self
        return replace(self, features=FeatureTable(self.features, max(1, lo), hi))

    def runs(
        self,
        blocks: Sequence[Block],
        scope: tuple[int, int] | None = None,
        half: NDArray[np.bool_] | None = None,
    ) -> Batch:
        """The blocks side by side as runs of equal length; a shorter run is padded, not wired.

        half: (R,) which runs belong to the first of two halves.
        """
        left = max(block.start - block.lo for block in blocks)
        length = left + max(map(len, blocks)) + max(block.hi - block.stop for block in blocks)
        first = np.array([block.start - left for block in blocks])
        ordinals = first[:, None] + np.arange(length)
        bounds = np.array([(b.lo, b.hi, b.start, b.stop) for b in blocks])[:, :, None]
        exists = (ordinals >= bounds[:, 0]) & (ordinals < bounds[:, 1])
        owned = (ordinals >= bounds[:, 2]) & (ordinals < bounds[:, 3])
        return self._batch(
            np.maximum(ordinals, 1),
            graph=LineGraph(self._tensor(ordinals), self._tensor(exists), self.offsets),
            owned=owned,
            beside=exists[:, :-1] & exists[:, 1:],
            blocks=tuple(blocks),
            scope=scope or (blocks[0].start, blocks[-1].stop),
            half=None if half is None else half[:, None],
        )

    def cluster(
        self,
        ordinals: NDArray[np.int64],
        part: NDArray[np.int64],
        scope: tuple[int, int],
        half: NDArray[np.bool_] | None = None,
    ) -> Batch:
        """Any ascending ordinals (M,) as one graph; spacings within one value of `part` (M,).

        half: (M,) which nodes belong to the first of two halves.
        """
        return self._batch(
            ordinals,
            graph=ClusterGraph(self._tensor(ordinals), self.offsets),
            owned=np.ones(len(ordinals), dtype=bool),
            beside=(np.diff(ordinals) == 1) & (np.diff(part) == 0),
            blocks=(),
            scope=scope,
            half=half,
        )

    def _batch(
        self,
        ordinals: NDArray[np.int64],
        graph: LineGraph | ClusterGraph,
        owned: NDArray[np.bool_],
        beside: NDArray[np.bool_],
        blocks: tuple[Block, ...],
        scope: tuple[int, int],
        half: NDArray[np.bool_] | None,
    ) -> Batch:
        truth = torch.zeros(ordinals.shape) if self.truth is None else self.truth(ordinals)
        known = np.zeros(ordinals.shape, dtype=np.bool_)
        if self.truth is not None:
            known = (ordinals >= scope[0]) & (ordinals < scope[1]) & self.truth.known(ordinals)
        kept = self._tensor(known)
        return Batch(
            line=self,
            ordinals=self._tensor(ordinals),
            features=self.features(ordinals).to(self.device, self.dtype),
            graph=graph,
            owned=self._tensor(owned),
            beside=self._tensor(beside),
            known=kept,
            target=truth.to(self.device, self.dtype) * kept,
            blocks=blocks,
            scope=scope,
            half=None if half is None else self._tensor(half),
        )

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
