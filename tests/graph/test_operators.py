"""The implicit operators: PyG's convolutions, exact gradients, whatever the shape of the runs."""

from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch.autograd import gradcheck
from torch_geometric.nn import GCNConv, RGCNConv

from zeta_exp.graph import ClusterGraph, LineGraph, operators, signed_offsets, stencil, strips

ADELIC = (1, 2, 3, 5, 7, 11, 13)


@dataclass(frozen=True)
class Case:
    first: int
    runs: int
    length: int
    offsets: tuple[int, ...]
    absent: bool = False  # whether the runs are padded at both ends

    def graph(self, device="cpu"):
        step = torch.arange(self.runs, device=device)[:, None] * 100
        ordinals = self.first + step + torch.arange(self.length, device=device)
        exists = torch.ones_like(ordinals, dtype=torch.bool)
        if self.absent:
            exists[0, :2] = False
            exists[-1, -1] = False
        return LineGraph(ordinals, exists, self.offsets)


CASES = {
    "from ordinal 1": Case(1, 1, 24, (1, 2, 3, 5)),
    "interior": Case(100, 1, 17, (1,)),
    "interior, adelic": Case(10**9, 1, 20, ADELIC),
    "run shorter than an offset": Case(9, 2, 9, ADELIC),
    "padded": Case(9, 3, 8, (1, 2), absent=True),
    "padded, one run": Case(1, 1, 14, (2, 5), absent=True),
    "one node": Case(5, 2, 1, (1, 2)),
    "one node, one run": Case(1, 1, 1, (1, 3)),
    "many runs": Case(100, 5, 4, (1, 2)),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    return request.param


@pytest.fixture(params=[(4096, 512, 1), (4096, 0, 0), (7, 512, 0), (7, 0, 1)], ids=str)
def rows(request, monkeypatch):
    """Strips that hold everything or cut the runs; slices together or one by one; compiled sums."""
    size, together, compiled = request.param
    monkeypatch.setattr(stencil, "THREADS", compiled)
    monkeypatch.setattr(strips, "CPU_ROWS", size)
    monkeypatch.setattr(operators, "SMALL_ROWS", together)
    return size


def drawn(case, inputs=3, outputs=4, dtype=torch.float64):
    """h, weights of a propagation and of a convolution, bias."""
    torch.manual_seed(0)
    relations = len(signed_offsets(case.offsets))
    shapes = [
        (case.runs, case.length, inputs),
        (outputs, inputs),
        (outputs, relations * inputs),
        (outputs,),
    ]
    return [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes]


def gcn(graph, h, weight):
    convolution = GCNConv(3, 4, normalize=False, add_self_loops=False, bias=False).to(h.dtype)
    convolution.lin.weight.data = weight.data
    edge_index, edge_weight = graph.edges
    return convolution(h.flatten(0, -2), edge_index, edge_weight.to(h.dtype))


def rgcn(graph, h, weight):
    relations = len(signed_offsets(graph.offsets))
    convolution = RGCNConv(3, 4, relations, aggr="sum", root_weight=False, bias=False).to(h.dtype)
    convolution.weight.data = weight.data.view(4, relations, 3).permute(1, 2, 0).contiguous()
    return convolution(h.flatten(0, -2), graph.edges[0], graph.edge_type)


@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_operators_and_their_gradients_are_those_of_pyg(case, rows, dtype, error):
    graph = case.graph()
    h, square, tall, _ = drawn(case, dtype=dtype)
    present = graph.exists.flatten()
    for ours, theirs in (
        (graph.propagate(h, square), gcn(graph, h, square)),
        (graph.convolve(h, tall), rgcn(graph, h, tall)),
    ):
        ours = ours.flatten(0, 1)[present]
        theirs = theirs[present]
        torch.testing.assert_close(ours, theirs, atol=error, rtol=error)
        direction = torch.randn_like(ours)
        gradients = [torch.autograd.grad(y, h, direction)[0] for y in (ours, theirs)]
        torch.testing.assert_close(*gradients, atol=error, rtol=error)


def test_gradients_are_derivatives(case, rows):
    graph = case.graph()
    h, square, tall, bias = drawn(case)
    check = partial(gradcheck, fast_mode=True)  # along random directions
    assert check(graph.propagate, (h,))
    assert check(graph.propagate, (h, square, bias))
    assert check(graph.convolve, (h, tall, bias))
    assert check(lambda w: graph.convolve(h.detach(), w), (tall,))
    assert check(lambda w: graph.propagate(h.detach(), w), (square,))
    assert check(lambda h: graph.convolve(h, tall.detach()), (h,))


def test_propagation_is_symmetric(case, rows):
    graph = case.graph()
    x, y = torch.randn(2, case.runs, case.length, 3, dtype=torch.float64)
    present = graph.exists[..., None]
    x, y = x * present, y * present
    torch.testing.assert_close((y * graph.propagate(x)).sum(), (graph.propagate(y) * x).sum())


@pytest.mark.parametrize("view", ["transposed", "strided", "expanded"])
def test_inputs_need_not_lie_side_by_side(rows, view):
    case = CASES["padded"]
    graph = case.graph()
    shape = case.runs, case.length, 3
    h = {
        "transposed": lambda: torch.randn(3, case.length, case.runs).double().transpose(0, 2),
        "strided": lambda: torch.randn(case.runs, 2 * case.length, 6).double()[:, ::2, ::2],
        "expanded": lambda: torch.randn(1, 1, 1).double().expand(shape),
    }[view]()
    _, square, tall, bias = drawn(case)
    for operator, weight in ((graph.propagate, square), (graph.convolve, tall)):
        expected = operator(h.contiguous(), weight, bias)
        torch.testing.assert_close(operator(h, weight, bias), expected)
        gradient = torch.autograd.grad(expected.sum(), weight)[0]  # an expanded gradient
        assert gradient.shape == weight.shape
    if view != "expanded":
        assert gradcheck(graph.convolve, (h.requires_grad_(), tall, bias))


def test_a_cluster_is_the_run_it_holds():
    case = CASES["from ordinal 1"]
    graph = case.graph()
    cluster = ClusterGraph(graph.ordinals[0], case.offsets)
    h, square, tall, bias = drawn(case)
    for ours, theirs, weight in (
        (graph.propagate, cluster.propagate, square),
        (graph.convolve, cluster.convolve, tall),
    ):
        torch.testing.assert_close(ours(h, weight, bias)[0], theirs(h[0], weight, bias))
    assert cluster.membership.tolist() == [0] * case.length
    assert CASES["one node"].graph().membership.tolist() == [0, 1]


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("name", ["many runs", "interior, adelic", "padded"])
def test_sixteen_bits_round_once(name, autocast, rows):
    """Within a few roundings of 2^-9 of the exact result, for any number of offsets."""
    case = CASES[name]
    graph = case.graph()
    inputs = [x.detach().bfloat16() for x in drawn(case, dtype=torch.float32)]
    given = [x.float() if autocast else x for x in inputs]
    exact = [x.double() for x in inputs]
    for index, operator in ((1, graph.propagate), (2, graph.convolve)):
        results = []
        for h, weight, bias in (
            (given[0], given[index], given[3]),
            (exact[0], exact[index], exact[3]),
        ):
            leaves = [x.clone().requires_grad_() for x in (h, weight, bias)]
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast and h is given[0]):
                y = operator(*leaves)
            y.sum().backward()
            results.append([y.detach(), *(x.grad for x in leaves)])
        assert results[0][0].dtype == torch.bfloat16
        assert {x.dtype for x in results[0][1:]} == {given[0].dtype}
        for ours, truth in zip(*results, strict=True):
            error = (ours.double() - truth).abs().max()
            assert error <= 2**-7 * truth.abs().max()


def test_autocast_at_the_backward_pass_changes_nothing():
    case = CASES["padded"]
    graph = case.graph()
    h, square, tall, bias = drawn(case, dtype=torch.float32)
    for operator, weight in ((graph.propagate, square), (graph.convolve, tall)):
        expected = torch.autograd.grad(operator(h, weight, bias).sum(), (h, weight))
        y = operator(h, weight, bias).sum()
        with torch.autocast("cpu", torch.bfloat16):
            found = torch.autograd.grad(y, (h, weight))
        for a, b in zip(found, expected, strict=True):
            assert torch.equal(a, b)


def test_strips_tile_the_runs(rows):
    for runs, length in ((1, 1), (3, 5), (40, 2), (2, 9000), (1, 8)):
        visits = torch.zeros(runs, length, dtype=torch.int64)
        for strip in strips.strips(visits.shape, 3, visits.device):
            visits[strip.runs, strip.start : strip.stop] += 1
            assert strip.rows <= rows or length + 3 > rows
        assert (visits == 1).all()


def test_equal_inputs_give_equal_bytes():
    case = Case(1, 3, 400, ADELIC)
    graph = case.graph()
    h, _, tall, bias = drawn(case, dtype=torch.float32)
    first, second = (
        torch.autograd.grad(graph.convolve(h, tall, bias).square().sum(), tall)[0] for _ in range(2)
    )
    assert torch.equal(first, second)
