"""The power that is stated is the power that studies have."""

import numpy as np
import pytest

from zeta_exp.verdict.decision import HARMS, HELPS, NO_DIFFERENCE, p_values_of
from zeta_exp.verdict.effects import Components, effect_of
from zeta_exp.verdict.power import ENOUGH, plans, power
from zeta_exp.verdict.simulation import MARGIN, MEASURED, Noise, draw

STUDIES = 2_000
NOISES = {"measured": MEASURED, "seeds too": Noise(arm_seed=0.03), "runs alone": Noise(0.08, 0.0)}


def simulated(claim, effect, noise, size, level=0.05):
    """Fraction of studies that make the claim."""
    cells = draw(np.random.default_rng(8), effect, noise, (STUDIES,), size)
    found = effect_of(cells)
    tests = p_values_of(found, MARGIN)
    if claim == NO_DIFFERENCE:
        return np.mean(tests.outside < level)
    side = found.estimate > 0 if claim == HELPS else found.estimate < 0
    return np.mean((tests.zero < level) & side)


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
@pytest.mark.parametrize("size", [(10, 5), (25, 8)], ids=str)
@pytest.mark.parametrize(
    ("claim", "effect"), [(HELPS, 0.06), (HARMS, -0.04), (NO_DIFFERENCE, 0.01), (HELPS, 0.0)]
)
@pytest.mark.parametrize("level", [0.05, 0.0125])
def test_stated_and_simulated_power_agree(noise, size, claim, effect, level):
    stated = power(claim, effect, noise.of_difference(), size, MARGIN, level)
    found = simulated(claim, effect, noise, size, level)
    error = np.sqrt(max(stated * (1 - stated), 0.002) / STUDIES)
    assert abs(stated - found) < 4 * error + 0.003


def test_certainty_and_impossibility():
    still = Components(0.0, 0.0, 1e-12)
    assert power(HELPS, 0.1, still, (10, 5), MARGIN) == pytest.approx(1)
    assert power(NO_DIFFERENCE, 0.1, still, (10, 5), MARGIN) == pytest.approx(0)


@pytest.mark.parametrize("effect", [0.03, -0.03, 0.004, 0.2])
def test_a_plan_is_the_smallest_that_is_likely_to_decide(effect):
    noise = Noise(run=0.1, arm_origin=0.02).of_difference()
    found = plans(effect, noise, (10, 5), MARGIN)
    assert found
    for plan in found:
        assert plan.power >= ENOUGH
        smaller = (plan.seeds - 1, 5) if plan.seeds > 10 else (10, plan.origins - 1)
        if min(smaller[0] - 9, smaller[1] - 4) > 0:
            assert power(plan.claim, effect, noise, smaller, MARGIN) < ENOUGH


def test_seeds_cannot_mend_what_origins_spread():
    noise = Noise(run=0.01, arm_origin=0.05).of_difference()
    found = plans(0.04, noise, (10, 5), MARGIN)
    assert {plan.seeds for plan in found} == {10}
    assert min(plan.origins for plan in found) > 5


def test_an_effect_at_the_margin_of_nothing_can_be_hopeless():
    noise = Noise(run=3.0, arm_origin=3.0).of_difference()
    assert plans(0.001, noise, (10, 5), MARGIN) == []


def test_a_stricter_level_needs_more():
    noise = Noise(run=0.1, arm_origin=0.02).of_difference()
    loose, strict = (plans(0.05, noise, (10, 5), MARGIN, level)[0] for level in (0.05, 0.0125))
    assert strict.seeds * strict.origins > loose.seeds * loose.origins
