"""The plan of blocks: a fixed grid of heights from 10 upward.

A block's edges, centre and grid depend on its place alone, never on what was asked for: so an
ordinate has the same bits in every request.  Below 2π·56² ≈ 19704 blocks use Euler–Maclaurin
summation; above, [2πN², 2π(N+1)²), where the Riemann–Siegel sum has N terms, is cut into equal
pieces.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count, pairwise

from zeta_exp.zeros.interpolation import PADDING, POINTS_PER_GAP

LOWEST_EDGE = 10.0  # below the first zero, 14.13
FIRST_ORDER = 56  # Riemann–Siegel terms of the first block that uses them
_POINTS = 12_000  # grid points of a block, or 4 a term where there are more terms
_STEP_BITS = 24
_CENTRE_ROUNDING = 0.125  # centres are multiples of ¼


@dataclass(frozen=True)
class Block:
    """Heights [lower, upper) whose zeros are found together, on the grid centre + j·step."""

    lower: float
    upper: float
    centre: float  # a multiple of ¼, so that 4·centre is an integer
    step: float  # of the grid, a quarter of the least mean gap; 24 bits, so that j·step is exact
    reach: int  # the grid is |j| ≤ reach
    terms: int  # of the main sum
    riemann_siegel: bool  # else Euler–Maclaurin


def order_edge(order: int) -> float:
    """Height 2πN² from which the Riemann–Siegel sum has N = order terms."""
    return 2 * math.pi * order * order


def _grid_step(upper: float) -> float:
    """A quarter of the mean gap at `upper`; finer below 1000, where frequencies spread wider."""
    bandwidth = 0.5 * math.log(upper / (2 * math.pi))
    if upper < 1000:
        bandwidth += 1.0
    mantissa, exponent = math.frexp(math.pi / (POINTS_PER_GAP * bandwidth))
    return math.ldexp(math.floor(mantissa * (1 << _STEP_BITS)), exponent - _STEP_BITS)


def _block(lower: float, upper: float, step: float, terms: int, riemann_siegel: bool) -> Block:
    centre = round(2 * (lower + upper)) / 4
    half = 0.5 * (upper - lower) + _CENTRE_ROUNDING
    reach = math.ceil(half / step) + PADDING + 1
    return Block(lower, upper, centre, step, reach, terms, riemann_siegel)


@lru_cache(maxsize=1)
def _low_blocks() -> tuple[Block, ...]:
    """The Euler–Maclaurin blocks, [10, 2π·56²); each a third of its height, at least 20."""
    blocks = []
    lower, end = LOWEST_EDGE, order_edge(FIRST_ORDER)
    while lower < end:
        longest = min(max(0.35 * lower, 20.0), _POINTS * _grid_step(max(lower, 30.0)))
        upper = lower + longest
        if end - upper < 0.25 * longest:
            upper = end
        terms = int(0.5 * upper) + 30
        blocks.append(_block(lower, upper, _grid_step(upper), terms, riemann_siegel=False))
        lower = upper
    return tuple(blocks)


@lru_cache(maxsize=64)
def _order_blocks(order: int) -> tuple[Block, ...]:
    """The blocks of one segment: order < FIRST_ORDER stands for all the low ones."""
    if order < FIRST_ORDER:
        return _low_blocks()
    lower, upper = order_edge(order), order_edge(order + 1)
    step = _grid_step(upper)
    pieces = math.ceil((upper - lower) / (step * max(_POINTS, 4 * order)))
    edges = [lower + (upper - lower) * piece / pieces for piece in range(pieces)] + [upper]
    return tuple(
        _block(edges[piece], edges[piece + 1], step, order, riemann_siegel=True)
        for piece in range(pieces)
    )


def _order_at(height: float) -> int:
    """The segment that holds the height; FIRST_ORDER − 1 for the low ones."""
    order = math.isqrt(max(int(height / (2 * math.pi)), 0))
    order += height >= order_edge(order + 1)
    order -= height < order_edge(order)
    return max(order, FIRST_ORDER - 1)


def blocks_from(height: float, *, from_bottom_below: float) -> Iterator[Block]:
    """Consecutive blocks without end, from the one before that which holds `height`.

    Where that one would begin below `from_bottom_below`, from the lowest block of all.
    """
    orders = count(max(_order_at(height) - 1, FIRST_ORDER - 1))
    line = chain.from_iterable(_order_blocks(order) for order in orders)
    before, block = next(pair for pair in pairwise(line) if pair[1].upper > height)
    if before.lower < from_bottom_below:
        yield from chain.from_iterable(_order_blocks(order) for order in count(FIRST_ORDER - 1))
    yield from (before, block)
    yield from line
