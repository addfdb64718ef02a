"""The plan of blocks is a fixed grid."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.zeros import turing
from zeta_exp.zeros.blocks import FIRST_ORDER, LOWEST_EDGE, blocks_from, order_edge

HIGHEST = 2.5e12  # beyond zero number 10^13
heights = st.floats(10.0, HIGHEST)


def cover(lower, upper):
    """The blocks that cover [lower, upper], with one more at either end."""
    line = []
    for block in blocks_from(lower, from_bottom_below=turing.VALID_FROM):
        line.append(block)
        if block.lower > upper:
            return line


@given(heights, st.floats(0.0, 5000.0))
def test_blocks_cover_with_one_more_at_either_end(lower, length):
    upper = lower + length
    line = cover(lower, upper)
    assert all(a.upper == b.lower for a, b in itertools.pairwise(line))
    assert line[0].lower == LOWEST_EDGE or line[0].upper <= lower
    assert line[-1].lower > upper


@given(heights)
def test_blocks_do_not_depend_on_the_request(height):
    wide = cover(height, height + 3000)
    assert set(cover(height + 1000, height + 1001)[1:]) <= set(wide) | set(cover(10.0, 600.0))


@given(heights)
def test_a_list_begins_at_the_bottom_or_where_turing_holds(height):
    first = cover(height, height)[0]
    assert first.lower == LOWEST_EDGE or first.lower >= turing.VALID_FROM


@given(heights)
def test_a_block_is_many_times_as_long_as_turings_bound(height):
    for block in cover(height, height):
        if block.lower >= turing.VALID_FROM:
            assert block.upper - block.lower > 50 * turing.bound(block.upper)


@given(heights)
def test_grid_reaches_over_the_edges(height):
    for block in cover(height, height):
        assert 4 * block.centre == int(4 * block.centre)
        assert block.centre + block.reach * block.step > block.upper + 9 * block.step
        assert block.centre - block.reach * block.step < block.lower - 9 * block.step
        assert block.step < math.pi / (2 * math.log(block.upper / (2 * math.pi))) * 1.001
        assert block.step * 2**24 / 2 ** math.frexp(block.step)[1] % 1 == 0


@pytest.mark.parametrize("order", [FIRST_ORDER, 57, 100, 2604, 206_393])
def test_terms_are_those_of_riemann_siegel(order):
    for block in cover(order_edge(order) + 1.0, order_edge(order + 1) - 1.0)[1:-1]:
        assert block.riemann_siegel
        assert block.terms == order
        assert order_edge(order) <= block.lower < block.upper <= order_edge(order + 1)


def test_low_blocks_use_euler_maclaurin_with_enough_terms():
    line = cover(10.0, order_edge(FIRST_ORDER) - 1)[:-1]
    assert line[-1].upper == order_edge(FIRST_ORDER)
    assert not any(block.riemann_siegel for block in line)
    assert all(block.terms > 0.5 * block.upper for block in line)
