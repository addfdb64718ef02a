"""The optimisers against torch's own, and the laws of the noise on the weights."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from tests.conftest import MODELS, make_line, make_model
from zeta_exp.errors import UserError
from zeta_exp.graph import Block
from zeta_exp.models import PyGModel
from zeta_exp.optimizer import (
    NEWTON_SCHULZ,
    AdamWOneCycle,
    MuonOneCycle,
    OtherOneCycle,
    WeightNoise,
    orthogonalized,
)

CYCLE = {"clip": 1.0, "pct_start": 0.3}
COMMON = CYCLE | {"weight_decay": 1e-2}
RECIPES = {
    "adamw": AdamWOneCycle(lr=1e-2, **COMMON),
    "muon": MuonOneCycle(lr=1e-2, **COMMON),
    "noisy": MuonOneCycle(lr=1e-2, weight_noise=0.1, **COMMON),
    "sgd": OtherOneCycle(
        lr=1e-2, **CYCLE, method=lambda parameters: torch.optim.SGD(parameters, momentum=0.9)
    ),
}


def gradients(model, batch, seed):
    """Gradients of a random combination of the outputs."""
    model.zero_grad()
    output = model(batch)
    generator = torch.Generator().manual_seed(seed)
    output.backward(torch.randn(output.shape, generator=generator, dtype=output.dtype))


def parameters(model):
    return [p.detach().clone() for p in model.parameters()]


def trained(recipe, updates=6, seed=0, name="relational"):
    line = make_line()
    model = make_model(name, line)
    batch = line.runs([Block.with_halo(20, 60, 2)])
    optimisation = recipe.start(model, 10, seed)
    for update in range(updates):
        optimisation.begin(update)
        gradients(model, batch, update)
        optimisation.update()
    return model, optimisation, batch


class TestAgainstTorch:
    def test_adamw_under_one_cycle_is_torchs(self):
        ours, _, batch = trained(RECIPES["adamw"])
        model = make_model("relational", make_line())
        theirs = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-2, fused=True)
        schedule = OneCycleLR(theirs, 1e-2, total_steps=11, pct_start=0.3)
        for update in range(6):
            gradients(model, batch, update)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            theirs.step()
            schedule.step()
        for one, other in zip(parameters(ours), parameters(model), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)

    @pytest.mark.parametrize("decay", [0.0, 0.1])
    @pytest.mark.parametrize("shape", [(8, 24), (24, 8), (16, 16)])
    def test_muon_is_torchs_but_for_its_rounding(self, shape, decay):
        """torch rounds the iteration to bfloat16, eight bits of mantissa."""
        torch.manual_seed(1)
        start = torch.randn(shape)
        theirs, ours = (torch.nn.Parameter(start.clone()) for _ in range(2))
        other = torch.optim.Muon(
            [theirs], lr=0.02, weight_decay=decay, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        )
        model = torch.nn.Module()
        model.weight, model.hidden_matrices = ours, lambda: [ours]
        recipe = MuonOneCycle(
            lr=0.02, weight_decay=0.0, clip=1e9, pct_start=0.3, matrix_decay=decay
        )
        (method,) = recipe.methods(model)[:1]
        for seed in range(5):
            gradient = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
            for weight in (theirs, ours):
                weight.grad = gradient.clone()
            other.step()
            with torch.no_grad():
                method.step(0.02, 0.9)
        moved, expected = ours.detach() - start, theirs.detach() - start
        assert (moved - expected).norm() < 0.03 * expected.norm()

    def test_the_cycle_is_torchs_at_every_update(self):
        for total in (1, 2, 7, 40):
            _, optimisation, _ = trained(AdamWOneCycle(lr=1e-2, **COMMON), updates=0)
            optimisation._total = total
            schedule = OneCycleLR(
                torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9),
                1e-2,
                total_steps=total + 1,
                pct_start=max(0.3, 2 / (total + 1)),
            )
            for spent in range(total):
                optimisation._spent = spent
                assert optimisation.lr == pytest.approx(schedule.get_last_lr()[0], rel=1e-12)
                schedule.optimizer.step()
                schedule.step()


class TestOrthogonalized:
    @pytest.mark.parametrize("shape", [(3, 8, 24), (2, 24, 8), (4, 16, 16)])
    def test_singular_values_end_near_one_and_vectors_stay(self, shape):
        matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0)).double()
        u, s, vt = torch.linalg.svd(matrices, full_matrices=False)
        (orthogonal,) = orthogonalized([matrices])
        found = u.mT @ orthogonal @ vt.mT
        values = torch.diagonal(found, dim1=-2, dim2=-1)
        large = s > 0.05 * s[:, :1]
        assert values[large].min() > 0.6
        assert values.max() < 1.3
        assert (found - torch.diag_embed(values)).abs().max() < 1e-9

    def test_stacks_side_by_side_are_matrices_one_by_one(self):
        """Wide and tall ones, of one shorter side and of several."""
        shapes = [(5, 6, 9), (2, 9, 6), (6, 20), (3, 4, 8, 8)]
        generator = torch.Generator().manual_seed(0)
        stacks = [torch.randn(shape, generator=generator).double() for shape in shapes]
        for stack, found in zip(stacks, orthogonalized(stacks), strict=True):
            assert found.shape == stack.shape
            for one, other in zip(
                *(x.reshape(-1, *x.shape[-2:]) for x in (stack, found)), strict=True
            ):
                torch.testing.assert_close(orthogonalized([one])[0], other)

    def test_is_the_iteration_on_the_matrix_itself(self):
        x = torch.randn(1, 12, 30, generator=torch.Generator().manual_seed(0))
        (found,) = orthogonalized([x])
        a, b, c = NEWTON_SCHULZ
        x = x.double() / x.norm()
        for _ in range(5):
            gram = x @ x.mT
            x = a * x + (b * gram + c * gram @ gram) @ x
        torch.testing.assert_close(found, x.float(), rtol=1e-4, atol=1e-5)

    def test_a_zero_gradient_moves_nothing(self):
        assert not orthogonalized([torch.zeros(2, 3, 4)])[0].any()


class TestHiddenMatrices:
    @pytest.mark.parametrize("name", MODELS)
    def test_are_parameters_and_no_read_out(self, name):
        model = make_model(name, make_line())
        named = {id(p): n for n, p in model.named_parameters()}
        hidden = [named[id(p)] for p in model.hidden_matrices()]
        assert bool(hidden) == (name not in ("linear", "hardy"))
        assert all(model.get_parameter(n).ndim >= 2 for n in hidden)
        assert not any(word in n for n in hidden for word in ("skip", "bias", "readout", "guess"))
        assert hidden or name in ("linear", "hardy")
        assert all(min(model.get_parameter(n).shape) > 1 for n in hidden)

    @pytest.mark.parametrize("conv", ["gat", "gcn", "rgcn", "sage"])
    def test_of_pyg_are_those_of_its_layers(self, conv):
        model = PyGModel(15, (1,), conv, hidden=8, layers=2, heads=None, norm=None, dropout=0.0)
        shapes = [tuple(p.shape) for p in model.hidden_matrices()]
        assert shapes[0] == (8, 15)
        assert len(shapes) == 1 + 2 * (2 if conv == "sage" else 1)
        assert all(shape[-2:] == (8, 8) for shape in shapes[1:])

    def test_muon_leaves_a_model_without_them_to_adamw(self):
        ours, _, _ = trained(RECIPES["muon"], name="linear")
        other, _, _ = trained(RECIPES["adamw"], name="linear")
        assert torch.equal(ours.readout.weight, other.readout.weight)


class TestResume:
    @pytest.mark.parametrize("name", RECIPES)
    def test_goes_on_to_the_same_bits(self, name):
        recipe = RECIPES[name]
        whole, _, batch = trained(recipe, updates=6)
        begun, optimisation, _ = trained(recipe, updates=3)
        resumed = recipe.start(begun, 10, 0)
        resumed.restore(deepcopy(optimisation.moments()), 3)
        for update in range(3, 6):
            resumed.begin(update)
            gradients(begun, batch, update)
            resumed.update()
        for one, other in zip(parameters(whole), parameters(begun), strict=True):
            assert torch.equal(one, other)

    def test_a_smaller_budget_is_refused(self):
        _, optimisation, _ = trained(RECIPES["muon"])
        with pytest.raises(UserError, match="give a budget that is no smaller"):
            optimisation.restore(optimisation.moments(), 11)


class TestWeightNoise:
    def test_is_a_function_of_seed_and_update_and_goes_without_a_trace(self):
        model = make_model("relational", make_line())
        before = parameters(model)
        drawn = {}
        for seed, update in ((0, 0), (0, 1), (1, 0), (0, 0)):
            noise = WeightNoise(model, 0.1, seed)
            noise.add(update)
            noise.add(update)  # a step goes on: nothing more
            now = torch.cat([p.flatten() for p in parameters(model)])
            if (seed, update) in drawn:
                assert torch.equal(drawn[seed, update], now)
            drawn[seed, update] = now
            noise.remove()
            assert all(torch.equal(a, b) for a, b in zip(before, parameters(model), strict=True))
        assert len({tuple(each.tolist()) for each in drawn.values()}) == 3

    def test_is_relative_to_each_matrix_and_spares_biases(self):
        model = make_model("relational", make_line())
        with torch.no_grad():
            model.embed.weight.mul_(100)
        before = dict(zip(dict(model.named_parameters()), parameters(model), strict=True))
        noise = WeightNoise(model, 0.1, 0)
        noise.add(0)
        for name, parameter in model.named_parameters():
            moved = (parameter.detach() - before[name]).square().mean().sqrt()
            scale = before[name].square().mean().sqrt()
            if parameter.ndim == 1:
                assert moved == 0
            elif parameter.numel() > 50:
                assert float(moved / scale) == pytest.approx(0.1, rel=0.3)
        clean = noise.clean()
        assert set(clean) == {n for n, p in model.named_parameters() if p.ndim == 2}
        assert all(torch.equal(clean[name], before[name]) for name in clean)

    def test_an_update_starts_from_the_weights_without_it(self):
        """With a rate of almost 0 the weights stay where they were."""
        recipe = MuonOneCycle(lr=1e-12, weight_noise=0.5, **COMMON)
        model, _, _ = trained(recipe, updates=3)
        untouched = make_model("relational", make_line())
        for one, other in zip(parameters(model), parameters(untouched), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "bad",
    [
        {"momentum": 1.0},
        {"momentum": -0.1},
        {"matrix_decay": -1.0},
        {"weight_noise": -0.1},
        {"weight_noise": np.nan},
    ],
)
def test_impossible_values_are_refused(bad):
    with pytest.raises(UserError, match=f"optimizer.{next(iter(bad))}"):
        MuonOneCycle(lr=1e-2, **(COMMON | bad))
