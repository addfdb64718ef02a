"""Primes and prime powers against their definitions."""

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.theory.primes import prime_powers_up_to, primes_up_to


@given(st.integers(0, 3000))
def test_primes_are_those_of_flint(limit):
    expected = [n for n in range(limit + 1) if flint.fmpz(n).is_prime()]
    assert primes_up_to(limit).tolist() == expected


@pytest.mark.parametrize(("limit", "count"), [(10, 4), (1000, 168), (10**6, 78498)])
def test_number_of_primes(limit, count):
    # π(10), π(10^3), π(10^6): OEIS A006880
    assert primes_up_to(limit).size == count


@given(st.integers(0, 2000))
def test_prime_powers_are_the_numbers_with_one_prime_factor(limit):
    powers = prime_powers_up_to(limit)
    factors = {n: flint.fmpz(n).factor() for n in range(2, limit + 1)}
    expected = [
        (n, int(factor[0][0]), factor[0][1]) for n, factor in factors.items() if len(factor) == 1
    ]
    assert [tuple(power) for power in powers] == expected
