"""The explicit formula cut off at a prime, against true zeros and against itself, term by term."""

import mpmath
import numpy as np
import pytest

from zeta_exp.evaluation import prime_sum
from zeta_exp.evaluation.prime_sum import explicit_formula, prime_tail_scale
from zeta_exp.evaluation.statistics import rmse
from zeta_exp.theory.counting import mean_gap, smooth_height, unfold
from zeta_exp.theory.local import smooth_heights
from zeta_exp.theory.phases import log_frequencies
from zeta_exp.theory.primes import prime_powers_up_to
from zeta_exp.theory.smooth_phases import smooth_turns
from zeta_exp.zeros import generate


@pytest.fixture(scope="module")
def truth():
    return unfold(generate(10_001, 1000), np.arange(10_001, 11_001))


def step_by_step(n, max_prime, iterations):
    """The damped fixed point with every sine taken anew at every step."""
    powers = prime_powers_up_to(max_prime)
    amplitude = np.array([1 / (np.pi * power.k * power.m**0.5) for power in powers])
    frequencies = log_frequencies(np.array([power.m for power in powers]))
    place = smooth_heights(n)
    phase = 2 * np.pi * smooth_turns(place, frequencies)
    rate = 2 * np.pi * mean_gap(place.heights)[:, None] * frequencies.hi
    residual = np.zeros(n.size)
    for _ in range(iterations):
        residual += 0.3 * (np.sin(phase + residual[:, None] * rate) @ amplitude - residual)
    return residual


class TestExplicitFormula:
    def test_error_falls_with_every_prime_cut_off(self, truth):
        n = np.arange(10_001, 11_001)
        error = [rmse(explicit_formula(n, limit), truth) for limit in (2, 10, 100, 1000)]
        assert error == sorted(error, reverse=True)
        # .069 and .045 measured with ordinates of python-flint, acb.zeta_zeros(10001, 1000).
        assert error[2] == pytest.approx(0.069, abs=0.003)
        assert error[3] == pytest.approx(0.045, abs=0.003)

    def test_without_primes_it_is_the_smooth_count(self):
        assert np.array_equal(explicit_formula(np.arange(500, 510), 1), np.zeros(10))

    @pytest.mark.parametrize(
        ("start", "count", "max_prime"),
        [(1, 80, 100), (5_000, 150, 3000), (10**6, 300, 300), (10**12, 70, 30), (777, 1, 2)],
    )
    @pytest.mark.parametrize("steps", [0, 1, 30])
    def test_each_step_is_that_of_the_sum_itself(self, start, count, max_prime, steps):
        n = np.arange(start, start + count)
        expected = step_by_step(n, max_prime, steps)
        assert explicit_formula(n, max_prime, steps) == pytest.approx(expected, abs=1e-12)

    def test_is_a_fixed_point_of_the_prime_sum(self):
        n = np.arange(20_000, 20_050)
        residual = explicit_formula(n, 7, iterations=400)
        height = smooth_height(n) + residual * 2 * np.pi / np.log(smooth_height(n) / (2 * np.pi))
        total = sum(
            np.sin(height * np.log(power.m)) / (power.k * np.sqrt(power.m))
            for power in prime_powers_up_to(7)
        )
        settled = np.abs(residual - total / np.pi) < 1e-3
        assert settled.mean() > 0.9

    def test_keeps_its_digits_far_up(self):
        n = np.arange(10**13 - 40, 10**13)
        residual = explicit_formula(n, 7, iterations=400)
        place = smooth_heights(n)
        powers = prime_powers_up_to(7)
        total = np.zeros(n.size)
        with mpmath.workdps(50):
            for i, centre in enumerate(np.array([c.height for c in place.centres])[place.which]):
                gap = 2 * np.pi / np.log(centre / (2 * np.pi))
                height = mpmath.mpf(float(centre)) + place.offsets[i] + residual[i] * gap
                total[i] = sum(
                    mpmath.sin(height * mpmath.log(power.m)) / (power.k * mpmath.sqrt(power.m))
                    for power in powers
                )
        settled = np.abs(residual - total / np.pi) < 1e-6
        assert settled.mean() > 0.8

    def test_does_not_depend_on_the_chunk(self, monkeypatch):
        n = np.arange(3000, 3100)
        whole = explicit_formula(n, 50)
        monkeypatch.setattr(prime_sum, "PHASES_AT_ONCE", 200)
        assert explicit_formula(n, 50) == pytest.approx(whole, abs=1e-12)


class TestPrimeTail:
    def test_is_zero_once_all_primes_are_known(self):
        assert prime_tail_scale(9877.0, 40) == 0
        assert prime_tail_scale(9877.0, 30) > 0

    @pytest.mark.parametrize(("limit", "scale"), [(30, 0.182), (100, 0.139), (300, 0.093)])
    def test_at_the_ten_millionth_zero(self, limit, scale):
        # Sum over primes limit < p ≤ 891 by hand, τ = 891 at γ_{10^7} = 4992381.014.
        assert prime_tail_scale(4992381.014, limit) == pytest.approx(scale, abs=6e-4)
