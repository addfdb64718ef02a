"""Offsets of the sparse adelic graph and the degrees they imply on the unbounded line."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from zeta_exp.errors import UserError
from zeta_exp.theory.primes import primes_up_to


def adelic_offsets(primes: Sequence[int]) -> tuple[int, ...]:
    """Offsets o ∈ {1} ∪ primes of the edges n ↔ n ± o.

    1 joins neighbours; a prime p joins neighbours within each residue class mod p.
    """
    chosen = sorted(set(primes))
    known = set(primes_up_to(max(chosen, default=1)).tolist())
    wrong = [p for p in chosen if p not in known]
    if wrong:
        raise UserError(f"graph.primes={list(primes)} holds {wrong[0]}, which is not a prime")
    return (1, *chosen)


def signed_offsets(offsets: Sequence[int]) -> tuple[int, ...]:
    """0 (the self-loop) followed by +o, −o for every offset: the relations of the graph."""
    return (0, *(sign * o for o in offsets for sign in (1, -1)))


def degree(ordinals: Tensor, offsets: Sequence[int]) -> Tensor:
    """Degree with self-loop, 1 + Σ_o (1 + [n > o]), on the line 1, 2, 3, … without end.

    Degrees depend on the ordinal alone, so predictions near the end of the data do not change
    when more of the line is attached.  ordinals: any shape; returns float32 of that shape.
    """
    total = torch.full(ordinals.shape, 1.0 + len(offsets), device=ordinals.device)
    for offset in offsets:
        total += ordinals > offset
    return total


class Graph(Protocol):
    """What a model may ask of the graph of a batch; node arrays have shape (…, L, H)."""

    offsets: tuple[int, ...]

    def propagate(
        self, h: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """GCN propagation D^-1/2 A D^-1/2 h Wᵀ + b, A with self-loops; without W, of h itself."""
        ...

    def convolve(self, h: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Σ_o W_o h_{n+o} + b over `signed_offsets`, zero where the batch has no such node.

        weight: (H', T·H), the matrices of the T relations side by side.
        """
        ...

    @property
    def edges(self) -> tuple[Tensor, Tensor]:
        """edge_index (2, E) over the flattened nodes and float64 edge_weight (E,), for PyG."""
        ...

    @property
    def edge_type(self) -> Tensor:
        """The relation (E,) of each edge, its place among `signed_offsets`."""
        ...

    @property
    def membership(self) -> Tensor:
        """Which graph of the batch each of the flattened nodes belongs to: runs are apart."""
        ...
