"""Laws of consecutive spacings: against series, closed forms, published and rigorous numbers."""

import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from zeta_exp.theory.gue import cue_circles, cue_law, gap_probability, gaudin_law
from zeta_exp.theory.rigidity import gue_number_variance

WINDOWS = (1, 2, 5, 8)
LAWS = [*(("gue", m) for m in WINDOWS), *((n, m) for n in (2, 3, 4, 7) for m in (1, n - 1, n // 2))]


@pytest.fixture(params=sorted(set(LAWS), key=str), ids=str)
def law(request):
    size, m = request.param
    return gaudin_law(m) if size == "gue" else cue_law(size, m)


def test_mass_and_mean(law):
    assert law.expectation(np.ones_like) == pytest.approx(1, abs=1e-13)
    assert law.expectation(lambda w: w) == pytest.approx(law.m, abs=1e-12)


def test_the_distribution_function_is_the_integral_of_the_density(law):
    for s in np.linspace(0.2, law.stop, 5):
        node, weight = np.polynomial.legendre.leggauss(60)
        below = law.density((node + 1) / 2 * s) @ weight * s / 2
        assert float(law.cdf(s)) == pytest.approx(below, abs=1e-12)
    value = law.cdf(np.linspace(-1, law.stop + 1, 2001))
    assert np.all(np.diff(value) >= -1e-12)
    assert (value[0], value[-1]) == (0, 1)


def test_nothing_is_below_zero_or_beyond_the_range(law):
    assert law.density([-0.1, 0.0, law.stop, 40.0]).tolist() == [0, 0, 0, 0]


def test_the_variance_is_the_published_one():
    """Bornemann, Markov Process. Related Fields 16 (2010) 803, Table 8: 0.1799938776 for k = 0.

    More digits: 2·∫E(0; s)ds − 1 in 30-digit mpmath, E by the determinant on 30 Gauss–Legendre
    nodes, the integral over [0, 7] on 40.
    """
    assert gaudin_law().variance == pytest.approx(0.1799938776918, abs=5e-14)


@pytest.mark.parametrize("s", [0.0005, 0.005, 0.01, 0.02])
def test_small_spacings_follow_their_power_series(s):
    # Mehta, Random Matrices, §6: E = 1 − s + π²s⁴/36 − π⁴s⁶/675 + …, and p = E″
    series = 1 - s + np.pi**2 * s**4 / 36 - np.pi**4 * s**6 / 675
    assert gap_probability(s) == pytest.approx(series, abs=np.pi**6 * s**8 / 1000 + 1e-14)
    power = (np.pi * s) ** 2
    series = power / 3 - 2 * power**2 / 45 + power**3 / 315
    assert gaudin_law().density(s) == pytest.approx(series, abs=1e-10)


def rigorous_density(s, m):
    """p of m = 1 or 2 spacings from determinants of ball arithmetic, differenced at 90 digits."""
    ctx.dps = 90
    step, nodes = arb(10) ** -20, 44

    def determinant(s, z):
        rule = [arb.legendre_p_root(nodes, k, weight=True) for k in range(nodes)]
        x, root = [(t + 1) / 2 * s for t, _ in rule], [(w / 2 * s).sqrt() for _, w in rule]
        return arb_mat(
            [
                [(j == k) - z * root[j] * (x[j] - x[k]).sinc_pi() * root[k] for k in range(nodes)]
                for j in range(nodes)
            ]
        ).det()

    def survival(s):  # G = E(0) for m = 1, 2·E(0) + E(1) for 2; E(1) = −∂D/∂z at z = 1
        if m == 1:
            return determinant(s, arb(1))
        slope = (determinant(s, 1 + step) - determinant(s, 1 - step)) / (2 * step)
        return 2 * determinant(s, arb(1)) - slope

    s = arb(s)
    return float((survival(s + step) - 2 * survival(s) + survival(s - step)) / step**2)


@pytest.mark.parametrize(("m", "s"), [(1, 0.3), (1, 1.0), (1, 2.5), (2, 1.9)])
def test_the_density_is_that_of_ball_arithmetic(m, s):
    try:
        expected = rigorous_density(s, m)
    finally:
        ctx.default()
    assert float(gaudin_law(m).density(s)) == pytest.approx(expected, abs=1e-12)


def test_two_levels_on_a_circle_have_a_closed_form():
    """|e^{iα} − e^{iβ}|² = 4 sin²(πs/2)."""
    s = np.linspace(0, 2, 101)
    np.testing.assert_allclose(cue_law(2).density(s), np.sin(np.pi * s / 2) ** 2, atol=1e-12)


@pytest.mark.parametrize(("size", "m"), [(3, 1), (5, 2), (6, 1)])
def test_the_rest_of_a_circle_is_the_mirror_image(size, m):
    s = np.linspace(0.05, size - 0.05, 97)
    rest = cue_law(size, size - m).density(size - s)
    np.testing.assert_allclose(cue_law(size, m).density(s), rest, atol=1e-11)


@pytest.mark.parametrize("m", [1, 2, 4])
def test_sampled_circles_have_the_law(m):
    size, count = 5, 20_000
    rng = np.random.default_rng(11)
    levels = cue_circles([rng] * count, size)
    twice, row, first = (
        np.hstack([levels, levels + size]),
        range(count),
        rng.integers(size, size=count),
    )
    window = twice[row, first + m] - twice[row, first]  # from any level: the cut at −π is no level
    law = cue_law(size, m)
    assert window.mean() == pytest.approx(m, abs=5 * np.sqrt(law.variance / count))
    assert window.var() == pytest.approx(law.variance, rel=0.05)
    distance = np.abs(law.cdf(np.sort(window)) - np.arange(count) / count).max()
    assert distance < 1.95 / np.sqrt(count)  # 0.1% point


@pytest.mark.parametrize("size", [10, 20])
def test_large_circles_approach_the_limit_as_one_over_size_squared(size):
    """So laws of sizes between are interpolated in 1/size²."""
    limit = gaudin_law().variance
    ratio = (limit - cue_law(size).variance) / (limit - cue_law(2 * size).variance)
    assert ratio == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize("m", [5, 8])
def test_the_variance_of_windows_follows_the_number_variance(m):
    """σ²(m) ≈ Σ²(m) − 1/6: French, Mello and Pandey, Ann. Phys. 113 (1978) 277."""
    expected = float(gue_number_variance(m)) - 1 / 6
    assert gaudin_law(m).variance == pytest.approx(expected, abs=1e-3)


def test_a_whole_circle_is_no_law():
    with pytest.raises(ValueError, match="5 consecutive spacings of a circle of 5"):
        cue_law(5, 5)
