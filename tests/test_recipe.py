"""The rules of width, depth and length."""

import pytest

from zeta_exp import recipe
from zeta_exp.evaluation.prime_sum import prime_tail_scale
from zeta_exp.theory.counting import smooth_height

BAD = (-5, 0, 1)


@pytest.mark.parametrize("n", [100, 10**4, 10**6, 10**9, 10**12])
def test_the_cut_off_is_that_of_the_height(n):
    expected = float((smooth_height(n) / (2 * 3.141592653589793)) ** 0.5)
    assert recipe.cut_off(n) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("n", "max_prime"), [(10**6, 30), (10**9, 100), (10**12, 300)])
def test_what_is_unknown_is_the_prime_tail_scale(n, max_prime):
    exact = prime_tail_scale(float(smooth_height(n)), max_prime)
    assert recipe.unknown(n, max_prime) == pytest.approx(exact, rel=0.05)


def test_nothing_is_unknown_where_the_primes_reach_the_cut_off():
    assert recipe.unknown(10**6, 310) == 0


def test_steps_are_about_equally_many_at_every_length():
    for N in (10**4, 10**5, 10**6):
        blocks = recipe.blocks_per_step(N)
        updates = recipe.minibatch_epochs(N, blocks) * 0.9 * N / (recipe.BLOCK * blocks)
        assert updates == pytest.approx(recipe.UPDATES, rel=0.2)


def test_exact_steps_are_more_epochs_the_fewer_there_are_in_one():
    epochs = [recipe.exact_epochs(10**5, steps) for steps in (1, 4, 16, 64, 256)]
    assert epochs == sorted(epochs, reverse=True)
    assert recipe.exact_epochs(10**4, 1) == recipe.FULL_UPDATES


@pytest.mark.parametrize("N", BAD)
@pytest.mark.parametrize("start", BAD)
def test_bad_numbers_have_rules_too(N, start):
    """The run refuses them with a sentence of its own."""
    assert recipe.hidden(N, start, 1) >= 1
    assert recipe.layers(N, start, 1) >= 1
    assert recipe.minibatch_epochs(N, recipe.blocks_per_step(N)) >= 1
    assert recipe.exact_epochs(N, start) >= 1


def test_short_exact_steps_have_a_lower_rate():
    assert recipe.muon_rate(1) == recipe.muon_rate(recipe.FEW_STEPS) == 0.01
    assert recipe.muon_rate(recipe.FEW_STEPS + 1) == 0.003
