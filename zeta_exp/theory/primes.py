"""Primes and prime powers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PrimePower(NamedTuple):
    """m = p^k."""

    m: int
    p: int
    k: int


def primes_up_to(limit: int) -> NDArray[np.int64]:
    """All primes p ≤ limit, ascending: (π(limit),) int64.  Sieve of Eratosthenes."""
    sieve = np.ones(max(limit, 1) + 1, dtype=bool)
    sieve[:2] = False
    for candidate in range(2, int(limit**0.5) + 1):
        if sieve[candidate]:
            sieve[candidate * candidate :: candidate] = False
    return np.flatnonzero(sieve)


def prime_powers_up_to(limit: int) -> list[PrimePower]:
    """All prime powers p^k ≤ limit, k ≥ 1, ascending in m: the frequencies log m of S(t)."""
    powers = [
        PrimePower(int(p) ** k, int(p), k)
        for p in primes_up_to(limit)
        for k in range(1, limit.bit_length() + 1)
        if int(p) ** k <= limit
    ]
    return sorted(powers)
