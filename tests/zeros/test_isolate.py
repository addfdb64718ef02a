"""Root isolation on functions whose roots are known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.zeros.interpolation import CELL_MATRIX
from zeta_exp.zeros.isolate import isolate

REACH = 200
STEP = 0.25  # of waves up to cos(πu): four points a mean gap
GRID = np.arange(-REACH, REACH + 1) * STEP
EDGE = 40.0


def roots_of(values):
    found = np.empty(500)
    return found[: isolate(values, STEP, -EDGE, EDGE, CELL_MATRIX, found)].copy()


@given(st.floats(0.2, 1.0), st.floats(0.0, 2 * math.pi))
def test_a_wave(frequency, phase):
    omega = math.pi * frequency
    k = np.arange(-200, 200)
    true = (math.pi * (k + 0.5) - phase) / omega
    true = true[(true > -EDGE + 1e-6) & (true < EDGE - 1e-6)]
    found = roots_of(np.cos(omega * GRID + phase))
    found = found[(found > -EDGE + 1e-6) & (found < EDGE - 1e-6)]
    assert found == pytest.approx(true, abs=1e-12)


@given(st.floats(1e-7, 1e-2), st.floats(0.0, 2.0))
def test_close_pairs_are_found(depth, shift):
    """cos(πu − φ) + 1 − ε has a pair of roots √(8ε)/π apart in each period of 2."""
    values = np.cos(math.pi * (GRID - shift)) + 1 - depth
    half = math.acos(1 - depth) / math.pi
    centres = np.arange(-49.0, 50.0, 2.0) + shift
    true = np.sort(np.concatenate([centres - half, centres + half]))
    inside = (true > -EDGE + 1e-3) & (true < EDGE - 1e-3)
    found = roots_of(values)
    found = found[(found > -EDGE + 1e-3) & (found < EDGE - 1e-3)]
    # a root's error is that of the value over the slope, √(2ε)π
    assert found == pytest.approx(true[inside], abs=1e-13 / math.sqrt(depth))


@given(st.floats(1e-7, 1e-2), st.floats(0.0, 2.0), st.sampled_from([-1.0, 1.0]))
def test_near_misses_are_no_roots(height, shift, sign):
    assert roots_of(sign * (np.cos(math.pi * (GRID - shift)) + 1 + height)).size == 0


def test_three_roots_within_two_cells():
    """A cell with one sign change and three roots: a cubic under a slow wave."""
    roots = np.array([-0.03, 0.01, 0.11])
    values = np.prod(np.sin(0.3 * (GRID[:, None] - roots)), axis=1)
    found = roots_of(values)
    assert found[np.abs(found) < 5] == pytest.approx(roots, abs=1e-10)


def test_stops_where_the_output_is_full():
    found = np.empty(3)
    assert isolate(np.cos(math.pi * GRID), STEP, -EDGE, EDGE, CELL_MATRIX, found) == 3


def test_only_roots_inside_the_limits():
    found = np.empty(100)
    count = isolate(np.cos(math.pi * GRID), STEP, -2.25, 1.5, CELL_MATRIX, found)
    # lower ≤ u < upper
    assert found[:count] == pytest.approx([-1.5, -0.5, 0.5], abs=1e-13)
