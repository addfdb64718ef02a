"""The engine with its own non-uniform FFT against the engine with finufft, alternated.

    python benchmarks/nufft.py

Both run on one thread and find the same zeros; printed are median rates, their ratio and the
largest difference between the zeros.
"""

import statistics
import time
from collections.abc import Callable
from unittest.mock import patch

import finufft
import numpy as np
from numpy.typing import NDArray

from zeta_exp.theory.local import Centre
from zeta_exp.zeros import engine, nufft, sampling
from zeta_exp.zeros.blocks import Block

ROUNDS = 5
TOLERANCE = 1e-15  # the finest that finufft takes
PLACES = ((1, 10**4), (10**6, 10**6), (10**9, 10**6), (10**12, 10**6))


def finufft_spectrum(
    block: Block, centre: Centre, integers: sampling.Integers
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """What `sampling._spectrum` returns, by finufft: the main sum on the grid, negative j last."""
    scale = nufft.row_size(block.reach, 1)
    amplitudes = sampling._amplitudes(block.terms, not block.riemann_siegel, centre, integers)
    wholes, fractions = sampling._grid_places(block.terms, block.step * scale, centre, integers)
    turns = (wholes % scale + fractions) / scale
    angles = 2 * np.pi * (turns - np.round(turns))
    modes = finufft.nufft1d1(
        angles, amplitudes, 2 * block.reach + 1, eps=TOLERANCE, isign=1, nthreads=1
    )
    return np.roll(modes, -block.reach)[None], np.ones(block.reach + 1)


def residuals(start: int, count: int) -> NDArray[np.float64]:
    """δ of the zeros."""
    return np.concatenate([part.residuals for part in engine.stream(start, count)])


def with_finufft(start: int, count: int) -> NDArray[np.float64]:
    """The same, by finufft."""
    with patch.object(sampling, "_spectrum", finufft_spectrum):
        return residuals(start, count)


def timed(work: Callable[[int, int], NDArray[np.float64]], start: int, count: int) -> float:
    """Zeros a second of one run."""
    began = time.perf_counter()
    work(start, count)
    return count / (time.perf_counter() - began)


def main() -> None:
    """Print one line a place."""
    for start, count in PLACES:
        difference = np.abs(residuals(start, count) - with_finufft(start, count)).max()
        rates = [
            (timed(residuals, start, count), timed(with_finufft, start, count))
            for _ in range(ROUNDS)
        ]
        own, other = (statistics.median(column) for column in zip(*rates, strict=True))
        print(
            f"{count:,} zeros from {start:.0e}: own {own:>10,.0f}/s   finufft {other:>10,.0f}/s   "
            f"ratio {own / other:.2f}   residuals differ by {difference:.1e}"
        )


if __name__ == "__main__":
    main()
