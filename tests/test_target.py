"""Targets encode and decode, and the split never overlaps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import held
from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.target import OrdinateTarget, ResidualTarget, Truth, make_target
from zeta_exp.zeros.cache import RUN
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


class Asked:
    """Residuals of every ordinal, and the requests for them; one too long is refused."""

    def __init__(self, most=RUN):
        self.requests = []
        self._most = most

    def of(self, n):
        return np.sin(np.asarray(n, dtype=np.float64))

    def __call__(self, start, stop):
        assert 0 < stop - start <= self._most
        self.requests.append((start, stop))
        return self.of(np.arange(start, stop))


def test_truth_is_zero_where_nothing_is_known():
    truth = Truth(ResidualTarget(), held(np.array([0.1, 0.2, 0.3]), 10), 10, 13)
    values = truth(np.array([[9, 10], [12, 13]]))
    torch.testing.assert_close(values, torch.tensor([[0.0, 0.1], [0.3, 0.0]]))
    for outside in ([[1, 2, 3]], [[20], [400]], [[]]):
        n = np.array(outside, dtype=np.int64)
        assert truth(n).shape == n.shape
        assert not truth(n).any()


@pytest.mark.parametrize("name", ["residual", "ordinate"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_truth_of_any_ordinals_is_that_of_each(name, data):
    """Rows of consecutive ordinals, ascending clusters with gaps, halos clipped at ordinal 1."""
    split = Split(start=50, N=100_000)
    target, asked = make_target(name, split), Asked()
    truth = Truth(target, asked, split.start, split.start + split.N)
    near = st.sampled_from([1, 40, split.start, 65_500, split.start + split.N - 20])
    rows = data.draw(st.lists(near, min_size=1, max_size=4))
    steps = st.lists(st.sampled_from([0, 1, 1, 1, 2, 60, 70, 900]), min_size=5, max_size=5)
    n = np.array([np.cumsum([row, *data.draw(steps)]) for row in rows])
    values = truth(n)
    assert values.dtype == torch.float32
    known = (n >= split.start) & (n < split.start + split.N)
    expected = np.where(known, target.encode(n.ravel(), asked.of(n).ravel()).reshape(n.shape), 0)
    np.testing.assert_array_equal(values.numpy(), expected.astype(np.float32))


def test_truth_asks_once_for_each_stretch_and_run():
    asked = Asked()
    truth = Truth(ResidualTarget(), asked, 1, 10**6)
    truth(np.array([[5], [90_000], [700]]) + np.arange(70))
    assert asked.requests == [(5, 75), (90_000, 90_070), (700, 770)]
    asked.requests.clear()
    whole = truth(np.arange(1, 3 * RUN)[None])
    assert asked.requests == [(1, RUN + 1), (RUN + 1, 2 * RUN + 1), (2 * RUN + 1, 3 * RUN)]
    assert torch.equal(whole[0, :70], truth(np.arange(1, 71)))


def test_truth_does_not_ask_where_no_ordinal_is_asked_for():
    asked = Asked()
    truth = Truth(ResidualTarget(), asked, RUN - 3, 2 * RUN)
    assert truth(np.array([RUN - 10, RUN + 20])).tolist()[0] == 0
    assert asked.requests == [(RUN + 1, RUN + 21)]


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
