"""PyG's convolutions on our edges: what they are, and what is refused."""

import sys

import pytest
import torch

from tests.conftest import make_line
from zeta_exp.errors import UserError
from zeta_exp.graph import Block
from zeta_exp.graph.blocks import contiguous
from zeta_exp.models import HybridGCN, Linear, PyGModel, Relational
from zeta_exp.models.hybrid_gcn import GraphConvolution


@pytest.fixture
def batch():
    return make_line((1, 2, 3)).runs(contiguous(1, 40, 13, halo=4))


def test_the_graph_convolution_takes_the_weights_of_gcnconv(batch):
    from torch_geometric.nn import GCNConv

    theirs = GCNConv(5, 5, normalize=False, add_self_loops=False).double()
    ours = GraphConvolution(5).double()
    ours.load_state_dict(theirs.state_dict())
    h = torch.randn(*batch.ordinals.shape, 5, dtype=torch.float64)
    expected = theirs(h.flatten(0, 1), *batch.graph.edges).view_as(h)
    present = batch.graph.exists
    torch.testing.assert_close(ours(h, batch.graph)[present], expected[present])


def test_hybrid_gcn_starts_as_gcnconv_does():
    model = HybridGCN(4, (1,), hidden=50)
    limit = (6 / 100) ** 0.5  # Glorot
    for layer in model.layers:
        assert 0.9 * limit < layer.lin.weight.abs().max() <= limit
        assert not layer.bias.any()


def test_relational_starts_as_one_matrix_of_all_relations():
    torch.manual_seed(0)
    model = Relational(7, (1,), hidden=6, layers=1)
    torch.manual_seed(0)
    torch.nn.Linear(7, 1)
    torch.nn.Linear(7, 6)
    expected = torch.nn.Linear(18, 6)
    assert torch.equal(model.layers[0].weight.weight, expected.weight)


def test_pyg_is_imported_by_its_model_alone():
    """Checked in a fresh interpreter: here it is imported already."""
    import subprocess

    script = "import sys, zeta_exp.models; sys.exit('torch_geometric' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_attention_stays_within_a_run():
    line = make_line((1, 2))
    torch.manual_seed(0)
    model = PyGModel(line.features.dim, line.offsets, "gat", hidden=8, layers=2).double()
    batch = line.runs(contiguous(50, 80, 10, halo=0))
    with torch.no_grad():
        before = model(batch)
        batch.features[1] += 1
        after = model(batch)
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[2], after[2])
    assert not torch.equal(before[1], after[1])


@pytest.mark.parametrize(
    ("arguments", "said", "stochastic"),
    [
        ({}, [], False),
        ({"norm": "layer"}, [], False),
        ({"norm": "batch"}, ["averages over the batch"], False),
        ({"norm": "graph"}, ["averages over the run"], False),
        ({"dropout": 0.5}, ["by ordinal"], True),
        ({"norm": "batch", "dropout": 0.5}, ["over the batch and dropout"], True),
    ],
)
def test_a_model_says_why_it_is_inexact(arguments, said, stochastic):
    line = make_line((1,))
    torch.manual_seed(0)
    model = PyGModel(line.features.dim, line.offsets, "gcn", hidden=8, **arguments).double()
    assert bool(model.inexact) == bool(said)
    assert all(words in model.inexact for words in said)
    assert model.stochastic == stochastic
    whole = line.runs([Block.with_halo(20, 120, model.receptive_field)])
    part = line.runs([Block.with_halo(20, 60, model.receptive_field)])
    with torch.no_grad():
        expected = model(whole)[whole.owned][:40]
        found = model(part)[part.owned]
        assert torch.allclose(found, expected) == (not said)  # it says so if and only if it is
        assert torch.equal(model(part), model(part)) != stochastic


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conv": "gin"}, r"model.conv=gin is unknown; known: gat, gcn, rgcn, sage"),
        ({"norm": "instance"}, r"model.norm=instance is unknown; known: batch, graph, layer, null"),
        ({"dropout": 1.0}, r"model.dropout=1 is no rate"),
        ({"dropout": -0.5}, r"model.dropout=-0.5 is no rate"),
        ({"heads": 2}, r"model.heads=2 has no use in model.conv=gcn"),
        ({"conv": "gat", "heads": 3}, r"model.hidden=64 is no multiple of the 3 heads"),
        ({"conv": "gat", "heads": 0}, r"model.heads=0"),
        ({"layers": 0}, r"model.layers=0"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        PyGModel(4, (1,), **arguments)


def test_other_models_are_exact():
    for model in (Linear(4, (1,)), HybridGCN(4, (1,)), Relational(4, (1,))):
        assert model.inexact == ""
        assert not model.stochastic
