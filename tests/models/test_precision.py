"""bfloat16 rounds the products of a model and nothing else."""

import pytest
import torch

from tests.conftest import MODELS, make_line, make_model
from zeta_exp.batch import Line
from zeta_exp.graph import Block, adelic_offsets


@pytest.fixture(params=[name for name in MODELS if name != "hardy"])  # which refuses to round
def model_name(request):
    return request.param


def output_and_gradient(model_name, offsets, precision):
    line = make_line(offsets)
    line = Line(line.features, offsets, line.target, line.truth)  # float32
    model = make_model(model_name, line).float()
    model.precision = precision
    output = model(line.runs([Block.with_halo(20, 60, 13), Block.with_halo(90, 120, 13)]))
    output.square().sum().backward()
    return output.detach(), torch.cat([p.grad.flatten() for p in model.parameters()])


@pytest.mark.parametrize("primes", [(), (2, 3)])
def test_bfloat16_is_near_float32_and_not_equal(model_name, primes):
    offsets = adelic_offsets(primes)
    exact = output_and_gradient(model_name, offsets, torch.float32)
    rounded = output_and_gradient(model_name, offsets, torch.bfloat16)
    for plain, coarse in zip(exact, rounded, strict=True):
        assert coarse.dtype == torch.float32
        error = (coarse - plain).norm() / plain.norm()
        assert 1e-4 < error < 0.1  # 8 bits of mantissa a product


def test_bfloat16_gives_the_same_bits_twice(model_name):
    first, second = (output_and_gradient(model_name, (1,), torch.bfloat16) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
