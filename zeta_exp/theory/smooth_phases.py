"""Phases t̂_n·ω of the smooth heights, reduced at their centres: as right at n = 10^13 as at 1."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zeta_exp.theory.local import SmoothHeights
from zeta_exp.theory.phases import Frequencies, turns_at


@njit(cache=True, nogil=True)
def _carry(
    offsets: NDArray[np.float64],
    index: NDArray[np.int64],
    centre_turns: NDArray[np.float64],
    frequencies: NDArray[np.float64],
) -> NDArray[np.float64]:  # pragma: no cover - jitted
    """Turns (B, K) at the offsets (B,) from centres of known turns (C, K)."""
    turns = np.empty((offsets.size, frequencies.size))
    for i in range(offsets.size):
        for k in range(frequencies.size):
            turn = centre_turns[index[i], k] + offsets[i] * frequencies[k]
            turns[i, k] = turn - math.floor(turn + 0.5)
    return turns


def smooth_turns(place: SmoothHeights, frequencies: Frequencies) -> NDArray[np.float64]:
    """t̂·ω in turns, less the whole ones, in [−½, ½]: (…, K) for smooth heights (…).

    At the centre in double-double, from there in float64: error below 1e-12.
    """
    centres = np.array([centre.height for centre in place.centres])
    offsets, index = place.offsets.ravel(), place.which.ravel()
    turns = _carry(offsets, index, turns_at(centres, frequencies), frequencies.hi)
    return turns.reshape(*place.offsets.shape, frequencies.hi.size)
