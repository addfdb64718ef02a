"""Phases of smooth heights against many digits."""

import mpmath
import numpy as np
import pytest

from zeta_exp.theory.local import smooth_heights
from zeta_exp.theory.phases import log_frequencies
from zeta_exp.theory.smooth_phases import smooth_turns

INTEGERS = np.array([2, 97, 200_003])


@pytest.mark.parametrize("start", [1, 4090, 10**8, 10**13 - 4100])
def test_turns_are_those_of_the_height_in_fifty_digits(start):
    n = np.array([[start, start + 1, start + 10], [start + 11, start + 4000, start + 4096]])
    place = smooth_heights(n)
    turns = smooth_turns(place, log_frequencies(INTEGERS))
    assert turns.shape == (2, 3, 3)
    assert np.abs(turns).max() <= 0.5
    with mpmath.workdps(50):
        for here in np.ndindex(n.shape):
            height = mpmath.mpf(place.centres[place.which[here]].height) + place.offsets[here]
            for k, m in enumerate(INTEGERS.tolist()):
                excess = height * mpmath.log(m) / (2 * mpmath.pi) - turns[*here, k]
                assert abs(excess - mpmath.nint(excess)) < 2e-12
