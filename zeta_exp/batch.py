"""Batches: the nodes of one forward pass, and the line they are cut from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from zeta_exp.features import Averaged, Features
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
    pairs: Tensor  # (…, L−1) bool, owned spacings: n owned and n + 1 beside it
    target: Tensor  # (…, L) float32, what the output should be; 0 where not owned
    blocks: tuple[Block, ...]  # one a run; empty for a cluster
    scope: tuple[int, int]  # the range of ordinals that the batches of an epoch tile
    views: dict[str, "Batch"] = field(default_factory=dict)  # coarse or dilated, made once

    def view(self, name: str, make: Callable[[], "Batch"]) -> "Batch":
        """Another view of the same blocks, made at the first call and kept with the batch."""
        if name not in self.views:
            self.views[name] = make()
        return self.views[name]

    @property
    def owned_count(self) -> int:
        """Number of ordinals this batch answers for."""
        return int(self.owned.sum())


@dataclass(frozen=True)
class Line:
    """The ordinals 1, 2, 3, … with their features, edges and, where known, targets."""

    features: Features | Averaged
    offsets: tuple[int, ...]
    target: Target
    truth: Truth | None = None
    device: torch.device = torch.device("cpu")
    dtype: torch.dtype = torch.float32

    def coarse(self, b: int) -> "Line":
        """The line of cells of b ordinals aligned to ordinal 1, features averaged over a cell."""
        return replace(self, features=Averaged(self.features, b), truth=None)

    def runs(self, blocks: Sequence[Block], scope: tuple[int, int] | None = None) -> Batch:
        """The blocks side by side as runs of equal length; a shorter run is padded, not wired."""
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
            pairs=owned[:, :-1] & exists[:, 1:],
            blocks=tuple(blocks),
            scope=scope or (blocks[0].start, blocks[-1].stop),
        )

    def cluster(self, ordinals: np.ndarray, part: np.ndarray, scope: tuple[int, int]) -> Batch:
        """Any ascending ordinals (M,) as one graph; spacings within one value of `part` (M,)."""
        return self._batch(
            ordinals,
            graph=ClusterGraph(self._tensor(ordinals), self.offsets),
            owned=np.ones(len(ordinals), dtype=bool),
            pairs=(np.diff(ordinals) == 1) & (np.diff(part) == 0),
            blocks=(),
            scope=scope,
        )

    def _batch(
        self,
        ordinals: np.ndarray,
        graph: LineGraph | ClusterGraph,
        owned: np.ndarray,
        pairs: np.ndarray,
        blocks: tuple[Block, ...],
        scope: tuple[int, int],
    ) -> Batch:
        n = torch.from_numpy(ordinals)
        truth = self.truth(n) if self.truth is not None else torch.zeros(n.shape)
        own = self._tensor(owned)
        return Batch(
            line=self,
            ordinals=n.to(self.device),
            features=self.features(ordinals).to(self.device, self.dtype),
            graph=graph,
            owned=own,
            pairs=self._tensor(pairs),
            target=truth.to(self.device, self.dtype) * own,
            blocks=blocks,
            scope=scope,
        )

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
