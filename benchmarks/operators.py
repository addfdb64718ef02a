"""The implicit operators against PyG's message passing and a sparse matrix.

    python -m benchmarks.operators [--quick]

A run is a layer forward and backward, to its input and its weights.  The peak is that of a square
float32 product, taken in turn with the operators.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.harness import Options, Report, Rounds, Row, in_turn, script
from benchmarks.peak import PEAK, PEAK_OPERATIONS, square_product
from benchmarks.peers.graphs import sparse_matrix
from zeta_exp.graph import LineGraph, adelic_offsets, signed_offsets

FASTER_THAN_GCN = 15.0  # bars
FASTER_THAN_RGCN = 2.5
SHARE_OF_PEAK = 0.5
ADELIC = adelic_offsets([2, 3, 5, 7, 11, 13])
Layer = Callable[[Tensor], Tensor]


def line(nodes: int, offsets: Sequence[int], runs: int = 1) -> LineGraph:
    """Runs of `nodes` consecutive ordinals, the first from ordinal 1."""
    ordinals = torch.arange(1, runs * nodes + 1).view(runs, nodes)
    return LineGraph(ordinals, torch.ones_like(ordinals, dtype=torch.bool), tuple(offsets))


def passes(
    layer: Layer, shape: Sequence[int], dtype: torch.dtype = torch.float32
) -> Callable[[], None]:
    """A run of the layer forward and backward."""
    torch.manual_seed(0)
    h = torch.randn(*shape, dtype=dtype, requires_grad=True)
    gradient = torch.randn(*shape, dtype=dtype)

    def both() -> None:
        h.grad = None
        layer(h).backward(gradient)

    return both


def weight_of(width: int, relations: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A weight (width, relations · width) that takes a gradient."""
    torch.manual_seed(1)
    scale = (relations * width) ** -0.5
    return (scale * torch.randn(width, relations * width)).to(dtype).requires_grad_()


def propagation(report: Report, nodes: int, width: int, rounds: int) -> None:
    """One isotropic layer against GCNConv and against a CSR matrix."""
    from torch_geometric.nn import GCNConv

    graph = line(nodes, ADELIC)
    edge_index, weights = graph.edges[0], graph.edges[1].float()
    matrix = sparse_matrix(edge_index, weights, nodes)
    convolution = GCNConv(width, width, normalize=False, add_self_loops=False, bias=False)
    weight = weight_of(width, 1)
    functions = {
        "ours": passes(lambda h: graph.propagate(h, weight), (1, nodes, width)),
        "GCNConv": passes(lambda h: convolution(h, edge_index, weights), (nodes, width)),
        "CSR": passes(lambda h: matrix @ (h @ weight.t()), (nodes, width)),
    }
    times = in_turn(functions, rounds)
    what = f"isotropic layer, N = {nodes:,}, H = {width}, 15 taps"
    report.faster(f"{what}: GCNConv", times, "ours", "GCNConv", FASTER_THAN_GCN)
    report.faster(f"{what}: CSR", times, "ours", "CSR")


def relational(
    report: Report, nodes: int, width: int, offsets: Sequence[int], rounds: int, bar: float | None
) -> None:
    """One relational layer, float32 and bfloat16, against RGCNConv and the peak."""
    from torch_geometric.nn import RGCNConv

    graph, relations = line(nodes, offsets), len(signed_offsets(offsets))
    edge_index, edge_type = graph.edges[0], graph.edge_type
    convolution = RGCNConv(width, width, relations, aggr="sum", root_weight=False, bias=False)
    weight, half = (weight_of(width, relations, d) for d in (torch.float32, torch.bfloat16))
    shape = 1, nodes, width
    functions = {
        "ours": passes(lambda h: graph.convolve(h, weight), shape),
        "bfloat16": passes(lambda h: graph.convolve(h, half), shape, torch.bfloat16),
        "RGCNConv": passes(lambda h: convolution(h, edge_index, edge_type), (nodes, width)),
        PEAK: square_product(),
    }
    times = in_turn(functions, rounds)
    what = f"relational layer, N = {nodes:,}, H = {width}, {relations} taps"
    report.faster(f"{what}: RGCNConv", times, "ours", "RGCNConv", bar)
    report.faster(f"{what}, bfloat16: RGCNConv", times, "bfloat16", "RGCNConv")
    _share_of_peak(report, what, times, 6 * nodes * relations * width**2)


def _share_of_peak(report: Report, what: str, times: Rounds, operations: int) -> None:
    rate = operations / times.medians()["ours"] / 1e9
    peak = PEAK_OPERATIONS / times.medians()[PEAK] / 1e9
    report.add(Row(f"{what}: peak", rate, peak, rate / peak, "GFLOP/s", SHARE_OF_PEAK))


def batches(report: Report, runs: int, length: int, rounds: int) -> None:
    """The default layer in mini-batches, against a sum of shifted copies by autograd."""
    width, offsets = 128, (1,)
    graph, weight = line(length, offsets, runs), weight_of(128, 3)

    def concatenated(h: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(h, (0, 0, 1, 1))
        taps = [padded[:, 1 + o : 1 + o + length] for o in signed_offsets(offsets)]
        return torch.nn.functional.linear(torch.cat(taps, -1), weight)

    shape = runs, length, width
    functions = {
        "ours": passes(lambda h: graph.convolve(h, weight), shape),
        "autograd": passes(concatenated, shape),
    }
    times = in_turn(functions, rounds)
    what = f"relational layer, {runs} runs of {length}, H = {width}, 3 taps"
    report.faster(f"{what}: autograd", times, "ours", "autograd")


def measure(report: Report, options: Options) -> None:
    """All comparisons."""
    rounds = 3 if options.quick else 5
    propagation(report, 20_000 if options.quick else 10**6, 64, rounds)
    nodes = 20_000 if options.quick else 200_000
    relational(report, nodes, 64, ADELIC, rounds, FASTER_THAN_RGCN)
    relational(report, nodes, 128, (1,), rounds, None)
    for runs in (4, 16):
        batches(report, runs, 68, 10 * rounds)


if __name__ == "__main__":
    script(measure)
