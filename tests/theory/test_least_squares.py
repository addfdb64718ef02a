"""Normal equations: sums over blocks, and what solves them."""

from functools import reduce
from operator import add

import numpy as np
import pytest

from zeta_exp.theory.least_squares import NormalEquations

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(90, 4)), RANDOM.normal(size=90)


def equations(*edges):
    return reduce(add, (NormalEquations.of(x, y) for x, y in zip(*cut(edges), strict=True)))


def cut(edges):
    return np.split(X, edges), np.split(Y, edges)


def test_blocks_add_up_to_the_whole():
    parts, whole = equations(1, 30, 77), equations()
    assert parts.rows == whole.rows == 90
    np.testing.assert_allclose(parts.gram, whole.gram, rtol=1e-12)
    np.testing.assert_allclose(parts.moment, whole.moment, rtol=1e-12, atol=1e-12)


def test_without_a_penalty_it_is_least_squares():
    expected = np.linalg.lstsq(X, Y)[0]
    np.testing.assert_allclose(equations().solve(0.0), expected, rtol=1e-10)


def test_a_relative_penalty_is_one_of_standardised_columns():
    scale = np.sqrt(np.mean(X**2, axis=0))
    standardised = NormalEquations.of(X / scale, Y).solve(0.3) / scale
    np.testing.assert_allclose(equations().solve(0.3, relative=True), standardised, rtol=1e-10)


@pytest.mark.parametrize("free", [0, 1, 2])
def test_the_penalty_is_a_row_for_each_weight_that_has_to_pay(free):
    """Least squares with rows √(penalty·N)·w_k = 0 added."""
    rows = np.sqrt(0.3 * 90) * np.eye(4)[: 4 - free]
    expected = np.linalg.lstsq(np.vstack([X, rows]), np.append(Y, np.zeros(4 - free)))[0]
    np.testing.assert_allclose(equations().solve(0.3, free), expected, rtol=1e-10)
