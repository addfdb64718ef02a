"""The operators and steps on a GPU, against PyTorch Geometric on the same one.

    python -m benchmarks.gpu [--quick]

The bandwidth is that of a copy within the device, bytes read and written, and the peaks are those
of square products, each taken in turn with what is compared.  Bytes of an operator are the least it
can move: what it reads and writes once.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.harness import Options, Report, Rounds, Row, in_turn, script
from benchmarks.operators import ADELIC, Layer, weight_of
from benchmarks.ours import Setup, Training, minibatch, streamed
from benchmarks.peers.clusters import ClusterTraining
from benchmarks.peers.graphs import edge_list, propagation_weights, sparse_matrix
from benchmarks.peers.pyg import FullBatch as PyGFullBatch
from benchmarks.steps import BLOCK, CLUSTER, DEFAULT, NODES_PER_STEP, setups
from zeta_exp.graph import LineGraph, fused, signed_offsets
from zeta_exp.strategies import FullBatch

DEVICE = "cuda"
FASTER_THAN_PYG = 3.0  # the bar
WIDTH = 64
COPIED = 2**28  # floats: several times the second-level cache
PEAK_SIZE = 8192


def synchronized(function: Callable[[], object]) -> Callable[[], None]:
    """The function, ended when the device has."""

    def whole() -> None:
        function()
        torch.cuda.synchronize()

    return whole


def timed(functions: Mapping[str, Callable[[], object]], rounds: int) -> Rounds:
    """Seconds of each function in turn, twice unmeasured before: compilers and caches warm up."""
    whole = {name: synchronized(function) for name, function in functions.items()}
    in_turn(whole, 1)
    return in_turn(whole, rounds)


def passes(layer: Layer, *shape: int, dtype: torch.dtype = torch.float32) -> Callable[[], None]:
    """A run of the layer forward and backward."""
    torch.manual_seed(0)
    h = torch.randn(*shape, dtype=dtype, device=DEVICE, requires_grad=True)
    gradient = torch.randn(*shape, dtype=dtype, device=DEVICE)

    def both() -> None:
        h.grad = None
        layer(h).backward(gradient)

    return both


def line(nodes: int) -> LineGraph:
    """One run from ordinal 1 on the adelic graph."""
    ordinals = torch.arange(1, nodes + 1, device=DEVICE)[None]
    return LineGraph(ordinals, torch.ones_like(ordinals, dtype=torch.bool), ADELIC)


def weight(relations: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A weight on the device that takes a gradient."""
    return weight_of(WIDTH, relations, dtype).detach().to(DEVICE).requires_grad_()


def with_kernels(wanted: bool, function: Callable[[], None]) -> Callable[[], None]:
    """The function with or without compiled sums."""

    def chosen() -> None:
        fused.enable(wanted)
        function()
        fused.enable(True)

    return chosen


def neighbour_sums(report: Report, nodes: int, rounds: int) -> None:
    """The sum over neighbours alone: compiled, a kernel a shift, and a copy."""
    taps, reach = signed_offsets(ADELIC), max(ADELIC)
    window = torch.randn(nodes + 2 * reach, WIDTH, device=DEVICE)
    sums = (window, None, 1 / len(taps), taps, reach, nodes)
    source = torch.randn(COPIED, device=DEVICE)
    target = torch.empty_like(source)
    functions = {
        "compiled": lambda: fused.fused_shifted_sum()(*sums),
        "eager": lambda: fused.shifted_sum(*sums),
        "copy": lambda: target.copy_(source),
    }
    times = timed(functions, rounds)
    what = f"sum over 15 neighbours, N = {nodes:,}, H = {WIDTH}"
    report.faster(f"{what}: one kernel a shift", times, "compiled", "eager")
    median = times.medians()
    moved = 2 * 4 * nodes * WIDTH / median["compiled"] / 1e9
    copied = 2 * 4 * COPIED / median["copy"] / 1e9
    report.add(Row(f"{what}: bandwidth of a copy", moved, copied, moved / copied, "GB/s"))


def isotropic(report: Report, nodes: int, rounds: int) -> None:
    """A layer against the same without fused sums, GCNConv and CSR."""
    from torch_geometric.nn import GCNConv

    graph = line(nodes)
    edges, _ = edge_list(nodes, ADELIC, loops=True)
    weights = propagation_weights(edges, ADELIC)
    matrix = sparse_matrix(edges, weights, nodes).to(DEVICE)
    edges, weights = edges.to(DEVICE), weights.to(DEVICE)
    convolution = GCNConv(WIDTH, WIDTH, normalize=False, add_self_loops=False, bias=False)
    convolution.to(DEVICE)
    own = weight(1)
    layer = passes(lambda h: graph.propagate(h, own), 1, nodes, WIDTH)
    functions = {
        "ours": with_kernels(True, layer),
        "not fused": with_kernels(False, layer),
        "GCNConv": passes(lambda h: convolution(h, edges, weights), nodes, WIDTH),
        "CSR": passes(lambda h: matrix @ (h @ own.t()), nodes, WIDTH),
    }
    times = timed(functions, rounds)
    for peer in ("not fused", "CSR", "GCNConv"):
        bar = FASTER_THAN_PYG if peer == "GCNConv" else None
        name = f"isotropic layer, N = {nodes:,}, H = {WIDTH}, 15 taps: {peer}"
        report.faster(name, times, "ours", peer, bar)


def relational(report: Report, nodes: int, rounds: int) -> None:
    """A relational layer in float32, TF32 and bfloat16, against RGCNConv and the peaks."""
    from torch_geometric.nn import RGCNConv

    graph, relations = line(nodes), len(signed_offsets(ADELIC))
    edges, kinds = edge_list(nodes, ADELIC, loops=False)
    edges, kinds = edges.to(DEVICE), kinds.to(DEVICE)
    convolution = RGCNConv(WIDTH, WIDTH, relations - 1, aggr="sum", bias=False).to(DEVICE)
    single, half = weight(relations), weight(relations, torch.bfloat16)
    plain = passes(lambda h: graph.convolve(h, single), 1, nodes, WIDTH)
    square = torch.randn(PEAK_SIZE, PEAK_SIZE, device=DEVICE)
    rounded = square.bfloat16()
    functions = {
        "ours": plain,
        "TF32": in_tf32(plain),
        "bfloat16": passes(
            lambda h: graph.convolve(h, half), 1, nodes, WIDTH, dtype=torch.bfloat16
        ),
        "RGCNConv": passes(lambda h: convolution(h, edges, kinds), nodes, WIDTH),
        "peak": lambda: square @ square,
        "bfloat16 peak": lambda: rounded @ rounded,
    }
    times = timed(functions, rounds)
    what = f"relational layer, N = {nodes:,}, H = {WIDTH}, 15 taps"
    report.faster(f"{what}: RGCNConv", times, "ours", "RGCNConv", FASTER_THAN_PYG)
    report.faster(f"{what}, TF32: RGCNConv in float32", times, "TF32", "RGCNConv")
    report.faster(f"{what}, bfloat16: RGCNConv in float32", times, "bfloat16", "RGCNConv")
    # products of a pass: forward, to the input, to the weights
    work = 3 * 2 * nodes * WIDTH**2 * relations / 1e12
    median = times.medians()
    for ours, peak in (("ours", "peak"), ("bfloat16", "bfloat16 peak")):
        rate, best = work / median[ours], 2 * PEAK_SIZE**3 / 1e12 / median[peak]
        name = f"{what}{'' if ours == 'ours' else ', bfloat16'}: {peak}"
        report.add(Row(name, rate, best, rate / best, "TFLOP/s"))


def in_tf32(function: Callable[[], None]) -> Callable[[], None]:
    """The function with float32 products rounded to TF32."""

    def rounded() -> None:
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        function()
        torch.backends.cuda.matmul.fp32_precision = "ieee"

    return rounded


def steps(report: Report, setup: Setup, name: str, rounds: int) -> None:
    """A full-batch step against PyG's, and a streamed one against a plain one with all losses."""
    functions = {"streamed": Training(setup, streamed()).step, "PyG": PyGFullBatch(setup).step}
    times = timed(functions, rounds)
    what = f"full-batch step, {name}, N = {setup.nodes:,}: streamed, PyG"
    report.faster(what, times, "streamed", "PyG", FASTER_THAN_PYG, setup.nodes)
    functions.clear()
    torch.cuda.empty_cache()
    trained = replace(setup, loss="seed")
    both = {
        "streamed": Training(trained, streamed()).step,
        "plain": Training(trained, FullBatch()).step,
    }
    times = timed(both, rounds)
    what = f"streamed over plain, {name}, with rg, N = {setup.nodes:,}"
    report.slower(what, times, "streamed", "plain")
    both.clear()
    torch.cuda.empty_cache()


def mini_batches(report: Report, setup: Setup, name: str, rounds: int) -> None:
    """An epoch against one of ClusterLoader on METIS clusters."""
    ours = Training(setup, minibatch(BLOCK, NODES_PER_STEP // BLOCK))
    peer = ClusterTraining(setup, CLUSTER, NODES_PER_STEP)
    times = timed({"ours": ours.epoch, "peer": peer.epoch}, rounds)
    title = f"mini-batches, {name}, N = {setup.nodes:,}: ours, ClusterLoader"
    report.faster(title, times, "ours", "peer", FASTER_THAN_PYG, setup.nodes)


def measure(report: Report, options: Options) -> None:
    """All rows."""
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    print(f"  on {torch.cuda.get_device_name()}")
    nodes, few, rounds = (20_000, 10_000, 2) if options.quick else (1_000_000, 100_000, 5)
    isotropic(report, nodes, rounds)
    relational(report, nodes // 2, rounds)
    for name, setup in setups(nodes // 2).items():
        on_device = replace(setup, device=DEVICE)
        steps(report, on_device, name, rounds)
        if name != DEFAULT:
            mini_batches(report, replace(on_device, nodes=few), name, min(rounds, 3))
    neighbour_sums(report, nodes, rounds)


if __name__ == "__main__":
    script(measure)
