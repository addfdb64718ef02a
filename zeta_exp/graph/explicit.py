"""The explicit graph: any set of ordinals with the edges between its members."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from zeta_exp.graph.offsets import degree, propagate, signed_offsets


def edges_from_neighbours(neighbours: Tensor, degrees: Tensor) -> tuple[Tensor, Tensor]:
    """edge_index (2, E), source first, and GCN weights (d_i d_j)^-1/2 from a table of neighbours.

    neighbours: (T, M) position of n + o for each relation o, −1 where there is none.
    degrees: (M,) degree of each node on the unbounded line.
    """
    relation, target = torch.nonzero(neighbours >= 0, as_tuple=True)
    source = neighbours[relation, target]
    scale = degrees.rsqrt()
    return torch.stack([source, target]), scale[source] * scale[target]


class ClusterGraph:
    """The subgraph induced on a set of ordinals: an edge n ↔ n ± o where both ends are members."""

    def __init__(self, ordinals: Tensor, offsets: tuple[int, ...]) -> None:
        """Takes ordinals (M,) int64, ascending without repetition."""
        self.ordinals = ordinals
        self.offsets = offsets

    def _neighbour(self, o: int) -> Tensor:
        """Position (M,) of ordinal n + o among the members, −1 where it is none."""
        wanted = self.ordinals + o
        position = torch.searchsorted(self.ordinals, wanted).clamp_(max=len(self.ordinals) - 1)
        return torch.where(self.ordinals[position] == wanted, position, -1)

    def gather(self, h: Tensor, shifts: Sequence[int]) -> list[Tensor]:
        """h (M, H) at n + o for each o of `shifts`: a list of (M, H), zero where missing."""
        with_zero = torch.cat([h, h.new_zeros(1, h.shape[-1])])  # position −1 reads the zero row
        return [with_zero[self._neighbour(o)] for o in shifts]

    def propagate(self, h: Tensor) -> Tensor:
        """D^-1/2 A D^-1/2 h, (M, H)."""
        scale = degree(self.ordinals, self.offsets).rsqrt()[..., None].to(h.dtype)
        return propagate(self, h, scale)

    @cached_property
    def edges(self) -> tuple[Tensor, Tensor]:
        """edge_index (2, E) and edge_weight (E,)."""
        table = torch.stack([self._neighbour(o) for o in signed_offsets(self.offsets)])
        return edges_from_neighbours(table, degree(self.ordinals, self.offsets))
