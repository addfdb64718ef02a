"""From effects to verdicts: three questions, each with Holm's correction over a family.

    is the effect zero?             two-sided, 5%:  the 95% interval excludes 0
    is it at most the margin?       two-sided, 5%:  the 95% interval lies above +margin
    is it outside ±margin?          two one-sided tests, 5% each:  the 90% interval lies inside

An effect is a logarithm of a ratio, error without the factor over error with it: above 0 the factor
helps.  Holm, Scand. J. Statist. 6 (1979) 65; Schuirmann, J. Pharmacokin. Biopharm. 15 (1987) 657.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeta_exp.verdict.effects import Array, Effect

LEVEL = 0.05  # false claims that are put up with, in a family
LEAST_SEEDS, LEAST_ORIGINS = 10, 5  # below, nothing is claimed
ESSENTIAL, HELPS, HARMS = "essential", "helps", "harms"
NO_DIFFERENCE, UNDECIDED, INVALID = "no difference", "undecided", "invalid"
NO_ROOM = "no room"  # in place of these two where no loss could have made a difference
VERDICTS = (ESSENTIAL, HELPS, HARMS, NO_DIFFERENCE, UNDECIDED, NO_ROOM, INVALID)


@dataclass(frozen=True)
class PValues:
    """p-values of the three questions, or the same after Holm's correction; (…, m) in a family."""

    zero: Array  # two-sided, of μ = 0
    margin: Array  # two-sided, of μ = +margin; 1 where the estimate is below it
    outside: Array  # the larger of the one-sided ones, of |μ| ≥ margin

    def holm(self) -> "PValues":
        """Each question corrected over the last axis."""
        return PValues(*(holm(p) for p in (self.zero, self.margin, self.outside)))


def p_values_of(effect: Effect, margin: float) -> PValues:
    """The three p-values.  margin: on the scale of the effect, log 1.05 for 5%."""
    return PValues(
        zero=np.minimum(2 * np.minimum(effect.p_above(0), effect.p_below(0)), 1),
        margin=np.minimum(2 * effect.p_above(margin), 1),
        outside=np.maximum(effect.p_above(-margin), effect.p_below(margin)),
    )


def holm(p: Array) -> Array:
    """p-values (…, m), each as large as the level at which Holm's procedure first rejects it."""
    count = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")
    scaled = np.take_along_axis(p, order, -1) * np.arange(count, 0, -1)
    stepped = np.minimum(np.maximum.accumulate(scaled, axis=-1), 1)
    adjusted = np.empty_like(stepped)
    np.put_along_axis(adjusted, order, stepped, -1)
    return adjusted


def verdicts(effect: Effect, margin: float) -> NDArray[np.str_]:
    """The verdict of each member of a family.  effect: (…, m); returns (…, m).

    The order is that of the strength of the claim: an effect that is above 0 and inside the margin
    *helps*, a little.
    """
    if effect.seeds < LEAST_SEEDS or effect.origins < LEAST_ORIGINS:
        return np.full(effect.estimate.shape, UNDECIDED)
    return verdicts_of(effect.estimate, p_values_of(effect, margin).holm())


def verdicts_of(estimate: Array, corrected: PValues) -> NDArray[np.str_]:
    """The same from corrected p-values."""
    differs = corrected.zero < LEVEL
    return np.select(
        [
            corrected.margin < LEVEL,
            differs & (estimate > 0),
            differs & (estimate < 0),
            corrected.outside < LEVEL,
        ],
        [ESSENTIAL, HELPS, HARMS, NO_DIFFERENCE],
        UNDECIDED,
    )
