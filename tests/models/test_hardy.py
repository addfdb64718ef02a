"""The glass box: what it solves, where it begins, and what it refuses."""

import numpy as np
import pytest
import torch

from zeta_exp import starting
from zeta_exp.batch import Line
from zeta_exp.errors import UserError
from zeta_exp.evaluation.riemann_siegel import riemann_siegel
from zeta_exp.evaluation.statistics import rmse
from zeta_exp.features import IntegerPhases, PrimePhases, tabulated
from zeta_exp.graph import Block
from zeta_exp.models import Hardy
from zeta_exp.models.hardy import _ValueAndSlope
from zeta_exp.ranks import ALONE, Ranks
from zeta_exp.split import Split
from zeta_exp.starting import start_from_closed_forms
from zeta_exp.target import ResidualTarget, Truth
from zeta_exp.zeros import ComputedZeros

SPLIT = Split(start=1, N=10_000)
NEAR = Split(start=10_001, N=500)
FAR = Split(start=1_000_001, N=300)
SOURCE = ComputedZeros()


def line_of(split, residuals=SOURCE.residuals):
    """The line of a run, float32."""
    features = IntegerPhases(None, split)
    target = ResidualTarget()
    return Line(
        features=tabulated(features, split.start, split.extrapolation[1]),
        offsets=(1,),
        target=target,
        truth=Truth(target, residuals, split.start, split.start + split.N),
    )


def begun(split=SPLIT, ranks=ALONE, **line):
    """A model where its closed forms set it."""
    made = line_of(split, **line)
    model = Hardy(made.features.dim, made.offsets)
    start_from_closed_forms(model, made, split, ranks)
    return model, made


@torch.no_grad()
def predicted(model, line, start, stop):
    """δ̂ of [start, stop), float64."""
    return model(line.runs([Block(start, stop, start, stop)]))[0].double().numpy()


@pytest.fixture(scope="module")
def first_zeros():
    return begun()


def test_amplitudes_are_recovered_from_the_zeros(first_zeros):
    """Hardy's function has a = 1 and b = 0, and nothing has told the closed form so."""
    model, _ = first_zeros
    trained = model.explained()["amplitudes"]["trained"]
    assert trained["a"][:8] == pytest.approx([1] * 8, abs=1e-3)  # m = 2 … 9
    assert trained["b"][:8] == pytest.approx([0] * 8, abs=1e-3)
    assert trained == model.explained()["amplitudes"]["closed_form"]
    assert len(trained["a"]) == 80  # m = 2 … 81


def test_it_extrapolates_where_it_begins(first_zeros):
    model, line = first_zeros
    window = SPLIT.next_tenth
    truth = SOURCE.residuals(*window)
    assert rmse(predicted(model, line, *window), truth) < 0.003
    guess = model.guess(line.features(np.arange(*window)))[:, 0].detach().numpy()
    assert rmse(guess, truth) > 0.05


@pytest.mark.parametrize("split", [SPLIT, FAR], ids=["1", "10^6"])
def test_without_learning_it_is_the_ceiling(split):
    """With a = 1 and b = 0 it solves the equation of `riemann_siegel`, but for lost roots."""
    line = line_of(split)
    model = Hardy(line.features.dim, line.offsets, steps=12)
    start, stop = split.validation[0], split.validation[0] + 30
    torch.nn.init.zeros_(model.guess.weight)
    with torch.no_grad():
        model.a.fill_(1.0)
        model.guess.bias.fill_(0.0)
    error = predicted(model, line, start, stop) - riemann_siegel(start, stop).residual
    assert np.median(np.abs(error)) < 1e-6  # float32
    assert (np.abs(error) < 1e-5).mean() > 0.85


def test_the_derivative_of_the_sum_is_its_derivative():
    torch.manual_seed(0)
    shapes = [(2, 3), *[(2, 3, 4)] * 3]
    inputs = [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(_ValueAndSlope.apply, inputs)
    _, slope = _ValueAndSlope.apply(*inputs)
    value, _ = _ValueAndSlope.apply(*inputs)
    (derivative,) = torch.autograd.grad(value.sum(), inputs[:1])
    torch.testing.assert_close(slope, derivative)


def test_only_training_zeros_are_asked_for():
    def residuals(start, stop):
        assert NEAR.train[0] <= start < stop <= NEAR.train[1]
        return SOURCE.residuals(start, stop)

    begun(NEAR, residuals=residuals)


def test_blocks_change_nothing_but_rounding(monkeypatch):
    whole, _ = begun(NEAR)
    monkeypatch.setattr(starting, "BLOCK", 37)
    parts, line = begun(NEAR)
    window = NEAR.validation
    torch.testing.assert_close(parts.guess.weight, whole.guess.weight, atol=1e-6, rtol=1e-4)
    expected = predicted(whole, line, *window)
    assert predicted(parts, line, *window) == pytest.approx(expected, abs=1e-4)


def test_of_a_long_range_the_last_ordinals_are_seen(monkeypatch):
    monkeypatch.setattr(starting, "ORDINALS", 100)
    asked = []

    def residuals(start, stop):
        asked.append((start, stop))
        return SOURCE.residuals(start, stop)

    begun(NEAR, residuals=residuals)
    assert min(asked)[0] == NEAR.train[1] - 100


class Told(Ranks):
    """One of two processes; what the first says is heard by the second."""

    said: list = []  # noqa: RUF012 - the wire between the two

    def agree(self, value):
        if self.first:
            self.said.append(value)
        return self.said[-1]


def test_every_process_begins_where_the_first_does():
    def none(start, stop):
        raise AssertionError("the second process asks for no zeros")

    first, _ = begun(NEAR, Told(rank=0, world=2))
    second, _ = begun(NEAR, Told(rank=1, world=2), residuals=none)
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value)


@pytest.mark.parametrize(
    ("features", "target", "precision", "sentence"),
    [
        (PrimePhases(30), "residual", torch.float32, "features=prime_phases: use features=integer"),
        (IntegerPhases(9, NEAR), "ordinate", torch.float32, "target=ordinate: use target=residual"),
        (IntegerPhases(9, NEAR), "residual", torch.bfloat16, "use hardware.precision=float32"),
    ],
)
def test_what_it_can_not_use_is_refused(features, target, precision, sentence):
    model = Hardy(features.dim, (1,))
    model.precision = precision
    with pytest.raises(UserError, match=sentence):
        model.check(features, target)
    model.precision = torch.float32
    model.check(IntegerPhases(9, NEAR), "residual")


def test_a_model_without_steps_is_refused():
    with pytest.raises(UserError, match=r"model\.steps=0"):
        Hardy(9, (1,), steps=0)
