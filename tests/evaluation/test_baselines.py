"""The baselines against true zeros, and the laws of their fits."""

import math

import numpy as np
import pytest

from zeta_exp.evaluation import baselines, riemann_siegel
from zeta_exp.evaluation.baselines import ar2_rows, baseline_errors, fit_ridge, lagged
from zeta_exp.evaluation.prime_sum import explicit_formula
from zeta_exp.evaluation.statistics import rmse
from zeta_exp.labels import EVERY_ZERO
from zeta_exp.split import Split
from zeta_exp.theory.counting import smooth_height, unfold
from zeta_exp.theory.cut_off import term_count
from zeta_exp.theory.phases import log_frequencies, turns_at
from zeta_exp.theory.primes import prime_powers_up_to
from zeta_exp.zeros import block, generate


def true_residuals(start, stop):
    return unfold(generate(start, stop - start), np.arange(start, stop))


def prime_phases(n):
    """cos and sin of t̂ log m over √m for prime powers m ≤ 100: (B, 2K) float32."""
    m = np.array([power.m for power in prime_powers_up_to(100)])
    phase = 2 * np.pi * turns_at(smooth_height(n), log_frequencies(m))
    columns = np.column_stack([np.cos(phase), np.sin(phase)]) / np.sqrt(np.tile(m, 2))
    return columns.astype(np.float32)


@pytest.fixture(scope="module")
def truth():
    return true_residuals(10_001, 11_001)


@pytest.fixture(scope="module")
def errors():
    return baseline_errors(Split(1, 10_000), true_residuals, prime_phases, max_prime=100, limit=300)


class TestRiemannSiegel:
    @pytest.mark.parametrize("start", [10_001, 1_000_000, 2_000_000])
    def test_is_the_ceiling_with_no_root_lost(self, start):
        solution = riemann_siegel.riemann_siegel(start, start + 1000)
        error = solution.residual - true_residuals(start, start + 1000)
        assert solution.lost == 0
        assert np.sqrt(np.mean(error**2)) < 5e-4
        assert np.max(np.abs(error)) < 5e-3

    @pytest.mark.parametrize("start", [10**10, 10**12])
    def test_meets_the_zeros_where_float64_is_coarse(self, start):
        solution = riemann_siegel.riemann_siegel(start, start + 10)
        assert solution.lost == 0
        assert solution.residual == pytest.approx(block(start, 10).residuals, abs=1e-6)

    def test_reach_is_above_the_largest_values_of_s(self):
        # max |S| over the first 10^4 … 10^8 zeros of the engine, |δ| + ½ at a zero
        largest = {10**4: 1.45, 10**5: 1.63, 10**6: 1.79, 10**7: 1.95, 10**8: 2.14}
        growth = (largest[10**8] - largest[10**4]) / 4
        for n in (*largest, 10**10, 10**13):
            line = largest[10**8] + growth * math.log10(n / 1e8)
            assert riemann_siegel.reach(n) > max(largest.get(n, 0), line)

    @pytest.mark.parametrize("reach", [2.2, 3.45])
    def test_degree_leaves_nothing_of_the_exponential_series(self, reach):
        degree = riemann_siegel.degree(reach)
        last = (np.pi * reach) ** (degree + 1) / math.factorial(degree + 1)
        assert last < riemann_siegel.TRUNCATION <= last * (degree + 1) / (np.pi * reach)

    def test_finds_the_first_zeros_roughly(self):
        solution = riemann_siegel.riemann_siegel(1, 101)
        assert solution.lost == 0
        assert rmse(solution.residual, true_residuals(1, 101)) < 0.01

    def test_the_window_does_not_change_a_root(self, truth):
        part = riemann_siegel.riemann_siegel(10_500, 10_510).residual
        whole = riemann_siegel.riemann_siegel(10_001, 11_001).residual
        assert part == pytest.approx(whole[499:509], abs=1e-6)

    def test_error_falls_with_height(self):
        error = [
            np.median(np.abs(riemann_siegel.riemann_siegel(start, start + 500).residual - exact))
            for start in (200, 5_000, 500_000)
            for exact in [true_residuals(start, start + 500)]
        ]
        assert error == sorted(error, reverse=True)

    def test_mends_roots_that_newton_lost(self, truth, monkeypatch):
        newton = riemann_siegel._newton

        def poor(polynomial, reach):
            u = newton(polynomial, reach)
            u[40:43] = 0.9  # no roots
            u[100] = u[101] + 1  # nearly the neighbour's
            u[200:206] += 0.01  # not converged
            return u

        monkeypatch.setattr(riemann_siegel, "_newton", poor)
        solution = riemann_siegel.riemann_siegel(10_001, 11_001)
        assert solution.lost == 0
        assert rmse(solution.residual, truth) < 5e-4

    def test_mends_a_run_that_took_roots_two_further_on(self, truth, monkeypatch):
        newton = riemann_siegel._newton

        def shifted(polynomial, reach):
            u = newton(polynomial, reach)
            run = np.array([i for i in range(300, 306) if u[i + 2] + 2 < riemann_siegel.LOW_REACH])
            u[run] = u[run + 2] + 2
            slope = riemann_siegel.polyder(polynomial)
            for _ in range(6):
                value = riemann_siegel.polyval(u, polynomial, tensor=False)
                u = u - value / riemann_siegel.polyval(u, slope, tensor=False)
            return u

        monkeypatch.setattr(riemann_siegel, "_newton", shifted)
        solution = riemann_siegel.riemann_siegel(10_001, 11_001)
        assert solution.lost == 0
        assert rmse(solution.residual, truth) < 5e-4

    def test_counts_what_cannot_be_mended(self, monkeypatch):
        monkeypatch.setattr(
            riemann_siegel, "_newton", lambda polynomial, reach: np.full(polynomial.shape[1], 0.4)
        )
        assert riemann_siegel.riemann_siegel(5000, 5100).lost > 0

    def test_chunks_do_not_change_the_polynomials(self, monkeypatch):
        n = np.arange(2000, 2050)
        whole = riemann_siegel.local_polynomials(n)
        monkeypatch.setattr(riemann_siegel, "TERMS_AT_ONCE", 500)
        assert riemann_siegel.local_polynomials(n) == pytest.approx(whole, abs=1e-12)

    def test_polynomial_is_the_formula(self):
        n, u = np.array([12_345]), 1.3
        height = smooth_height(n)[0]
        tau = np.sqrt(height / (2 * np.pi))
        m = np.arange(2, 200)
        gate = riemann_siegel.erfc(np.log(m / tau) * np.sqrt(tau)) / 2
        gap = riemann_siegel.mean_gap(height)
        phase = height * np.log(m) + u * (gap * np.log(m) - np.pi)
        direct = np.sum(gate / np.sqrt(m) * np.sin(phase)) - np.sin(np.pi * u)
        polynomial = riemann_siegel.local_polynomials(n)[:, 0]
        assert riemann_siegel.polyval(u, polynomial) == pytest.approx(direct, abs=1e-7)


class TestRidge:
    def test_blocks_add_up_to_the_closed_form(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(300, 5)), rng.normal(size=300)
        fit = fit_ridge([(x[:120], y[:120]), (x[120:], y[120:])], penalty=0.1)
        centred = x - x.mean(0)
        gram = centred.T @ centred + 0.1 * np.diag((x * x).sum(0))
        weight = np.linalg.solve(gram, centred.T @ (y - y.mean()))
        assert fit.weight == pytest.approx(weight)
        assert fit.intercept == pytest.approx(y.mean() - x.mean(0) @ weight)

    def test_intercept_is_not_penalised(self):
        x = np.random.default_rng(1).normal(size=(200, 3))
        fit = fit_ridge([(x - x.mean(0), np.full(200, 7.0))], penalty=1e3)
        assert fit.predict(np.zeros((2, 3))) == pytest.approx([7, 7])

    def test_recovers_a_linear_law_from_float32_features(self):
        x = np.random.default_rng(2).normal(size=(500, 4)).astype(np.float32)
        fit = fit_ridge([(x, x @ np.array([1.0, -2.0, 0.5, 0.0]) + 3)], penalty=0.0)
        assert fit.weight == pytest.approx([1, -2, 0.5, 0], abs=1e-6)

    def test_the_scale_of_the_features_changes_nothing(self):
        rng = np.random.default_rng(3)
        x, y, scale = rng.normal(size=(300, 5)), rng.normal(size=300), 10.0 ** np.arange(-3, 2)
        one, other = fit_ridge([(x, y)], 0.1), fit_ridge([(x * scale, y)], 0.1)
        np.testing.assert_allclose(other.predict(x * scale), one.predict(x), rtol=1e-9)

    def test_no_block_is_refused(self):
        with pytest.raises(ValueError, match="at least one block"):
            fit_ridge([])


class TestAutoregression:
    def test_recovers_its_own_process(self):
        rng = np.random.default_rng(3)
        series = np.zeros(20_000)
        for i in range(2, series.size):
            series[i] = 0.5 * series[i - 1] - 0.3 * series[i - 2] + rng.normal()
        rows = map(ar2_rows, (series[:7000], series[6998:]))
        assert fit_ridge(rows, penalty=0).weight == pytest.approx([0.5, -0.3], abs=0.03)

    def test_a_row_takes_three_that_are_seen(self):
        series = np.arange(6.0)
        lags, then = ar2_rows(series, np.array([True, True, True, True, False, True]))
        assert np.array_equal(lags, [[1, 0], [2, 1]])
        assert np.array_equal(then, [2, 3])

    def test_lags_are_the_two_values_before(self):
        assert np.array_equal(lagged(np.array([1.0, 2.0, 3.0, 4.0])), [[2, 1], [3, 2]])


class TestBaselineErrors:
    def test_every_baseline_covers_both_windows(self, errors):
        known = {"smooth", "linear", "explicit_formula", "ar2", "riemann_siegel", "prime_tail"}
        assert set(errors) == known
        assert all({"next100", "next10pct"} <= set(windows) for windows in errors.values())

    @pytest.mark.parametrize("window", ["next100", "next10pct"])
    def test_order_of_merit(self, errors, window):
        ceiling, explicit, linear, smooth = (
            errors[name][window]
            for name in ("riemann_siegel", "explicit_formula", "linear", "smooth")
        )
        assert ceiling < 1e-3 < explicit < linear < smooth

    def test_one_step_ahead_gains_little(self, errors):
        smooth, ahead = errors["smooth"]["next10pct"], errors["ar2"]["next10pct"]
        assert 0.95 * smooth < ahead < smooth

    def test_a_long_window_says_how_much_of_it_was_solved(self, errors):
        assert errors["riemann_siegel"]["next100_ordinals"] == 100
        assert errors["riemann_siegel"]["next10pct_ordinals"] == 300

    def test_the_ceiling_has_a_budget_of_terms(self, monkeypatch):
        split = Split(10_000, 1000)
        terms = term_count(split.extrapolation[1])
        monkeypatch.setattr(baselines, "CEILING_TERMS", 7 * terms)
        ceiling = baseline_errors(split, true_residuals, prime_phases, 30)["riemann_siegel"]
        assert ceiling["next100_ordinals"] == ceiling["next10pct_ordinals"] == 7

    def test_fits_see_training_ordinals_only(self):
        """Zeros outside training may change to anything: fitted coefficients stay."""
        split = Split(500, 1000)
        seen = []

        def features(n):
            seen.append((int(n[0]), int(n[-1])))
            return prime_phases(n)

        def spoiled(start, stop):
            n = np.arange(start, stop)
            return np.where(n < split.train[1], true_residuals(start, stop), 1e6)

        honest, other = (
            baselines._fits(split, residuals, features, EVERY_ZERO)
            for residuals in (true_residuals, spoiled)
        )
        assert (seen[0][0], seen[-1][1]) == (split.train[0], split.train[1] - 1)
        assert honest.keys() == {"linear", "ar2"}
        for fit, same in zip(honest.values(), other.values(), strict=True):
            assert np.array_equal(fit.weight, same.weight)
            assert fit.intercept == same.intercept

    def test_fit_range_is_the_tail_of_a_long_training(self):
        assert baselines.fit_range(Split(1, 1_000_000)) == (700_001, 900_001)

    def test_pieces_add_up_to_the_whole(self, errors, monkeypatch):
        """Errors of predictions made in one go, and those of any cut into pieces."""
        split = Split(1, 10_000)
        start, stop = split.extrapolation
        n, truth = np.arange(start, stop), true_residuals(start - 2, stop)
        low, high = split.train
        training = true_residuals(low, high)
        predictions = {
            "smooth": np.zeros(n.size),
            "linear": fit_ridge([(prime_phases(np.arange(low, high)), training)]).predict(
                prime_phases(n)
            ),
            "ar2": fit_ridge([ar2_rows(training)], penalty=0).predict(lagged(truth)),
            "explicit_formula": explicit_formula(n, 100),
        }
        monkeypatch.setattr(baselines, "BLOCK", 333)
        pieces = baseline_errors(split, true_residuals, prime_phases, max_prime=100, limit=300)
        for name, prediction in predictions.items():
            for window, width in (("next100", 100), ("next10pct", 1000)):
                whole = rmse(prediction[:width], truth[2:][:width])
                assert errors[name][window] == pytest.approx(whole, abs=1e-9)
                assert pieces[name][window] == pytest.approx(whole, abs=1e-9)

    def test_no_request_grows_with_the_window(self):
        """Of a line of 10^6, residuals and features of 2^13 ordinals at a time."""
        widths = []

        def residuals(start, stop):
            widths.append(stop - start)
            return np.sin(np.arange(start, stop))

        def features(n):
            widths.append(n.size)
            return np.cos(n)[:, None].astype(np.float32)

        ceiling = 500
        baseline_errors(Split(1, 1_000_000), residuals, features, max_prime=2, limit=ceiling)
        assert max(widths) <= baselines.BLOCK + 2

    def test_a_window_too_long_for_the_formula_says_how_far_it_went(self, monkeypatch):
        split = Split(1, 10_000)
        terms = len(prime_powers_up_to(30))
        monkeypatch.setattr(baselines, "FORMULA_TERMS", 400 * terms)
        limited = baseline_errors(split, true_residuals, prime_phases, 30, 100)["explicit_formula"]
        n = np.arange(10_001, 10_401)
        expected = rmse(explicit_formula(n, 30), true_residuals(10_001, 10_401))
        assert limited["next10pct_ordinals"] == 400
        assert limited["next10pct"] == pytest.approx(expected, abs=1e-9)

    def test_a_window_that_is_measured_whole_says_nothing(self, errors):
        assert set(errors["explicit_formula"]) == {"next100", "next10pct"}

    def test_the_hundred_may_be_the_longer_window(self):
        short = baseline_errors(Split(1, 200), true_residuals, prime_phases, max_prime=30)
        assert short["riemann_siegel"]["next100_ordinals"] == 100
        assert short["riemann_siegel"]["next10pct_ordinals"] == 20
