"""The sparse adelic graph on 1 … N as an edge list, by index arithmetic."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor


def edge_list(nodes: int, offsets: Sequence[int], loops: bool) -> tuple[Tensor, Tensor]:
    """edge_index (2, E) of n ↔ n ± o on ordinals 1 … nodes, source first, and edge_type (E,).

    The types count 0, 1, 2, … through +o₁, −o₁, +o₂, …: the source of type 0 is n + o₁.  With
    loops each node has an edge to itself first, of type −1.
    """
    index = torch.arange(nodes)
    sources, targets = ([index], [index]) if loops else ([], [])
    types = [torch.full((nodes,), -1)] if loops else []
    for i, o in enumerate(offsets):
        low, high = index[:-o], index[o:]
        sources += [high, low]
        targets += [low, high]
        types += [torch.full((len(low),), 2 * i), torch.full((len(low),), 2 * i + 1)]
    return torch.stack([torch.cat(sources), torch.cat(targets)]), torch.cat(types)


def propagation_weights(edge_index: Tensor, offsets: Sequence[int]) -> Tensor:
    """(d_i d_j)^-1/2 of each edge, (E,); d with self-loop, on the line without upper end."""
    ordinals = torch.arange(1, int(edge_index.max()) + 2)
    degrees = 1.0 + sum(1.0 + (ordinals > o) for o in offsets)
    scale = torch.as_tensor(degrees).rsqrt()
    return scale[edge_index[0]] * scale[edge_index[1]]


def sparse_matrix(edge_index: Tensor, weights: Tensor, nodes: int) -> Tensor:
    """The matrix with row = target and column = source, sparse CSR (nodes, nodes)."""
    with warnings.catch_warnings():  # that torch's support of CSR is young
        warnings.simplefilter("ignore", UserWarning)
        matrix = torch.sparse_coo_tensor(edge_index.flip(0), weights, (nodes, nodes))
        return matrix.coalesce().to_sparse_csr()
