"""Phases t·log m modulo a turn, against ball arithmetic at 300 bits."""

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.theory.phases import log_frequencies, turns_at

MULTIPLES = np.array([1, 2, 3, 97, 10**6 + 3, 10**12 + 39])
FREQUENCIES = log_frequencies(MULTIPLES)


def exact_turns(t: float, m: int) -> float:
    with flint.ctx.workprec(300):
        turns = flint.arb(t) * flint.arb(m).log() / (2 * flint.arb.pi())
        return float((turns - turns.floor()).mid())


def distance(a: float, b: float) -> float:
    """Distance on the circle of one turn."""
    return abs((a - b + 0.5) % 1 - 0.5)


@given(st.floats(0.0, 1e13))
def test_turns(t):
    turns = turns_at(np.array([t]), FREQUENCIES)
    assert turns.shape == (1, MULTIPLES.size)
    for value, m in zip(turns[0], MULTIPLES, strict=True):
        assert distance(value, exact_turns(t, int(m))) < 4e-16
        assert -1e-12 < value < 1 + 1e-12


def test_plain_float64_would_have_no_digits():
    """Why the reduction exists: at 10^16 turns the plain product has lost the fraction."""
    t = 1e16 + 2
    plain = t * np.log(97.0) / (2 * np.pi) % 1
    assert distance(plain, exact_turns(t, 97)) > 1e-3
    assert distance(turns_at(np.array([t]), log_frequencies(np.array([97])))[0, 0],
                    exact_turns(t, 97)) < 1e-14  # fmt: skip


def test_frequencies_are_a_double_double():
    hi, lo = FREQUENCIES
    assert np.all(np.abs(lo) <= np.spacing(hi) / 2)
    with flint.ctx.workprec(300):
        for high, low, m in zip(hi, lo, MULTIPLES, strict=True):
            exact = flint.arb(int(m)).log() / (2 * flint.arb.pi())
            error = float((exact - flint.arb(float(high)) - flint.arb(float(low))).mid())
            assert abs(error) <= 2.0**-104 * max(high, 1)


def test_working_precision_is_put_back():
    before = flint.ctx.prec
    log_frequencies(np.array([5]))
    assert flint.ctx.prec == before


def test_each_height_and_frequency_on_its_own():
    t = np.array([10.0, 1e6 + 0.25, 4e9])
    whole = turns_at(t, FREQUENCIES)
    for i in range(3):
        assert np.array_equal(turns_at(t[i : i + 1], FREQUENCIES)[0], whole[i])


def test_the_logarithm_of_one_turns_nothing():
    assert turns_at(np.array([12345.678]), log_frequencies(np.array([1])))[0, 0] == pytest.approx(0)
