"""The implicit and the explicit graph are one graph, and PyG agrees."""

import numpy as np
import pytest
import torch
from torch_geometric.nn import GCNConv

from zeta_exp.errors import UserError
from zeta_exp.graph import Block, ClusterGraph, LineGraph, adelic_offsets, signed_offsets
from zeta_exp.graph.blocks import contiguous
from zeta_exp.graph.offsets import degree

OFFSETS = adelic_offsets([2, 3, 5, 7, 11, 13])
RUNS = [(1, 40), (9, 40), (10**6, 33), (1, 5), (1, 1)]  # (first ordinal, length)


def one_run(first, length, offsets=OFFSETS, absent=()):
    ordinals = torch.arange(first, first + length)[None]
    exists = torch.ones(1, length, dtype=torch.bool)
    exists[0, list(absent)] = False
    return LineGraph(ordinals, exists, offsets)


def test_offsets_are_one_and_the_primes():
    assert OFFSETS == (1, 2, 3, 5, 7, 11, 13)
    assert adelic_offsets([]) == (1,)
    assert signed_offsets((1, 3)) == (0, 1, -1, 3, -3)
    with pytest.raises(UserError, match=r"4.*not a prime"):
        adelic_offsets([2, 4])


def test_degree_counts_the_neighbours_on_the_unbounded_line():
    far = 10**7
    n = torch.tensor([1, 2, 14, far])
    neighbours = [sum(1 for o in signed_offsets(OFFSETS) if int(k) + o >= 1) for k in n]
    assert degree(n, OFFSETS).tolist() == neighbours


@pytest.mark.parametrize(("first", "length"), RUNS)
def test_implicit_and_explicit_propagation_agree(first, length):
    graph = one_run(first, length)
    cluster = ClusterGraph(graph.ordinals[0], OFFSETS)
    h = torch.randn(1, length, 3, dtype=torch.float64)
    torch.testing.assert_close(graph.propagate(h)[0], cluster.propagate(h[0]), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("first", "length"), RUNS)
def test_implicit_propagation_is_pyg_gcn(first, length):
    torch.manual_seed(0)
    graph = one_run(first, length)
    convolution = GCNConv(3, 3, normalize=False, add_self_loops=False, bias=False)
    h = torch.randn(1, length, 3)
    edge_index, weight = graph.edges
    expected = convolution(h[0], edge_index, weight.float())
    torch.testing.assert_close(
        graph.propagate(convolution.lin(h))[0], expected, atol=1e-6, rtol=1e-6
    )


def test_weights_are_gcn_weights_of_a_line_from_ordinal_one():
    """GCNConv's own normalisation agrees wherever no edge leaves the run at its far end."""
    length, reach = 60, max(OFFSETS)
    graph = one_run(1, length)
    edge_index, _ = graph.edges
    torch.manual_seed(0)
    convolution = GCNConv(2, 2, bias=False, add_self_loops=False)
    h = torch.randn(1, length, 2)
    inner = slice(0, length - 2 * reach)  # degrees of the neighbours are complete, too
    torch.testing.assert_close(
        graph.propagate(convolution.lin(h))[0, inner],
        convolution(h[0], edge_index)[inner],
        atol=1e-6,
        rtol=1e-6,
    )


@pytest.mark.parametrize("absent", [(), (0, 1), (38, 39)])
def test_edges_of_a_run_join_existing_nodes_only(absent):
    graph = one_run(5, 40, absent=absent)
    edge_index, weight = graph.edges
    n = graph.ordinals.flatten()[edge_index]
    distance = (n[0] - n[1]).abs()
    assert set(distance.tolist()) == {0, *OFFSETS}
    assert not set(absent) & set(edge_index.flatten().tolist())
    assert len(weight) == edge_index.shape[1]
    dense = torch.zeros(40, 40, dtype=torch.float64)
    dense[edge_index[1], edge_index[0]] = weight
    assert torch.equal(dense, dense.T)
    h = torch.randn(1, 40, 1, dtype=torch.float64)
    propagated = graph.propagate(h)[0]
    present = torch.ones(40, dtype=torch.bool)
    present[list(absent)] = False
    torch.testing.assert_close((dense @ h[0])[present], propagated[present])


def test_a_run_that_reaches_below_ordinal_one_is_cut_there():
    padded = LineGraph(torch.arange(-4, 20)[None], (torch.arange(-4, 20) >= 1)[None], OFFSETS)
    h = torch.randn(1, 24, 2)
    short = one_run(1, 19)
    torch.testing.assert_close(padded.propagate(h)[:, 5:], short.propagate(h[:, 5:]))


def test_a_cluster_reads_the_neighbour_or_zero():
    graph = ClusterGraph(torch.tensor([3, 4, 7]), (1, 3))
    h = torch.tensor([[3.0], [4.0], [7.0]])
    seen = [graph.convolve(h, row[None]).flatten().tolist() for row in torch.eye(5)]
    assert seen == [[3, 4, 7], [4, 0, 0], [0, 3, 0], [0, 7, 0], [0, 0, 4]]


def test_the_type_of_an_edge_is_its_offset():
    for graph in (one_run(5, 30, absent=(0, 7)), ClusterGraph(torch.tensor([2, 3, 5, 9]), OFFSETS)):
        n = graph.ordinals.flatten()[graph.edges[0]]
        assert (n[0] - n[1]).tolist() == [signed_offsets(OFFSETS)[t] for t in graph.edge_type]


def test_blocks_tile_the_range_and_stop_at_one():
    blocks = contiguous(1, 106, 25, halo=4)
    owned = np.concatenate([np.arange(b.start, b.stop) for b in blocks])
    assert owned.tolist() == list(range(1, 106))
    assert blocks[0].lo == 1
    assert blocks[-1].hi == 110
    with pytest.raises(ValueError, match="no block"):
        Block(5, 5, 1, 9)
