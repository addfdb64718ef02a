"""Studies with a known effect and the measured noise: how often does the verdict err?

    python -m zeta_exp.verdict.simulation

prints the tables of docs/verdict.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from zeta_exp.verdict.decision import (
    ESSENTIAL,
    HARMS,
    HELPS,
    LEAST_ORIGINS,
    LEAST_SEEDS,
    NO_DIFFERENCE,
    verdicts,
)
from zeta_exp.verdict.effects import Array, Components, effect_of

MARGIN = float(np.log(1.05))
STUDIES = 1_000


@dataclass(frozen=True)
class Noise:
    """Standard deviations of log RMSE of one arm, as measured over retrained runs."""

    run: float = 0.03  # of a training that differs in its seed
    arm_origin: float = 0.03  # what one arm finds harder at an origin than the other does
    arm_seed: float = 0.0  # what a seed gives to one arm at every origin

    def of_difference(self) -> Components:
        """Components of a difference of two arms: each adds its own."""
        return Components(2 * self.arm_seed**2, 2 * self.arm_origin**2, 2 * self.run**2)


MEASURED = Noise()
READINGS = {  # of "seed .03, arm × origin .03", and two that are worse
    "each run .03, arm × origin .03": MEASURED,
    "arm × seed .03, arm × origin .03": Noise(run=0.003, arm_seed=0.03),
    "each run, arm × seed and arm × origin .03": Noise(arm_seed=0.03),
    "each run .03 alone": Noise(arm_origin=0.0),
    "each run .01, arm × seed .02, arm × origin .05": Noise(0.01, 0.05, 0.02),
}
RATIOS = [(0, 0, 1), (0, 1, 1), (1, 1, 1), (2, 5, 1), (5, 5, 1)]


def draw(
    rng: np.random.Generator,
    effect: float,
    noise: Noise = MEASURED,
    shape: tuple[int, ...] = (STUDIES, 1),
    size: tuple[int, int] = (LEAST_SEEDS, LEAST_ORIGINS),
) -> Array:
    """Log ratios without / with of studies, (*shape, S, O); shape: studies, members of a family.

    effect: the true μ; what a seed or an origin does to both arms alike cancels and is left out.
    """
    seeds, origins = size

    def arm() -> Array:
        return (
            noise.run * rng.standard_normal((*shape, seeds, origins))
            + noise.arm_origin * rng.standard_normal((*shape, 1, origins))
            + noise.arm_seed * rng.standard_normal((*shape, seeds, 1))
        )

    without, with_factor = arm(), arm()
    return effect + without - with_factor


def error_rates(
    noise: Noise = MEASURED, family: int = 1, studies: int = STUDIES, seed: int = 0
) -> dict[str, float]:
    """How often the verdict errs and finds, each N of the family having the same true effect.

    False claims are fractions of studies with at least one in the family, the others fractions of
    comparisons.
    """
    rng = np.random.default_rng(seed)

    def given(effect: float) -> NDArray[np.str_]:
        return verdicts(effect_of(draw(rng, effect, noise, (studies, family))), MARGIN)

    none, at_margin, fifth = given(0.0), given(MARGIN), given(float(np.log(1.2)))
    return {
        "0%: a difference": _some(np.isin(none, (ESSENTIAL, HELPS, HARMS))),
        "5%: essential": _some(at_margin == ESSENTIAL),
        "5%: no difference": _some(at_margin == NO_DIFFERENCE),
        "0%: no difference": float(np.mean(none == NO_DIFFERENCE)),
        "20%: helps or essential": float(np.mean(np.isin(fifth, (ESSENTIAL, HELPS)))),
        "20%: essential": float(np.mean(fifth == ESSENTIAL)),
    }


def _some(claims: NDArray[np.bool_]) -> float:
    return float(np.mean(claims.any(axis=-1)))


def misses(ratio: tuple[float, float, float], level: float, studies: int) -> tuple[float, float]:
    """False claims of a two-sided test at `level` with Satterthwaite's ν, and with ours.

    ratio: standard deviations of seeds, origins and cells; 10 seeds and 5 origins.
    """
    rng = np.random.default_rng(1)
    size = (LEAST_SEEDS, LEAST_ORIGINS)
    cells = (
        ratio[0] * rng.standard_normal((studies, size[0], 1))
        + ratio[1] * rng.standard_normal((studies, 1, size[1]))
        + ratio[2] * rng.standard_normal((studies, *size))
    )
    effect = effect_of(cells)
    t = np.abs(effect.estimate) / effect.standard_error
    plain, ours = (
        np.mean(2 * special.stdtr(df, -t) < level) for df in (effect.satterthwaite, effect.df)
    )
    return float(plain), float(ours)


def main(studies: int = 10 * STUDIES) -> None:
    """Print the tables of docs/verdict.md, in Markdown."""
    rows = [
        [label, str(family), *(f"{100 * r:.1f}%" for r in error_rates(n, family, studies).values())]
        for label, n in READINGS.items()
        for family in (1, 4)
    ]
    _print(["noise of one arm, sd of log RMSE", "N", *error_rates(studies=1)], rows)
    rows = [
        [" : ".join(map(str, ratio)), f"{100 * level:g}%"]
        + [f"{100 * rate:.2f}%" for rate in misses(ratio, level, 10 * studies)]
        for ratio in RATIOS
        for level in (0.05, 0.0125)
    ]
    print()
    _print(["sd of seeds : origins : cells", "level", "Satterthwaite's ν", "ours"], rows)


def _print(headings: list[str], rows: list[list[str]]) -> None:
    for line in (headings, ["---"] * len(headings), *rows):
        print(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    main()
