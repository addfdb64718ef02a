"""How likely a study is to decide, and how large one that decides must be.

The mean squares of a table of seeds × origins are independent multiples of χ², and independent of
the mean.  Given them the claim is an interval of the mean, so its probability is a difference of
two normal ones; over them it is a sum over quasi-random points: the power of the very rule that
`decision` applies, without an approximation of its degrees of freedom.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from zeta_exp.verdict.decision import (
    HARMS,
    HELPS,
    LEAST_ORIGINS,
    LEAST_SEEDS,
    LEVEL,
    NO_DIFFERENCE,
)
from zeta_exp.verdict.effects import Array, Components, spread

ENOUGH = 0.8  # probability of a decision that a study is planned for
MOST = 1_000  # seeds or origins that are looked at
_POINTS = 9  # 2^9 quasi-random points: good to a part in a thousand


@dataclass(frozen=True)
class Plan:
    """A study that decides with a probability of at least `ENOUGH`, if the estimate is true."""

    claim: str
    seeds: int
    origins: int
    power: float


@cache
def _points() -> Array:
    """(points, 3) in (0, 1)³."""
    from scipy.stats import qmc  # half a second, and every figure imports this module

    return qmc.Sobol(3, rng=np.random.default_rng(0)).random_base2(_POINTS)


def power(
    claim: str,
    effect: float,
    noise: Components,
    size: tuple[int, int],
    margin: float,
    level: float = LEVEL,
) -> float:
    """Probability that a table of size (S, O) leads to `claim`: helps, harms or no difference.

    effect: the true μ.  level: of one test, such as Holm's first, LEVEL over the family's size.
    """
    seeds, origins = size
    freedom = (seeds - 1, origins - 1, (seeds - 1) * (origins - 1))
    expected = (
        noise.cell + origins * noise.seed,
        noise.cell + seeds * noise.origin,
        noise.cell,
    )
    a, b, c = (
        mean * special.chdtri(f, u) / f
        for mean, f, u in zip(expected, freedom, _points().T, strict=True)
    )
    variance, df, _ = spread(a, b, c, seeds, origins)
    deviation = np.sqrt((expected[0] + expected[1] - expected[2]) / (seeds * origins))
    half = np.sqrt(variance)
    if claim == NO_DIFFERENCE:
        half = half * special.stdtrit(df, 1 - level)
        low, high = -margin + half, margin - half
    else:
        half = half * special.stdtrit(df, 1 - level / 2)
        low, high = (half, np.inf) if claim == HELPS else (-np.inf, -half)
    inside = _below(high, effect, deviation) - _below(low, effect, deviation)
    return float(np.mean(np.maximum(inside, 0)))


def _below(bound: Array | float, mean: float, deviation: float) -> Array:
    """Probability that a normal number is below the bound."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(special.ndtr(np.nan_to_num((bound - mean) / deviation)))


def plans(
    effect: float, noise: Components, size: tuple[int, int], margin: float, level: float = LEVEL
) -> list[Plan]:
    """Studies that would decide: with more seeds at these origins, with more origins, or none.

    size: the study's (S, O), raised to what a verdict needs at least.
    """
    seeds, origins = max(size[0], LEAST_SEEDS), max(size[1], LEAST_ORIGINS)
    claims = [HELPS if effect > 0 else HARMS]
    if abs(effect) < margin:
        claims.append(NO_DIFFERENCE)
    found = []
    for more_seeds in (True, False):
        options = [
            option
            for claim in claims
            if (option := _least(claim, effect, noise, (seeds, origins), margin, level, more_seeds))
        ]
        found += sorted(options, key=lambda plan: plan.seeds * plan.origins)[:1]
    return sorted(set(found), key=lambda plan: plan.seeds * plan.origins)


def _least(
    claim: str,
    effect: float,
    noise: Components,
    size: tuple[int, int],
    margin: float,
    level: float,
    more_seeds: bool,
) -> Plan | None:
    """The smallest study that is larger in seeds, or in origins, and likely to make the claim."""

    def plan(count: int) -> Plan:
        grown = (count, size[1]) if more_seeds else (size[0], count)
        return Plan(claim, *grown, power(claim, effect, noise, grown, margin, level))

    low, high = size[0] if more_seeds else size[1], MOST
    if plan(high).power < ENOUGH:
        return None
    while low < high:
        middle = (low + high) // 2
        if plan(middle).power >= ENOUGH:
            high = middle
        else:
            low = middle + 1
    return plan(low)
