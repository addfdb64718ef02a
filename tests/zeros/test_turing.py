"""Turing's method: the integral of S is small for the right count and huge for any other."""

import math
from itertools import takewhile

import numpy as np
import pytest

from zeta_exp.theory.counting import smooth_count
from zeta_exp.zeros import turing
from zeta_exp.zeros.blocks import blocks_from
from zeta_exp.zeros.engine import find_zeros


def found_blocks(lower, upper):
    blocks = blocks_from(lower, from_bottom_below=0.0)
    return [find_zeros(b) for b in takewhile(lambda b: b.lower <= upper, blocks)]


@pytest.fixture(scope="module", params=[700.0, 19_000.0, 600_000.0, 4.2e7])
def found(request):
    return found_blocks(request.param, request.param)[1]


def test_area_is_the_integral_of_the_staircase(found):
    """∫S by the plain formula, where float64 has the digits: Σ over steps minus ∫N̄."""
    below = found.most_likely_below()
    lower, upper = found.block.lower, found.block.upper
    heights = np.concatenate([[lower], found.centre.height + found.offsets, [upper]])
    stairs = np.sum(np.diff(heights) * (below + np.arange(heights.size - 1)))
    grid = np.linspace(lower, upper, 200_001)
    smooth = np.trapezoid(smooth_count(grid) - below, grid)
    digits = 1e-15 * below * (upper - lower) + 1e-6
    assert found.area(below) == pytest.approx(stairs - below * (upper - lower) - smooth, abs=digits)


def test_the_right_count_meets_the_bound_and_no_other_does(found):
    below = found.most_likely_below()
    limit = turing.bound(found.block.upper)
    assert abs(found.area(below)) < 0.5 * limit
    for wrong in (-2, -1, 1, 2):
        assert abs(found.area(below + wrong)) > 40 * limit
        with pytest.raises(RuntimeError, match="Turing"):
            turing.check(found, below + wrong)
    assert turing.check(found, below) < 0.5


def test_counts_of_neighbours_agree():
    line = found_blocks(30_000.0, 40_000.0)
    counts = [found.most_likely_below() for found in line]
    assert np.diff(counts).tolist() == [found.offsets.size for found in line[:-1]]


def test_not_a_number_is_caught(found):
    broken = turing.FoundBlock(found.block, found.centre, found.offsets * math.nan)
    with pytest.raises(RuntimeError, match="Turing"):
        turing.check(broken, 0)


def test_the_bound_is_not_applied_where_it_is_not_proven():
    lowest = found_blocks(20.0, 20.0)[0]
    assert lowest.block.lower < turing.VALID_FROM
    assert math.isnan(turing.check(lowest, 12345))


def test_bound():
    # Trudgian, Improvements to Turing's method, Math. Comp. 80 (2011): 2.067 + 0.059 log t
    assert turing.bound(math.e**10) == pytest.approx(2.657)
