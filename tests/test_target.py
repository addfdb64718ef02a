"""Targets encode and decode, and the split never overlaps."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.target import OrdinateTarget, ResidualTarget, Truth, make_target
from zeta_exp.zeros.stretch import COARSE_FROM

SPLIT = Split(start=50, N=200)


@pytest.mark.parametrize("name", ["residual", "ordinate"])
def test_decoding_undoes_encoding(name):
    target = make_target(name, SPLIT)
    n = np.arange(50, 250)
    residual = np.random.default_rng(0).normal(0, 0.3, 200)
    encoded = torch.from_numpy(target.encode(n, residual))
    decoded = target.residual(torch.from_numpy(n), encoded)
    np.testing.assert_allclose(decoded, residual, atol=1e-9)
    assert target.name == name


def test_ordinates_are_scaled_to_order_one():
    target = OrdinateTarget(SPLIT)
    n = np.arange(50, 250)
    encoded = target.encode(n, np.zeros(200))
    assert 0 < encoded.min() < encoded.max() < 1.2
    wild = target.residual(torch.tensor([60]), torch.tensor([-5.0]))
    assert torch.isfinite(wild).all()


def test_ordinates_without_digits_are_refused():
    last = COARSE_FROM - 200  # a run of 100 goes on for 100 more
    assert OrdinateTarget(Split(start=last, N=100)).unit > 1e9
    with pytest.raises(UserError, match="use target=residual"):
        OrdinateTarget(Split(start=last + 1, N=100))


def test_truth_is_zero_where_nothing_is_known():
    truth = Truth(ResidualTarget(), 10, np.array([0.1, 0.2, 0.3]))
    values = truth(torch.tensor([[9, 10], [12, 13]]))
    torch.testing.assert_close(values, torch.tensor([[0.0, 0.1], [0.3, 0.0]]))


def test_unknown_target():
    with pytest.raises(UserError, match="known: ordinate, residual"):
        make_target("height", SPLIT)


@given(start=st.integers(1, 10**9), count=st.integers(100, 10**7))
def test_split_is_ordered_and_disjoint(start, count):
    split = Split(start=start, N=count)
    assert split.train[0] == start
    assert split.train[1] == split.validation[0]
    assert split.validation[1] == split.next_tenth[0] == split.next_hundred[0] == start + count
    train = split.train[1] - split.train[0]
    assert 0 <= 0.9 * count - train < 1
    assert split.extrapolation[1] == start + count + max(100, count // 10)


@pytest.mark.parametrize("bad", [{"N": 99, "start": 1}, {"N": 1000, "start": 0}])
def test_impossible_ranges_are_refused(bad):
    with pytest.raises(UserError):
        Split(**bad)
