"""Lines planted at primes are found with their amplitude; where there are none, none are found."""

import numpy as np
import pytest

from zeta_exp.errors import UserError
from zeta_exp.evaluation.probe import NULLS, residual_probe
from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.primes import primes_up_to
from zeta_exp.zeros import ComputedZeros

START, COUNT = 10**6, 4000
NOISE = 0.02 * np.random.default_rng(0).standard_normal(COUNT)


def lines(primes, start=START):
    """Σ_p sin(t̂_n log p)/(π√p), (COUNT,)."""
    t = smooth_height(np.arange(start, start + COUNT))
    return sum(np.sin(t * np.log(p)) / (np.pi * np.sqrt(p)) for p in primes)


def test_primes_left_out_stand_out_with_their_amplitude():
    missing = primes_up_to(200)[10:]  # 31 and up
    found = residual_probe(START, lines(missing) + NOISE, 30)
    left_out = [p for p in found.primes if not p.given]
    assert [p.prime for p in found.primes] == primes_up_to(113).tolist()
    assert [p.prime for p in left_out] == missing[:20].tolist()
    assert [p.share for p in left_out] == pytest.approx(np.ones(20), abs=0.15)
    assert found.standing_out(given=False) == 20
    assert found.standing_out(given=True) == 0
    assert found.height == pytest.approx(float(smooth_height(START + COUNT / 2)))


def test_white_errors_hold_no_prime():
    """Power is exponential of mean 1 at every frequency, p-values are spread evenly."""
    found = residual_probe(START, NOISE, 30)
    assert found.null.size == NULLS
    assert found.null.mean() == pytest.approx(1, abs=0.3)
    assert np.median(found.null) == pytest.approx(np.log(2), abs=0.25)
    assert found.standing_out(given=True) + found.standing_out(given=False) <= 3
    assert np.mean([p.p_value for p in found.primes]) == pytest.approx(0.5, abs=0.25)


def test_phases_are_right_where_float64_has_none():
    """At 10^12 t·log p keeps no digit after the point; δ of the zeros holds every prime."""
    errors = -ComputedZeros().residuals(10**12, 10**12 + COUNT)
    found = residual_probe(10**12, errors, 1)
    assert not any(p.given for p in found.primes)
    assert found.standing_out(given=False) == 20
    assert [p.share for p in found.primes[1:8]] == pytest.approx(np.ones(7), abs=0.35)


def test_a_short_range_can_not_tell_primes_apart():
    with pytest.raises(UserError, match=r"too short to tell primes near 307 .*times as many"):
        residual_probe(START, NOISE[:300], 300)
