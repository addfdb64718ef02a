"""The spectrum of a model's errors at log p: what it misses are the primes it was not given.

A prime that is left out of S(t) = −(1/π) Σ sin(t log p)/√p … leaves a line of amplitude 1/(π√p) in
e_n = δ̂_n − δ_n at the frequency log p of the smooth heights t̂_n, less what the fluctuation of the
zeros about t̂_n washes out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.local import smooth_heights
from zeta_exp.theory.phases import Frequencies, log_frequencies
from zeta_exp.theory.primes import prime_powers_up_to, primes_up_to
from zeta_exp.theory.smooth_phases import smooth_turns

PRIMES = 20  # on either side of the largest that the model was given
NULLS = 1000  # frequencies of no prime power
LOBE = 2.0  # half width of a Hann window's main lobe, in units of 2π/length
PIECE = 4096  # ordinals whose phases are held at once


@dataclass(frozen=True)
class ProbedPrime:
    """The line of a prime in the spectrum of errors."""

    prime: int
    given: bool  # to the model
    power: float  # |A|² in units of its mean for white errors
    share: float  # A·π√p: of the amplitude that a prime left out is expected to have
    p_value: float  # share of null frequencies with as much power


@dataclass(frozen=True)
class Probe:
    """What the errors hold at the primes, and at frequencies that are none."""

    start: int  # first ordinal
    count: int  # ordinals
    height: float  # t̂ of the middle
    max_prime: int  # largest that the model was given
    primes: list[ProbedPrime]
    null: NDArray[np.float64]  # (NULLS,) powers at frequencies of no prime power, ascending

    def standing_out(self, given: bool, level: float = 0.01) -> int:
        """How many of the primes given, or left out, have a p-value of at most `level`."""
        return sum(p.given == given and p.p_value <= level for p in self.primes)


def residual_probe(
    start: int,
    errors: NDArray[np.float64],
    max_prime: int,
    primes: int = PRIMES,
    seed: int = 0,
) -> Probe:
    """Lines at the primes around max_prime in errors (B,) of the ordinals from `start` on.

    A(ω) = 2·|Σ w_n e_n exp(−i t̂_n ω)|/Σ w_n with a Hann window w.  Null frequencies are uniform
    between the lowest and the highest prime's, a main lobe away from every prime power.
    Raises `UserError` where the range is too short to tell neighbouring primes apart.
    """
    ordinals = np.arange(start, start + errors.size)
    chosen, given = _primes_around(max_prime, primes)
    window = np.hanning(errors.size + 2)[1:-1]
    weighted = window * (errors - np.average(errors, weights=window))
    span = float(smooth_height(ordinals[-1]) - smooth_height(ordinals[0]))
    drawn = _null_frequencies(LOBE * 2 * np.pi / span, seed, chosen)
    floor = 4 * errors.var() * np.sum(window**2)  # mean of |2 Σ w e exp|² for white errors
    powers = _powers(ordinals, weighted, log_frequencies(chosen)) / floor
    at_null = Frequencies(drawn / (2 * np.pi), np.zeros_like(drawn))
    null = np.sort(_powers(ordinals, weighted, at_null) / floor)
    shares = np.sqrt(powers * floor) / window.sum() * np.pi * np.sqrt(chosen)
    more = null.size - np.searchsorted(null, powers)
    rows = zip(chosen, given, powers, shares, (1 + more) / (1 + null.size), strict=True)
    return Probe(
        start=start,
        count=errors.size,
        height=float(smooth_height(start + errors.size / 2)),
        max_prime=max_prime,
        primes=[
            ProbedPrime(int(p), bool(known), float(power), float(share), float(p_value))
            for p, known, power, share, p_value in rows
        ],
        null=null,
    )


def _primes_around(max_prime: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The last `count` primes up to max_prime and as many above it; which of them are given."""
    reach = max(max_prime, 2)
    while (above := primes_up_to(reach)[primes_up_to(max_prime).size :]).size < count:
        reach *= 2
    below = primes_up_to(max_prime)[-count:]
    chosen = np.concatenate([below, above[:count]])
    return chosen, np.arange(chosen.size) < below.size


def _null_frequencies(lobe: float, seed: int, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Frequencies between the primes', uniform but for what is within a lobe of a prime power."""
    low, high = np.log(chosen[[0, -1]])
    powers = np.log([power.m for power in prime_powers_up_to(2 * int(chosen[-1]))])
    drawn = np.random.default_rng(seed).uniform(low, high, 100 * NULLS)
    place = np.clip(np.searchsorted(powers, drawn), 1, powers.size - 1)
    distance = np.minimum(drawn - powers[place - 1], powers[place] - drawn)
    free = drawn[distance > lobe]
    if free.size < NULLS:
        needed = 2 * lobe / np.median(np.diff(np.log(chosen)))
        raise UserError(
            f"the range is too short to tell primes near {chosen[chosen.size // 2]} from what is "
            f"between them: take about {np.ceil(max(needed, 2)):.0f} times as many ordinals"
        )
    return np.asarray(free[:NULLS])


def _powers(
    ordinals: NDArray[np.int64], weighted: NDArray[np.float64], frequencies: Frequencies
) -> NDArray[np.float64]:
    """|2 Σ_n w_n e_n exp(−i t̂_n ω)|², (K,) for K frequencies."""
    total = np.zeros(frequencies.hi.size, dtype=np.complex128)
    for first in range(0, ordinals.size, PIECE):
        part = slice(first, first + PIECE)
        turns = smooth_turns(smooth_heights(ordinals[part]), frequencies)
        total += weighted[part] @ np.exp(-2j * np.pi * turns)
    return np.asarray(np.abs(2 * total) ** 2)
