"""The implicit graph: runs of consecutive ordinals, where a neighbour is a shifted slice."""

from functools import cached_property

import torch
from torch import Tensor

from zeta_exp.graph.explicit import edge_relations, edges_from_neighbours
from zeta_exp.graph.offsets import degree, signed_offsets
from zeta_exp.graph.operators import Convolution, Propagation, Runs, operating_dtype


class LineGraph:
    """R runs of L consecutive ordinals, cut at the ends of each run and below ordinal 1."""

    def __init__(self, ordinals: Tensor, exists: Tensor, offsets: tuple[int, ...]) -> None:
        """Takes ordinals (R, L) int64, consecutive along L, and which of them are nodes.

        exists: (R, L) bool; False where a shorter run is padded or the ordinal is below 1.
        """
        self.ordinals = ordinals
        self.offsets = offsets
        self.exists = exists
        self.runs = Runs(ordinals, None if bool(exists.all()) else exists[..., None], offsets)

    def propagate(
        self, h: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """D^-1/2 A D^-1/2 h Wᵀ + b; h: (R, L, H), W: (H', H), b: (H',)."""
        h = h if weight is None else h.to(operating_dtype(h))
        out: Tensor = Propagation.apply(h, weight, bias, self.runs)
        return out

    def convolve(self, h: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Σ_o W_o h_{n+o} + b; h: (R, L, H), W: (H', T·H), b: (H',)."""
        out: Tensor = Convolution.apply(h.to(operating_dtype(h)), weight, bias, self.runs)
        return out

    @cached_property
    def edges(self) -> tuple[Tensor, Tensor]:
        """The same graph as an edge list over the flattened R·L nodes."""
        runs, length = self.ordinals.shape
        position = torch.arange(runs * length, device=self.ordinals.device).view(runs, length)
        column = torch.arange(length, device=self.ordinals.device)
        neighbours = []
        for o in signed_offsets(self.offsets):
            inside = (column + o >= 0) & (column + o < length)
            source = (position + o).clamp(0, runs * length - 1)
            inside = inside & self.exists & self.exists.flatten()[source]
            neighbours.append(torch.where(inside, source, -1).flatten())
        return edges_from_neighbours(
            torch.stack(neighbours), degree(self.ordinals, self.offsets).flatten()
        )

    @cached_property
    def edge_type(self) -> Tensor:
        """The relation of each edge."""
        return edge_relations(self.ordinals.flatten(), self.edges[0], self.offsets)

    @property
    def membership(self) -> Tensor:
        """The run of each node, (R·L,)."""
        runs, length = self.ordinals.shape
        return torch.arange(runs, device=self.ordinals.device).repeat_interleave(length)
