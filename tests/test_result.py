"""Digests of what a run used."""

import hashlib

import numpy as np
import pytest

from zeta_exp.parts import config_sha256
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


@pytest.mark.parametrize(
    "change",
    [
        {"hydra": 1},
        {"tracking": 2},
        {"evaluation": {"cache": "x", "max_prime": 300}},
        {"strategy": {"partition_cache": "y", "parts": None}},
    ],
)
def test_caches_and_places_do_not_change_the_digest_of_a_config(change):
    config = {
        "N": 100,
        "evaluation": {"cache": None, "max_prime": 300},
        "strategy": {"partition_cache": None, "parts": None},
    }
    assert config_sha256(config | change) == config_sha256(config)
    assert config_sha256(config | {"N": 101}) != config_sha256(config)
    assert config_sha256(config | {"evaluation": {"cache": None}}) != config_sha256(config)
