"""The smooth count, its inverse and the unfolding, against ball arithmetic."""

import math

import flint
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.theory import counting

heights = st.floats(14.0, 1e9)
counts = st.floats(1.0, 1e9)


def exact_theta(t: float) -> float:
    with flint.ctx.workprec(150):
        return float(flint.arb_series([flint.arb(t)], 1).riemann_siegel_theta()[0].mid())


@given(heights)
def test_theta(t):
    assert counting.theta(np.float64(t)) == pytest.approx(exact_theta(t), rel=5e-16, abs=2e-12)


def test_theta_near_its_lowest_zero():
    # mpmath.findroot(mpmath.siegeltheta, 17.8) at 30 digits: 17.8455995404108608…
    assert counting.theta(17.845599540410861) == pytest.approx(0, abs=1e-12)


@given(heights)
def test_derivative_is_that_of_theta(t):
    step = 1e-4 * t
    slope = (exact_theta(t + step) - exact_theta(t - step)) / (2 * step)
    assert counting.theta_derivative(np.float64(t)) == pytest.approx(slope, rel=1e-7)


@given(heights)
def test_mean_gap_is_the_inverse_density(t):
    density = counting.theta_derivative(np.float64(t)) / math.pi
    assert counting.mean_gap(np.float64(t)) * density == pytest.approx(1)


@given(counts)
def test_height_inverts_the_count(count):
    height = counting.height_of_count(count)
    assert counting.smooth_count(height) == pytest.approx(count, rel=1e-15, abs=1e-12)


@given(heights)
def test_count_inverts_the_height(t):
    back = counting.height_of_count(counting.smooth_count(np.float64(t)))
    assert back == pytest.approx(t, rel=1e-14)


def test_counts_below_the_lowest_height():
    heights = counting.height_of_count([-100.0, 0.0, 0.2])
    assert heights[0] == counting.LOWEST_HEIGHT
    assert np.all(np.diff(heights) >= 0)


def test_smooth_height_ascends_from_the_first_ordinal():
    n = np.arange(1, 10_000)
    heights = counting.smooth_height(n)
    assert np.all(np.diff(heights) > 0)
    assert counting.smooth_count(heights) == pytest.approx(n - 0.5)


def test_heights_do_not_depend_on_what_else_is_asked():
    n = np.arange(1, 5000)
    assert np.array_equal(
        counting.smooth_height(n)[1234:1300], counting.smooth_height(n[1234:1300])
    )


@given(st.integers(1, 10**7), st.floats(-0.4, 2.0))
def test_rebuild_inverts_unfold(n, residual):
    ordinate = counting.rebuild(n, residual)
    assert counting.unfold(ordinate, n) == pytest.approx(residual, abs=1e-14 * n + 1e-12)


def test_unfolding_keeps_the_order():
    ordinates = np.linspace(20, 5000, 1000)
    assert np.all(np.diff(counting.unfold(ordinates, 0)) > 0)


def test_residual_of_the_first_zero():
    # python-flint: θ(γ_1)/π + 1 − ½ with γ_1 = 14.134725141734693790
    expected = exact_theta(14.134725141734693790) / math.pi + 0.5
    assert counting.unfold(14.134725141734693790, 1) == pytest.approx(expected, abs=1e-12)


def test_tensors_and_arrays_share_one_formula():
    t = np.geomspace(14, 1e6, 50)
    tensor = torch.tensor(t, requires_grad=True)
    count = counting.smooth_count(tensor)
    assert count.detach().numpy() == pytest.approx(counting.smooth_count(t), rel=1e-15)
    count.sum().backward()
    assert tensor.grad.numpy() == pytest.approx(1 / counting.mean_gap(t), rel=1e-6)
