"""The engine's zeros beside those of a table: which ones agree, and which zero a height is."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zeta_exp.zeros import engine
from zeta_exp.zeros.stretch import Stretch

_ROUNDING = 1e-12  # of an ordinate, beyond one unit in its last place
_ROUNDING_OF_OFFSETS = 1e-11  # of an offset from a base
_NEAR = 6  # |N̄(γ) − n| is below 4 up to 10^13
_CLUSTER = 4096  # ordinals that are looked up together
_MARGIN = 256  # zeros that a window is made wider, because the next one is near
_CLUSTERS = 4  # looked up at most: wild values lie anywhere


def allowed(listed: Stretch, tolerance: float) -> NDArray[np.float64]:
    """How far a listed ordinate may be from the true one: (Z,); nan where it is not finite.

    tolerance: of an ordinate as listed, beyond the rounding to float64.
    """
    ulp = np.spacing(np.abs(listed.offsets))
    return ulp + (tolerance + (_ROUNDING if listed.base == 0 else _ROUNDING_OF_OFFSETS))


def relative(listed: Stretch, true: Stretch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ordinates of both less the same height, of no matter how many zeros each: (Z,), (T,).

    A table with base 0 has rounded γ to float64, and so is the true one rounded.
    """
    if listed.base == 0:
        return listed.offsets, true.ordinates()
    return (listed.base - true.base) + listed.offsets, true.offsets


def disagreements(listed: Stretch, true: Stretch, tolerance: float) -> NDArray[np.int64]:
    """Indices of the listed ordinates that are not the true ones beside them; both have (Z,)."""
    listed_heights, true_heights = relative(listed, true)
    with np.errstate(invalid="ignore"):
        agree = np.abs(listed_heights - true_heights) <= allowed(listed, tolerance)
    return np.flatnonzero(~agree)


@dataclass
class Truth:
    """Zeros from the engine, cheapest when read forwards."""

    workers: int = 1
    ahead: int = 1  # zeros that one pass of the engine makes, at least
    _blocks: Iterator[Stretch] = field(default_factory=lambda: iter(()))
    _recent: tuple[Stretch, ...] = ()  # the last two blocks
    _window: Stretch | None = None  # the last one computed

    def pieces(self, start: int, stop: int) -> Iterator[Stretch]:
        """True zeros that tile [start, stop), ascending; the caller keeps to the engine's range."""
        while start < stop:
            block = self._block_with(start, stop - start)
            end = min(stop, block.stop)
            yield block.part(start, end)
            start = end

    def _block_with(self, n: int, count: int) -> Stretch:
        """The block that holds ordinal n, of a pass over `count` zeros or more."""
        for block in self._recent:
            if block.start <= n < block.stop:
                return block
        following = None
        if self._recent and self._recent[-1].stop == n:
            following = next(self._blocks, None)
        if following is None:
            count = min(max(count, self.ahead), engine.MAX_ORDINAL + 1 - n)
            self._blocks = map(_plain, engine.stream(n, count, self.workers))
            following = next(self._blocks)
        self._recent = (*self._recent[-1:], following)
        return following

    def window(self, start: int, stop: int) -> Stretch:
        """The true zeros of [start, stop), clipped to the engine's range, around one base."""
        start, stop = max(start, 1), min(stop, engine.MAX_ORDINAL + 1)
        last = self._window
        if last is None or not last.start <= start < stop <= last.stop:
            low, high = max(start - _MARGIN, 1), min(stop + _MARGIN, engine.MAX_ORDINAL + 1)
            last = self._window = _plain(engine.block(low, high - low, self.workers))
        return last.part(start, stop)


def _plain(block: engine.ZeroBlock) -> Stretch:
    return Stretch(block.start, block.base, block.offsets)


def zeros_at(listed: Stretch, tolerance: float, truth: Truth) -> NDArray[np.int64]:
    """Which zero of ζ each listed ordinate is: its ordinal, 0 where it is none.  (Z,) to (Z,)."""
    near = listed.residuals() + np.arange(listed.start, listed.stop)  # N̄(γ) + ½
    possible = np.isfinite(near) & (near > -_NEAR) & (near < engine.MAX_ORDINAL)
    ordinals = np.zeros(near.size, dtype=np.int64)
    for members in _clusters(near, np.flatnonzero(possible)):
        low, high = near[members[0]], near[members[-1]]
        true = truth.window(int(low) - _NEAR, int(high) + _NEAR + 1)
        ordinals[members] = _match(listed, members, true, tolerance)
    return ordinals


def _clusters(near: NDArray[np.float64], members: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The largest groups of indices whose values lie close together, each ascending by value."""
    if not members.size:
        return []
    ascending = members[np.argsort(near[members], kind="stable")]
    borders = np.flatnonzero(np.diff(near[ascending]) > _CLUSTER) + 1
    groups = np.split(ascending, borders)
    return sorted(groups, key=lambda group: -group.size)[:_CLUSTERS]


def _match(
    listed: Stretch, members: NDArray[np.int64], true: Stretch, tolerance: float
) -> NDArray[np.int64]:
    """The ordinals of the nearest true zeros where they agree, else 0."""
    heights, true_heights = relative(listed, true)
    above = np.searchsorted(true_heights, heights[members]).clip(1, true_heights.size - 1)
    candidates = np.stack([above - 1, above])
    distance = np.abs(true_heights[candidates] - heights[members])
    choice = np.argmin(distance, axis=0)
    columns = np.arange(members.size)
    ulp = np.spacing(np.abs(listed.offsets[members]))  # the window's zeros are rounded twice
    agree = distance[choice, columns] <= allowed(listed, tolerance)[members] + ulp
    return np.where(agree, true.start + candidates[choice, columns], 0)
