"""Every model meets the same laws."""

import pytest
import torch
from safetensors.torch import load, save

from tests.conftest import MODELS, make_line
from zeta_exp.graph import Block
from zeta_exp.graph.blocks import contiguous
from zeta_exp.models import PyGModel, Relational
from zeta_exp.models.pyg import CONVOLUTIONS

FAMILY = MODELS | {
    f"pyg {conv}": lambda dim, offsets, conv=conv: PyGModel(dim, offsets, conv, hidden=8, layers=2)
    for conv in CONVOLUTIONS
}
FAMILY["pyg layer"] = lambda dim, offsets: PyGModel(dim, offsets, hidden=8, layers=2, norm="layer")


@pytest.fixture(params=FAMILY)
def model_name(request):
    return request.param


def make_model(name, line, seed=0):
    """A model in float64 whose every parameter is away from zero."""
    torch.manual_seed(seed)
    model = FAMILY[name](dim=line.features.dim, offsets=line.offsets).double()
    for parameter in model.parameters():  # zero-initialised heads would hide what is behind them
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def whole(line, stop, model):
    """Outputs for 1 … stop − 1 from one block that sees far more than it owns."""
    with torch.no_grad():
        return model(line.runs([Block.with_halo(1, stop, 60)]))[0, : stop - 1]


def test_one_output_a_node(line, model_name):
    model = make_model(model_name, line)
    batch = line.runs(contiguous(5, 65, 20, halo=3))
    assert model(batch).shape == batch.ordinals.shape == (3, 26)
    ordinals = torch.tensor([2, 3, 4, 9, 10, 30]).numpy()
    cluster = line.cluster(ordinals, ordinals * 0, (1, 40))
    assert model(cluster).shape == (6,)


def test_gradient_reaches_every_parameter(line, model_name):
    model = make_model(model_name, line)
    model(line.runs([Block.with_halo(5, 65, 10)])).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_output_depends_on_the_declared_receptive_field_only(line, model_name):
    model = make_model(model_name, line)
    reach = model.receptive_field
    batch = line.runs([Block.with_halo(100, 101, 30)])
    centre = 30
    batch.features.requires_grad_()
    model(batch)[0, centre].backward()
    touched = torch.nonzero(batch.features.grad[0].abs().sum(-1)).flatten() - centre
    assert touched.abs().max() <= reach
    if reach:
        assert touched.abs().max() == reach  # declared no larger than it is


def test_a_perturbation_outside_the_receptive_field_is_not_seen_at_all(line, model_name):
    model = make_model(model_name, line)
    batch = line.runs([Block.with_halo(100, 101, 30)])
    centre, reach = 30, model.receptive_field
    with torch.no_grad():
        before = model(batch)[0, centre]
        batch.features[0, centre + reach + 1 :] += 1
        batch.features[0, : centre - reach] += 1
        assert torch.equal(model(batch)[0, centre], before)
        batch.features[0, centre + reach] += 1
        assert not torch.equal(model(batch)[0, centre], before)


@pytest.mark.parametrize("size", [7, 32, 399])
def test_a_block_with_its_halo_is_exact(line, model_name, size):
    model = make_model(model_name, line)
    expected = whole(line, 400, model)
    for block in contiguous(1, 400, size, model.receptive_field):
        batch = line.runs([block])
        with torch.no_grad():
            output = model(batch)[batch.owned]
        torch.testing.assert_close(
            output, expected[block.start - 1 : block.stop - 1], atol=1e-6, rtol=1e-6
        )


def test_runs_side_by_side_are_the_blocks_alone(line, model_name):
    model = make_model(model_name, line)
    blocks = contiguous(1, 100, 24, model.receptive_field)  # the first is cut at 1, the last short
    with torch.no_grad():
        together = model(line.runs(blocks))
        for run, block in enumerate(blocks):
            batch = line.runs([block])
            owned = line.runs(blocks).owned[run]
            torch.testing.assert_close(together[run][owned], model(batch)[batch.owned])


def test_cutting_edges_changes_the_output_of_graph_models(line, model_name):
    """The law above can fail: without the halo, only pointwise models stay exact."""
    model = make_model(model_name, line)
    expected = whole(line, 400, model)
    with torch.no_grad():
        output = model(line.runs(contiguous(1, 400, 57, halo=0))).flatten()
    error = (output - expected).abs().max()
    assert (error > 1e-3) == (model.receptive_field > 0)


def test_a_cluster_of_everything_is_the_line(line, model_name):
    model = make_model(model_name, line)
    ordinals = torch.arange(1, 200).numpy()
    with torch.no_grad():
        cluster = model(line.cluster(ordinals, ordinals * 0, (1, 200)))
        run = model(line.runs([Block(1, 200, 1, 200)]))[0]
    torch.testing.assert_close(cluster, run, atol=1e-6, rtol=1e-6)


def test_weights_survive_saving(line, model_name):
    model = make_model(model_name, line)
    stored = load(save(model.state_dict()))
    other = make_model(model_name, line, seed=9)
    batch = line.runs([Block.with_halo(1, 40, 3)])
    assert not torch.equal(model(batch), other(batch))
    other.load_state_dict(stored)
    assert torch.equal(model(batch), other(batch))


def test_default_size_is_that_of_the_recipe():
    line = make_line(max_prime=300)
    model = Relational(line.features.dim, line.offsets)
    assert 100_000 < model.n_parameters < 160_000
    assert model.receptive_field == 2
