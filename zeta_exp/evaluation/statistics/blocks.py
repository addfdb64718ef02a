"""Sums over blocks of neighbouring windows: what errors and p-values of correlated levels rest on.

Neighbouring spacings are correlated, so no formula for independent samples gives an error.  Sums of
long blocks are nearly independent: blocks are drawn again, or their deviations change sign.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_BLOCKS = 512
LEAST_BLOCKS = 8  # fewer say nothing about an error
RESAMPLES = 200
FLIPS = 999

Values = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # (..., K) sums to (..., V)


class Estimate(NamedTuple):
    """Measured values and their standard errors, (V,) each; NaN where there is no measure."""

    value: NDArray[np.float64]
    error: NDArray[np.float64]


class Blocks:
    """Sums of windows in at most MOST_BLOCKS blocks: when these are full, pairs become one.

    So memory does not grow with the number of windows, and neither the blocks nor their sums
    depend on how the windows arrive.
    """

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.float64]] = []
        self._open: NDArray[np.float64] | None = None
        self._inside = 0  # windows in the open block
        self.width = 1  # windows of a block

    def add(self, windows: NDArray[np.float64]) -> None:
        """The sums of the next windows, (M, K)."""
        for row in windows:
            self._open = row.copy() if self._open is None else self._open + row
            self._inside += 1
            if self._inside == self.width:
                self._close()

    def _close(self) -> None:
        assert self._open is not None
        self._blocks.append(self._open)
        self._open, self._inside = None, 0
        if len(self._blocks) == MOST_BLOCKS:
            pairs = zip(self._blocks[::2], self._blocks[1::2], strict=True)
            self._blocks = [first + second for first, second in pairs]
            self.width *= 2

    def sums(self) -> NDArray[np.float64]:
        """(B, K); the last block may be shorter."""
        last = [] if self._open is None else [self._open]
        return np.array([*self._blocks, *last])


def bootstrap(sums: NDArray[np.float64], values: Values, seed: int = 0) -> Estimate:
    """Values of the whole, and standard errors by drawing blocks again, with replacement.

    sums: (B, K) of blocks; values: their ratios, any smooth function.  Künsch, Ann. Statist. 17
    (1989) 1217: right for blocks longer than the correlations.  No errors below LEAST_BLOCKS.
    """
    whole = values(sums.sum(axis=0))
    blocks = sums.shape[0]
    if blocks < LEAST_BLOCKS:
        return Estimate(whole, np.full(whole.shape, np.nan))
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES)
    return Estimate(whole, np.std(values(counts @ sums), axis=0, ddof=1))


def sign_flip_p_value(
    deviations: NDArray[np.float64], statistic: Values, seed: int = 0
) -> NDArray[np.float64]:
    """P-values of Σ_b D_b being no further from 0 than chance, by flipping the signs of blocks.

    deviations: (B, G) of blocks from what they would be on average; statistic: (F, G) sums to
    (F, V), large where they are far from 0.  Exact where D_b and −D_b are equally likely: so for
    two paired samples, whose members a flip exchanges in a block (a permutation test); for blocks
    beside a law nearly so, their sums being nearly normal.  (V,), at least 1/(FLIPS + 1).
    """
    observed = statistic(deviations.sum(axis=0)[None])[0]
    blocks = deviations.shape[0]
    if blocks < LEAST_BLOCKS:
        return np.full(observed.shape, np.nan)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(FLIPS, blocks))
    far = statistic(signs @ deviations) >= observed * (1 - 1e-12)
    return np.asarray((1 + far.sum(axis=0)) / (FLIPS + 1))
