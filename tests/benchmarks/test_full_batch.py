"""The ways to regularise full-batch training: their gradients, and the steps of Gauss–Newton."""

import copy
from dataclasses import replace

import pytest
import torch

from benchmarks import full_batch
from benchmarks.full_batch import QUICK, Ground, Solver, Way, first_order, second_order
from benchmarks.full_batch import take_gradient as take
from benchmarks.gauss_newton import DampedSteps, Damping
from benchmarks.harness import Options, Report

TINY = replace(QUICK, N=200, gradients=20, early=10, iterations=2)
PLAIN = Way("nothing", "")


@pytest.fixture(scope="module")
def ground():
    return Ground(TINY)


def moved(ground):
    """A model whose read-out is not zero, so that all parameters have a gradient."""
    model = ground.fresh_model()
    torch.nn.init.normal_(model.head.weight)
    return model


def gradient(ground, model, way):
    take(way, model, ground.gradients(model))
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def flat(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("share", [1.0, 0.5, 3.0])
def test_no_radius_is_no_regulariser(ground, share):
    model = moved(ground)
    plain = gradient(ground, model, PLAIN)
    before = flat(model)
    found = gradient(ground, model, Way("", "", radius=0.0, share=share))
    torch.testing.assert_close(found, plain, rtol=1e-5, atol=1e-7)
    assert torch.equal(flat(model), before)


def test_a_small_radius_follows_the_penalised_gradient(ground):
    """g + share·radius·∇|∇L|, where ∇|∇L| = H·g/|g| is a difference of gradients."""
    model = moved(ground).double()
    way = Way("", "", radius=1e-2, share=0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ground, "line", replace(ground.line, dtype=torch.float64))
        plain = gradient(ground, model, PLAIN)
        bent = gradient(ground, model, way) - plain
        further = copy.deepcopy(model)
        shift = 1e-5 * plain / plain.norm()
        full_batch.set_parameters(further, flat(model) + shift)
        curved = (gradient(ground, further, PLAIN) - plain) / 1e-5
    torch.testing.assert_close(bent, way.share * way.radius * curved, rtol=0.1, atol=1e-3)


def test_both_passes_of_an_update_count(ground):
    sharp = Way("SAM", "", radius=0.01, share=1.0)
    assert first_order(ground, sharp, 20).at == first_order(ground, PLAIN, 20).at == 20


def test_the_jacobian_gives_the_gradient(ground):
    """∂/∂θ mean e² = 2Jᵀe/N, at the end of the line too, where neighbours are missing."""
    model = moved(ground)
    error = ground.training_error(model)
    jacobian = ground.windows().jacobian(model)
    found = 2 * jacobian.T @ error / len(error)
    expected = gradient(ground, model, PLAIN)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(30, 50), (30, 10)])
def test_without_damping_a_step_solves_a_linear_model(rows, columns):
    """Of all least-squares solutions it is the shortest."""
    jacobian = torch.randn(rows, columns, dtype=torch.float64)
    error = torch.randn(rows, dtype=torch.float64)
    if columns < rows:  # JJᵀ has no root there without damping
        error = jacobian @ torch.randn(columns, dtype=torch.float64)
    found = DampedSteps(jacobian, error).step(1e-10)
    torch.testing.assert_close(found, -torch.linalg.pinv(jacobian) @ error, rtol=1e-6, atol=1e-6)


def test_much_damping_is_a_short_step_down_the_gradient():
    jacobian, error = torch.randn(20, 30), torch.randn(20)
    step = DampedSteps(jacobian, error).step(1e6)
    downhill = -jacobian.T @ error
    assert torch.cosine_similarity(step, downhill, dim=0) > 0.999
    assert step.norm() < 1e-4 * downhill.norm()


def test_the_damping_grows_until_a_step_is_good():
    steps = DampedSteps(torch.eye(3), torch.ones(3))
    damping = Damping(1e-3)
    step = damping.descend(steps, lambda s: float(s.norm()), before=1.72)
    assert step is not None
    assert step.norm() < 1.72
    assert Damping(1e-3).descend(steps, lambda s: 1.0, before=0.0) is None


@pytest.mark.parametrize("judged", ["training", "validation"])
def test_no_accepted_step_raises_what_is_judged(ground, judged):
    model = ground.fresh_model()
    before = ground.errors(model)
    record = second_order(ground, Solver("", judged, 1e-2), model, 2)
    assert record.at > 0
    assert getattr(record.end, judged) < getattr(before, judged)
    assert ground.errors(model) == record.end


def test_every_way_has_a_line(monkeypatch):
    monkeypatch.setattr(full_batch, "QUICK", TINY)
    report = Report(barred=False)
    full_batch.measure(report, Options(quick=True, threads=1, docs=False))
    head, *lines = report.tables["full_batch"]
    assert len(lines) == len(report.rows) == len(full_batch.WAYS) + len(full_batch.SOLVERS)
    assert all(len(line) == len(head) for line in lines)
