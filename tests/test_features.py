"""Features are functions of n alone."""

import mpmath
import numpy as np
import pytest
import torch
from scipy.special import erfc

from zeta_exp.errors import UserError
from zeta_exp.features import (
    AMPLITUDE,
    Averaged,
    FeatureTable,
    IntegerPhases,
    LogIndex,
    PrimePhases,
    RandomPhases,
    WrongHeight,
    tabulated,
)
from zeta_exp.split import Split
from zeta_exp.theory.counting import smooth_height


def test_prime_phases_are_the_definition():
    features = PrimePhases(max_prime=9)
    powers = [2, 3, 4, 5, 7, 8, 9]
    n = np.array([1, 2, 4096, 4097, 123_456])
    x = features(n)
    assert x.shape == (5, features.dim) == (5, 2 * len(powers) + 1)
    for row, height in zip(x, smooth_height(n), strict=True):
        with mpmath.workdps(30):
            angles = [mpmath.mpf(float(height)) * mpmath.log(m) for m in powers]
            expected = [float(mpmath.cos(a)) for a in angles]
            expected += [float(mpmath.sin(a)) for a in angles]
        amplitude = AMPLITUDE / np.sqrt(powers * 2)
        np.testing.assert_allclose(row[:-1], amplitude * expected, atol=3e-7)
        np.testing.assert_allclose(row[-1], 1 / np.log(height / 2 / np.pi), rtol=1e-6)


@pytest.mark.parametrize(
    "features", [PrimePhases(30), RandomPhases(30, seed=1), LogIndex()], ids=lambda f: str(f.dim)
)
@pytest.mark.parametrize("start", [4000, 10**13 - 200])
def test_features_do_not_depend_on_what_they_are_computed_with(features, start):
    n = np.arange(start, start + 200)
    together = features(n)
    for part in np.split(n, [1, 50, 97]):
        torch.testing.assert_close(features(part), together[part - start], atol=2e-7, rtol=0)
    table = tabulated(features, start, start + 150)
    torch.testing.assert_close(table(n[:150]), together[:150], atol=2e-7, rtol=0)
    torch.testing.assert_close(table(n[100:]), together[100:], atol=2e-7, rtol=0)
    shaped = table(n[:100].reshape(4, 25))
    assert torch.equal(shaped.reshape(100, -1), table(n[:100]))


@pytest.mark.parametrize("n", [10**12 + 7, 10**13])
def test_phases_keep_their_digits_far_up(n):
    """The smooth height and the phases of 50 digits."""
    powers = [2, 3, 4, 5, 7, 8, 9]
    with mpmath.workdps(50):
        start = mpmath.mpf(float(smooth_height(n)))
        height = mpmath.findroot(
            lambda t: mpmath.siegeltheta(t) / mpmath.pi + mpmath.mpf(3) / 2 - n, start
        )
        angles = [height * mpmath.log(m) for m in powers]
        expected = [float(mpmath.cos(a)) for a in angles]
        expected += [float(mpmath.sin(a)) for a in angles]
    row = PrimePhases(max_prime=9)(np.array([n]))[0]
    np.testing.assert_allclose(row[:-1], AMPLITUDE / np.sqrt(powers * 2) * expected, atol=1e-6)
    np.testing.assert_allclose(row[-1], 1 / np.log(float(height) / 2 / np.pi), rtol=1e-6)


def test_the_wrong_height_has_the_phases_of_other_ordinals():
    n = np.arange(1, 40)
    assert torch.equal(WrongHeight(50, shift=1000)(n), PrimePhases(50)(n + 1000))
    with pytest.raises(UserError, match="shift=0 goes below the first zero"):
        WrongHeight(50, shift=0)


def test_integer_phases_are_the_phases_of_every_integer():
    n = np.arange(1, 40)
    x = IntegerPhases(9, Split(1, 100))(n)
    assert x.shape == (39, 17)
    primes = PrimePhases(9)(n)
    for place, m in enumerate([2, 3, 4, 5, 7, 8, 9]):
        assert torch.equal(x[:, m - 2], primes[:, place])
        assert torch.equal(x[:, 8 + m - 2], primes[:, 7 + place])
    assert torch.equal(x[:, -1], primes[:, -1])
    with pytest.raises(UserError, match="max_integer=1"):
        IntegerPhases(1, Split(1, 100))


@pytest.mark.parametrize(("start", "N"), [(1, 1000), (1, 10_000), (10**6, 1000)])
def test_integer_phases_reach_beyond_the_cut_off_of_what_is_measured(start, N):
    split = Split(start, N)
    tau = np.sqrt(smooth_height(split.extrapolation[1]) / (2 * np.pi))
    terms = (IntegerPhases(None, split).dim - 1) // 2
    weight = erfc((np.log(terms + 2) - np.log(tau)) * np.sqrt(tau)) / 2  # of the first left out
    assert 1e-12 < weight < 1e-8


def test_random_phases_keep_amplitudes_and_lose_the_primes():
    true, random = PrimePhases(50), RandomPhases(50, seed=3)
    n = np.arange(1, 3000)
    x, z = true(n), random(n)
    assert x.shape == z.shape
    power = [(t[:, :-1] ** 2).mean(0) for t in (x, z)]
    np.testing.assert_allclose(*power, rtol=0.1)
    assert (x[:, :-1] - z[:, :-1]).abs().max() > 0.5
    assert not torch.equal(z, RandomPhases(50, seed=4)(n))
    assert torch.equal(z, RandomPhases(50, seed=3)(n))


def test_a_table_too_large_to_keep_is_not_built():
    features = PrimePhases(1000)
    assert tabulated(features, 1, 10**7) is features


def test_coarse_features_are_means_over_aligned_cells():
    fine = PrimePhases(10)
    coarse = Averaged(fine, 4)(np.array([1, 3]))
    torch.testing.assert_close(coarse[0], fine(np.arange(1, 5)).mean(0))
    torch.testing.assert_close(coarse[1], fine(np.arange(9, 13)).mean(0))


def test_a_coarse_cell_has_the_same_bits_whatever_it_is_asked_with():
    coarse = Averaged(PrimePhases(30), 4)
    cells = np.arange(1, 400)
    together = coarse(cells)
    assert together.dtype == torch.float32
    for low, high in ((0, 1), (3, 50), (100, 399)):
        assert torch.equal(coarse(cells[low:high]), together[low:high])
        assert torch.equal(coarse(cells[None, low:high])[0], together[low:high])


def test_a_table_gives_consecutive_ordinals_without_copying():
    table = FeatureTable(PrimePhases(10), 5, 205)
    n = np.arange(20, 120)
    asked = table(n)
    assert asked.untyped_storage().data_ptr() == table(n + 7).untyped_storage().data_ptr()
    assert torch.equal(table(n.reshape(4, 25)).reshape(100, -1), asked)
    for order in (n[::-1].copy(), n[::2], np.concatenate([n, n])):
        gathered = table(order)
        assert gathered.untyped_storage().data_ptr() != asked.untyped_storage().data_ptr()
        assert torch.equal(gathered, asked[order - 20])
    assert table(np.arange(0)).shape == (0, table.dim)


def test_no_prime_is_refused():
    with pytest.raises(UserError, match="max_prime=1"):
        PrimePhases(1)
