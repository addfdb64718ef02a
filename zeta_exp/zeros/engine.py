"""All zeros of ζ(½ + it) from any ordinal on, each block of them checked for completeness.

Z(t) is sampled on a grid (`sampling`), its roots are isolated (`isolate`) and counted by Turing's
method (`turing`), block by block (`blocks`).  The blocks don't depend on the request, so neither do
the bits of an ordinate.
"""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.theory.counting import height_of_count, smooth_height
from zeta_exp.theory.local import centres
from zeta_exp.zeros import nufft, turing
from zeta_exp.zeros.blocks import FIRST_ORDER, LOWEST_EDGE, Block, blocks_from
from zeta_exp.zeros.interpolation import CELL_MATRIX, DEGREE, POINTS_PER_GAP, WIDTH
from zeta_exp.zeros.isolate import isolate
from zeta_exp.zeros.sampling import sample
from zeta_exp.zeros.stretch import COARSE_FROM, Stretch
from zeta_exp.zeros.turing import FoundBlock

MAX_ORDINAL = 10_000_000_000_000
MAX_WORKERS = 256
VERSION = 2  # of the method: raised whenever the bits of a zero may change
_BATCH = 100_000  # grid points that a thread takes at once; fewer cost time in hand-overs
_COUNT_MARGIN = 5.0  # |S| < 4 up to MAX_ORDINAL, and float64 inverts N̄ to 0.01 there


@dataclass(frozen=True)
class ZeroBlock:
    """Consecutive zeros γ = base + offsets: the offsets keep digits that γ has no room for."""

    start: int  # ordinal of the first
    base: float  # exact, a multiple of ¼
    offsets: NDArray[np.float64]  # (count,) γ − base
    residuals: NDArray[np.float64]  # (count,) δ_n = N̄(γ_n) − (n − ½) in mean spacings
    turing: float  # worst |∫S| over its blocks as a share of Turing's bound; nan if none applies

    @property
    def stop(self) -> int:
        """The ordinal after the last."""
        return self.start + self.offsets.size

    @property
    def stretch(self) -> Stretch:
        """Base and offsets only."""
        return Stretch(self.start, self.base, self.offsets)


def parameters() -> dict[str, int | float]:
    """What the bits of a zero depend on besides its ordinal."""
    return {
        "method": VERSION,
        "first_order": FIRST_ORDER,
        "points_per_gap": POINTS_PER_GAP,
        "cell_width": WIDTH,
        "cell_degree": DEGREE,
        "spread": nufft.SPREAD,
    }


def find_zeros(block: Block) -> FoundBlock:
    """The zeros of one block, unchecked."""
    (centre,) = centres([block.centre])
    values = sample(block, centre)
    lower, upper = block.lower - block.centre, block.upper - block.centre
    offsets = np.empty(values.size // 2 + 64)  # twice the number of zeros
    count = isolate(values, block.step, lower, upper, CELL_MATRIX, offsets)
    return FoundBlock(block, centre, offsets[:count].copy())


def _batch(blocks: Iterator[Block]) -> list[Block]:
    """The next few blocks, so many that a thread is busy for some milliseconds."""
    batch, points = [], 0
    while points < _BATCH:
        batch.append(next(blocks))
        points += 2 * batch[-1].reach
    return batch


def _find_all(blocks: list[Block]) -> list[FoundBlock]:
    return [find_zeros(block) for block in blocks]


def _found_blocks(blocks: Iterator[Block], workers: int) -> Iterator[FoundBlock]:
    """The zeros of each block in order; each of the threads is at most two batches ahead."""
    if workers == 1:
        yield from map(find_zeros, blocks)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="zeros") as pool:
        ahead: deque[Future[list[FoundBlock]]] = deque()
        try:
            while True:
                while len(ahead) <= workers:
                    ahead.append(pool.submit(_find_all, _batch(blocks)))
                yield from ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _checked_blocks(
    blocks: Iterator[Block], workers: int
) -> Generator[tuple[FoundBlock, int, float]]:
    """Each block with the zeros below it and its share of the bound; `blocks` has no end.

    A block is handed out once the *next* one is checked too: a zero lost near a block's upper edge
    shows in the integral over the next.
    """
    below = 0
    previous: tuple[FoundBlock, int, float] | None = None
    for found in _found_blocks(blocks, workers):
        if previous is None and found.block.lower > LOWEST_EDGE:
            below = found.most_likely_below()
        share = turing.check(found, below)
        if previous is not None:
            yield previous
        previous = found, below, share
        below += found.offsets.size


def validate(start: int, count: int, workers: int = 1) -> None:
    """Raise UserError where [start, start+count) is empty or leaves 1 … MAX_ORDINAL."""
    if start < 1:
        raise UserError(f"start={start} is no ordinal: zeros are counted from start=1")
    if count < 1:
        raise UserError(f"count={count} asks for no zeros: use count=1 or more")
    if start + count - 1 > MAX_ORDINAL:
        raise UserError(
            f"ordinals {start} to {start + count - 1} pass the last one of the engine, "
            f"{MAX_ORDINAL}: lower the start or the number of zeros"
        )
    if not 1 <= workers <= MAX_WORKERS:
        raise UserError(
            f"workers={workers} is no sensible number of threads: use 1 to {MAX_WORKERS}, at most "
            "one for each core"
        )


def stream(start: int, count: int, workers: int = 1) -> Generator[ZeroBlock]:
    """Consecutive checked blocks that tile the ordinals [start, start+count), in order.

    The base of a block is the centre of the engine's own, so offsets and residuals have the same
    bits in every request, and so has base + offsets, γ_n to one unit in its last place below
    n = 10^10.  Raises as `generate` does; memory does not grow with count.
    """
    validate(start, count, workers)
    return (_with_residuals(part) for part in _parts(start, start + count, workers))


@dataclass(frozen=True)
class _Part:
    """The zeros of a checked block that a request covers."""

    found: FoundBlock
    below: int  # zeros below the block
    place: slice  # in the block
    start: int  # ordinal of the first
    share: float  # of Turing's bound

    @property
    def stretch(self) -> Stretch:
        """Base and offsets."""
        return Stretch(self.start, self.found.centre.height, self.found.offsets[self.place])


def _with_residuals(part: _Part) -> ZeroBlock:
    stretch = part.stretch
    residuals = part.found.residuals(part.below)[part.place]
    return ZeroBlock(part.start, stretch.base, stretch.offsets, residuals, part.share)


def _parts(start: int, stop: int, workers: int) -> Iterator[_Part]:
    """What tiles the ordinals [start, stop), in order."""
    lower = float(height_of_count(start - 1 - _COUNT_MARGIN))
    blocks = blocks_from(lower, from_bottom_below=turing.VALID_FROM)
    following = start
    checked = _checked_blocks(blocks, workers)
    try:
        for found, below, share in checked:
            if below >= following:
                raise RuntimeError(
                    f"zero {following} was looked for above {lower:.3f} and lies below; this is a "
                    "defect of the zero engine, please report it"
                )
            first, last = following, min(stop, below + 1 + found.offsets.size)
            if first >= last:
                continue
            yield _Part(found, below, slice(first - below - 1, last - below - 1), first, share)
            following = last
            if following == stop:
                return
    finally:
        checked.close()


def generate(start: int, count: int, workers: int = 1) -> NDArray[np.float64]:
    """Ordinates γ_n of the ordinals n = start … start+count−1: (count,) float64, ascending.

    An ordinate is right to one unit in its last place (γ_1 to γ_3: to three) and has the same bits
    in every request.  workers: threads.  Raises UserError for ordinals below 1 or from 10^10 on,
    where float64 is too coarse, RuntimeError where Turing's check fails (a defect).
    """
    validate(start, count, workers)
    if start + count > COARSE_FROM:
        raise UserError(
            f"ordinals {start} to {start + count - 1} reach {COARSE_FROM}, where float64 holds γ "
            "to 5e-7 only: use block(start, count), which gives base + offsets"
        )
    ordinates = np.empty(count)
    for part in _parts(start, start + count, workers):
        stretch = part.stretch
        ordinates[stretch.start - start : stretch.stop - start] = stretch.ordinates()
    return ordinates


def block(start: int, count: int, workers: int = 1) -> ZeroBlock:
    """The zeros n = start … start+count−1, to n = 10^13, with all their digits and residuals.

    Offsets are right to 1e-11 (the larger of that and their own last place), residuals to 1e-9.
    The residuals have the same bits in every request, the offsets for a given start.  Raises as
    `stream` does.
    """
    validate(start, count, workers)
    base = float(np.floor(smooth_height(start)))
    offsets, residuals, shares = np.empty(count), np.empty(count), [np.nan]
    for part in stream(start, count, workers):
        place = slice(part.start - start, part.stop - start)
        offsets[place] = (part.base - base) + part.offsets
        residuals[place] = part.residuals
        shares.append(part.turing)
    known = [share for share in shares if share == share]
    return ZeroBlock(start, base, offsets, residuals, max(known, default=np.nan))
