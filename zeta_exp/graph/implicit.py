"""The implicit graph: runs of consecutive ordinals, where a neighbour is a shifted slice."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad

from zeta_exp.graph.explicit import edges_from_neighbours
from zeta_exp.graph.offsets import degree, propagate, signed_offsets


class LineGraph:
    """R runs of L consecutive ordinals, cut at the ends of each run and below ordinal 1."""

    def __init__(self, ordinals: Tensor, exists: Tensor, offsets: tuple[int, ...]) -> None:
        """Takes ordinals (R, L) int64, consecutive along L, and which of them are nodes.

        exists: (R, L) bool; False where a shorter run is padded or the ordinal is below 1.
        """
        self.ordinals = ordinals
        self.offsets = offsets
        self.exists = exists
        self._present = None if bool(exists.all()) else exists[..., None]

    def gather(self, h: Tensor, shifts: Sequence[int]) -> list[Tensor]:
        """h (R, L, H) at n + o for each o of `shifts`: a list of (R, L, H)."""
        reach = max(abs(o) for o in shifts)
        length = h.shape[-2]
        present = h if self._present is None else h * self._present
        padded = pad(present, (0, 0, reach, reach))
        return [padded[..., reach + o : reach + o + length, :] for o in shifts]

    def propagate(self, h: Tensor) -> Tensor:
        """D^-1/2 A D^-1/2 h, (R, L, H)."""
        scale = degree(self.ordinals, self.offsets).rsqrt()[..., None].to(h.dtype)
        return propagate(self, h, scale)

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
