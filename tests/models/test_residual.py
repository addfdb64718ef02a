"""Residual sums kept by their terms have the gradients of those kept whole, in half the memory."""

import weakref

import pytest
import torch
from torch.autograd import gradcheck

from zeta_exp.models.residual import RELU, SILU, ResidualSum

ACTIVATIONS = {"relu": RELU, "silu": SILU}
NODES, WIDTH, LAYERS = 50, 4, 3


@pytest.fixture(params=ACTIVATIONS.values(), ids=ACTIVATIONS)
def activation(request):
    return request.param


def drawn(dtype=torch.float64):
    """x (NODES, WIDTH) and a matrix a layer."""
    torch.manual_seed(0)
    shapes = [(NODES, WIDTH), *[(WIDTH, WIDTH)] * LAYERS]
    return [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes]


def by_terms(activation, x, *weights):
    h = ResidualSum(activation, x)
    for weight in weights:
        h.add(h.into(lambda value, weight=weight: value @ weight))
    return h.into(lambda value: value.square())


def whole(activation, x, *weights):
    h = activation.function(x)
    for weight in weights:
        h = h + activation.function(h @ weight)
    return h.square()


def test_outputs_and_gradients_are_those_of_plain_sums(activation):
    inputs = drawn()
    outputs = [make(activation, *inputs) for make in (by_terms, whole)]
    assert torch.equal(*outputs)
    direction = torch.randn(NODES, WIDTH, dtype=torch.float64)
    found, expected = (torch.autograd.grad(y, inputs, direction) for y in outputs)
    for ours, plain in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)
    few = [inputs[0][:2].detach().requires_grad_(), *inputs[1:]]
    assert gradcheck(lambda *given: by_terms(activation, *given), few)


def test_only_the_terms_are_kept(activation):
    inputs = drawn()
    given = {tensor.untyped_storage().data_ptr() for tensor in inputs}
    kept = {}

    def count(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in given:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        y = by_terms(activation, *inputs)
    assert y.requires_grad
    assert sum(kept.values()) == 8 * NODES * WIDTH * LAYERS  # the first term is x itself


@pytest.mark.parametrize("backward", [True, False])
def test_nothing_outlives_the_graph(activation, backward):
    inputs = drawn()
    h = ResidualSum(activation, inputs[0])
    h.add(h.into(lambda value: value @ inputs[1]))
    y = h.into(lambda value: value @ inputs[2]).sum()
    value, term = weakref.ref(h._value), weakref.ref(h._terms[-1])
    del h
    assert value() is None
    assert term() is not None  # in the graph
    if backward:
        y.backward()
    del y
    assert term() is None


def test_a_second_backward_pass_finds_the_same_bits(activation):
    inputs = drawn(torch.float32)
    y = by_terms(activation, *inputs).sum()
    first = torch.autograd.grad(y, inputs, retain_graph=True)
    second = torch.autograd.grad(y, inputs)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_some_sums_may_be_asked_for_and_others_not(activation):
    """A layer without trained weights needs no sum, and the others get their own."""
    x, first, second, third = drawn()
    second.requires_grad_(False)
    trained = [x, first, third]
    found, expected = (
        torch.autograd.grad(make(activation, x, first, second, third).sum(), trained)
        for make in (by_terms, whole)
    )
    for ours, plain in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)
