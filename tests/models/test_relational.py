"""The relational model under reflection of the line, and its path of few calls."""

from dataclasses import replace

import pytest
import torch

from tests.conftest import make_line
from zeta_exp.errors import UserError
from zeta_exp.graph import Block, signed_offsets
from zeta_exp.models import Relational, relational
from zeta_exp.recipe import PHASES, reflection

OFFSETS = [(1,), (1, 2), (1, 2, 3, 5)]


def made(line, reflected=True, dtype=torch.float64):
    torch.manual_seed(0)
    model = Relational(line.features.dim, line.offsets, 8, 3, reflection=reflected).to(dtype)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def reflected(features):
    """What the line from right to left shows: cosines, minus sines, height."""
    phases = features.shape[-1] // 2
    cosines, sines, height = features.flip(-2).tensor_split([phases, 2 * phases], -1)
    return torch.cat([cosines, -sines, height], -1)


@pytest.mark.parametrize("offsets", OFFSETS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_output_is_odd_under_reflection(offsets, dtype):
    line = make_line(offsets)
    batch = line.runs([Block(100, 180, 100, 180)])
    batch = replace(batch, features=batch.features.to(dtype))
    mirrored = replace(batch, features=reflected(batch.features))
    for model, odd in ((made(line, True, dtype), True), (made(line, False, dtype), False)):
        output = model(batch)
        error = (model(mirrored).flip(-1) + output).abs().max() / output.abs().max()
        assert bool(error < (1e-12 if dtype is torch.float64 else 1e-5)) == odd


@pytest.mark.parametrize("reflected", [False, True])
@pytest.mark.parametrize("offsets", OFFSETS)
def test_few_rows_give_the_outputs_and_gradients_of_many(offsets, reflected, monkeypatch):
    line = make_line(offsets)
    blocks = [Block.with_halo(start, start + 20, 3 * max(offsets)) for start in (100, 300, 700)]
    batch = line.runs(blocks)
    batch = replace(batch, features=batch.features.float())
    results = []
    for rows in (relational.FEW_ROWS, 0):
        monkeypatch.setattr(relational, "FEW_ROWS", rows)
        model = made(line, reflected, torch.float32)
        output = model(batch)[batch.owned]
        output.square().sum().backward()
        results.append([output, *(p.grad for p in model.parameters())])
    for few, many in zip(*results, strict=True):
        torch.testing.assert_close(
            few, many, rtol=1e-4, atol=1e-4 * float(many.detach().abs().max())
        )


def test_a_convolution_reads_to_the_left_what_its_mirror_reads_to_the_right():
    line = make_line((1, 2))
    model = made(line)
    weight = dict(model.named_parameters())["layers.0.weight.weight"]
    (_, _, (full, _), *_) = model._mirrored_maps()
    taps = signed_offsets((1, 2))
    blocks = full.view(2, 4, 5, 2, 4)  # direction, output, tap, direction, input
    for tap, offset in enumerate(taps):
        there, back = blocks[:, :, tap], blocks[:, :, taps.index(-offset)]
        assert torch.equal(there[0], weight.view(4, 5, 2, 4)[:, tap])
        assert torch.equal(there[0][:, 0], back[1][:, 1])
        assert torch.equal(there[0][:, 1], back[1][:, 0])


def test_reflection_halves_the_parameters_of_the_layers():
    free, paired = (Relational(15, (1,), 32, 4, r).n_parameters for r in (False, True))
    assert 0.49 < paired / free < 0.51


@pytest.mark.parametrize(
    ("dim", "hidden", "advice"), [(15, 33, "34"), (15, 7, "8"), (1, 8, "model.reflection=false")]
)
def test_what_can_not_be_paired_is_refused(dim, hidden, advice):
    with pytest.raises(UserError, match=f"use (.*{advice})"):
        Relational(dim, (1,), hidden, 2, reflection=True)


def test_residuals_from_phases_are_odd_and_nothing_else_is_taken_to_be():
    for features in (*PHASES, *(f"zeta_exp.features.{name}" for name in PHASES)):
        assert reflection(features, "residual")
        assert not reflection(features, "ordinate")
    for features in ("LogIndex", "zeta_exp.features.LogIndex", "mine.Features"):
        assert not reflection(features, "residual")
