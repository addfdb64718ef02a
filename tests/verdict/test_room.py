"""Room: what the arms could have removed, and what is said where that is next to nothing."""

import numpy as np
import pytest

from tests.verdict.sweeps import judged, noisy
from zeta_exp import recipe
from zeta_exp.evaluation.prime_sum import prime_tail_scale
from zeta_exp.theory.counting import smooth_height
from zeta_exp.verdict import words
from zeta_exp.verdict.decision import ESSENTIAL, NO_DIFFERENCE, NO_ROOM, UNDECIDED
from zeta_exp.verdict.document import document
from zeta_exp.verdict.table import report


def baselines(tail, ceiling=1e-4):
    """Those of a result whose missing primes leave an error of `tail`."""
    return {
        "prime_tail": {"next100": tail, "next10pct": tail},
        "riemann_siegel": {"next100": ceiling, "next10pct": ceiling},
    }


def test_room_is_what_is_above_the_floor(sweep):
    """Errors of .02 over a floor of .016: 36% of the square."""
    sweep.pairs(np.zeros((10, 5)), baselines=baselines(0.016))
    (finding,) = judged(sweep).findings
    assert finding.room == pytest.approx(0.36, abs=0.01)
    assert finding.verdict == NO_DIFFERENCE


@pytest.mark.parametrize(
    ("seeds", "tail", "verdict"),
    [(10, 0.0195, NO_ROOM), (10, 0.01, NO_DIFFERENCE), (3, 0.0195, NO_ROOM), (3, 0.01, UNDECIDED)],
)
def test_without_room_nothing_follows_from_equal_ends(sweep, seeds, tail, verdict):
    sweep.pairs(noisy(0.0, seeds=seeds), baselines=baselines(tail))
    judgement = judged(sweep)
    (finding,) = judgement.findings
    assert finding.verdict == verdict
    said = [words.sentence(judgement), report(judgement), report(judgement, markdown=True)]
    assert all(("no room" in text) == (verdict == NO_ROOM) for text in said)
    assert document(judgement)["findings"][0]["room"] == finding.room
    assert bool(finding.needed) == (verdict == UNDECIDED)


def test_a_difference_that_is_found_is_one(sweep):
    sweep.pairs(noisy(0.2), baselines=baselines(0.0199))
    assert judged(sweep).findings[0].verdict == ESSENTIAL


def test_where_no_prime_is_missing_the_best_reference_is_the_floor(sweep):
    sweep.pairs(np.zeros((10, 5)), baselines=baselines(0.0, ceiling=0.019))
    (finding,) = judged(sweep).findings
    assert finding.room == pytest.approx(1 - 0.95**2, abs=0.02)
    start = finding.comparison.origins[0]
    for place, origin in enumerate(finding.comparison.origins):
        name = f"reference/hardy-{place}"
        sweep.add(0, origin, 0.0, 0.012, name=name, baselines=baselines(0.0, 0.019))
    names = [f"reference/hardy-{place}" for place in range(5)]
    sweep.study(dict.fromkeys(names, "reference"))
    assert start == 1_000_000
    assert judged(sweep).findings[0].room == pytest.approx(1 - 0.6**2, abs=0.02)


@pytest.mark.parametrize("metric", ["val_rmse", "extrapolation_error_next10pct"])
def test_where_no_floor_is_known_there_is_no_room_to_tell(sweep, metric):
    sweep.pairs(np.zeros((10, 5)))
    (finding,) = judged(sweep, metric=metric).findings
    assert finding.room is None
    assert "–" in report(judged(sweep, metric=metric))


def test_errors_below_the_floor_leave_none(sweep):
    sweep.pairs(np.zeros((10, 5)), baselines=baselines(0.1))
    assert judged(sweep).findings[0].room == 0


@pytest.mark.parametrize(
    ("N", "start", "max_prime", "fraction", "least", "most"),
    [
        (1_000_000, 1, 100, 1.0, 0.0, 0.02),  # the study that had none
        (1_000_000, 1, 1_000, 1.0, 1.0, 1.0),
        (10_000, 1_000_001, 10, 1.0, 0.0, 0.2),
        (10_000, 1_000_001, 300, 1.0, 0.9, 1.0),
        (1_000_000, 1, 100, 0.01, 0.3, 0.6),  # with few labels there is much to learn
    ],
)
def test_what_can_be_known_before(N, start, max_prime, fraction, least, most):
    room = recipe.expected_room(N, start, max_prime, fraction)
    assert least <= room <= most
    assert recipe.expected_room(N, start, None, fraction) is None


def test_the_floor_known_before_is_that_of_the_runs():
    """By Mertens' theorem and by the primes themselves."""
    for n, max_prime in ((10**6, 100), (10**6, 10), (10**9, 300)):
        exact = prime_tail_scale(float(smooth_height(n)), max_prime)
        assert recipe.unknown(n, max_prime) == pytest.approx(exact, rel=0.12)
