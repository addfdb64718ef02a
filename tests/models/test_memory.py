"""What the models declare of their memory is what a pass takes."""

from dataclasses import replace

import pytest
import torch

from tests.conftest import make_line
from tests.models.measured import bytes_backward, bytes_forward, bytes_kept
from zeta_exp.graph import Block, adelic_offsets, strips
from zeta_exp.models import MLP, Hardy, HybridGCN, Linear, PyGModel, Relational
from zeta_exp.models.pyg import CONVOLUTIONS, NORMS

WIDTH = 24
SIZED = {"mlp": MLP, "hybrid_gcn": HybridGCN, "relational": Relational}
MADE = {
    "hardy": lambda dim, offsets, layers: Hardy(dim, offsets, steps=layers),
    "linear": lambda dim, offsets, layers: Linear(dim, offsets),
    **{
        name: lambda dim, offsets, layers, made=made: made(dim, offsets, WIDTH, layers)
        for name, made in SIZED.items()
    },
    **{
        conv: lambda dim, offsets, layers, conv=conv: PyGModel(dim, offsets, conv, WIDTH, layers)
        for conv in CONVOLUTIONS
    },
    **{
        norm: lambda dim, offsets, layers, norm=norm: PyGModel(
            dim, offsets, "gcn", WIDTH, layers, norm=norm
        )
        for norm in NORMS
    },
    "two heads": lambda dim, offsets, layers: PyGModel(dim, offsets, "gat", WIDTH, layers, heads=2),
    "dropout": lambda dim, offsets, layers: PyGModel(
        dim, offsets, "sage", WIDTH, layers, dropout=0.2
    ),
}


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("primes", [(), (2, 3, 5, 7)], ids=["line", "adelic"])
@pytest.mark.parametrize("name", MADE)
def test_floats_a_node_are_those_that_a_pass_takes(name, primes, layers, monkeypatch):
    monkeypatch.setattr(strips, "CPU_ROWS", 64)  # what a strip takes does not grow with the line
    line = replace(make_line(adelic_offsets(primes)), dtype=torch.float32)
    model = MADE[name](line.features.dim, line.offsets, layers)
    block = Block.with_halo(1000, 7000, 0)
    scale = 1 / (4 * len(block))
    # a fresh batch each, since a graph keeps its edges
    kept = scale * bytes_kept(model, line.runs([block]))
    assert kept == pytest.approx(model.floats_per_node, rel=0.01, abs=0.1)
    forward = scale * bytes_forward(model, line.runs([block]))
    assert forward == pytest.approx(model.floats_forward, rel=0.1, abs=0.1)
    if name in SIZED:
        backward = scale * bytes_backward(model, line.runs([block]))
        through = 2 * WIDTH  # a gradient that comes in and one that goes out
        assert backward == pytest.approx(model.floats_remade + through, rel=0.1)  # and the weights'
