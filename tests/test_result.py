"""Digests of what a run used."""

import hashlib

import numpy as np
import pytest

from zeta_exp.result import zeros_sha256
from zeta_exp.zeros import ComputedZeros, generate
from zeta_exp.zeros.cache import RUN


@pytest.mark.parametrize(("start", "stop"), [(1, 500), (RUN - 7, 3 * RUN + 9)])
def test_the_digest_of_zeros_is_that_of_their_bytes(start, stop):
    whole = generate(start, stop - start)
    expected = hashlib.sha256(whole.astype("<f8").tobytes()).hexdigest()
    assert zeros_sha256(ComputedZeros().ordinates, start, stop) == expected


def test_zeros_are_hashed_a_run_at_a_time():
    asked = []

    def ordinates(start, stop):
        asked.append(stop - start)
        return np.arange(start, stop, dtype=np.float64)

    zeros_sha256(ordinates, 5, 10 * RUN)
    assert max(asked) == RUN
    assert sum(asked) == 10 * RUN - 5
