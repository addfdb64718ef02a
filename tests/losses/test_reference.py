"""References: exact laws, and that of the training zeros, of nothing else, in bounded memory."""

import numpy as np
import pytest
import torch

from tests.conftest import held
from zeta_exp.errors import UserError
from zeta_exp.losses import make_loss, reference
from zeta_exp.losses.gue_nll import softened_nll
from zeta_exp.losses.reference import (
    LAWS,
    WINDOWS,
    EffectiveCue,
    FiniteHeight,
    Gaudin,
    Surmise,
    effective_size,
    scaled,
)
from zeta_exp.theory.gue import (
    cue_law,
    gaudin_law,
    gauss_hermite_frequencies,
)
from zeta_exp.zeros.source import ComputedZeros

OMEGA, WEIGHT = gauss_hermite_frequencies()


def nll(s):
    return softened_nll(torch.from_numpy(s)).numpy()


def mmd(one, other):
    return float(WEIGHT @ np.abs(one - other) ** 2)


def test_the_mean_likelihoods_of_the_laws():
    """0.52815 of the surmise, 0.53240 of Gaudin's law, softplus included: as samples have it."""
    assert float(Surmise().expectation(nll, 1)) == pytest.approx(0.52815, abs=5e-6)
    assert float(Gaudin().expectation(nll, 1)) == pytest.approx(0.53240, abs=5e-6)


@pytest.mark.parametrize("m", WINDOWS)
def test_a_scaled_window_has_mean_and_variance_of_one_gap(m):
    law = gaudin_law(m)
    assert float(law.expectation(lambda w: scaled(w, m))) == pytest.approx(1, abs=1e-12)
    variance = float(law.expectation(lambda w: (scaled(w, m) - 1) ** 2))
    assert variance == pytest.approx(gaudin_law().variance, abs=1e-12)


@pytest.mark.parametrize("m", WINDOWS)
def test_windows_of_large_unitary_matrices_have_gaudins_characteristic(m, unitary):
    """Within the sampling term, 5e-5 for single gaps."""
    measured = FiniteHeight()
    measured.calibrate(held(unitary), 1, 10_001)
    distance = mmd(measured.characteristic(OMEGA, m), Gaudin().characteristic(OMEGA, m))
    assert distance < 2e-4
    shuffled = np.cumsum(np.random.default_rng(0).permutation(np.diff(unitary)))
    measured.calibrate(held(shuffled), 1, 10_000)
    distance = mmd(measured.characteristic(OMEGA, m), Gaudin().characteristic(OMEGA, m))
    assert (distance > 1e-3) == (m > 1)  # which single gaps cannot see


@pytest.mark.parametrize("m", [1, 8])
def test_the_measured_law_is_that_of_all_training_gaps(m, monkeypatch):
    monkeypatch.setattr(reference, "READ", 100)
    residual = np.random.default_rng(1).normal(0, 0.3, 1000)
    law = FiniteHeight()
    law.calibrate(held(residual, start=65_000), 65_000, 66_000)  # across two runs of a source
    window = m + residual[m:] - residual[:-m]
    np.testing.assert_allclose(law.expectation(np.square, m), np.mean(window**2), rtol=1e-12)
    phases = np.exp(1j * np.multiply.outer(OMEGA, scaled(window, m))).mean(axis=1)
    np.testing.assert_allclose(law.characteristic(OMEGA, m), phases, atol=1e-13)


def test_nothing_but_the_training_range_is_read_and_never_much_at_once(monkeypatch):
    monkeypatch.setattr(reference, "MOST_PIECES", 5)
    asked = []

    def residuals(start, stop):
        asked.append((start, stop))
        return np.zeros(stop - start)

    law = FiniteHeight()
    law.calibrate(residuals, 1000, 2_000_000)
    law.expectation(np.ones_like, 8)
    assert len(asked) == 5
    assert min(start for start, _ in asked) == 1000
    assert max(stop for _, stop in asked) == 2_000_000
    assert max(stop - start for start, stop in asked) <= 2**16 + 8


def test_the_zeros_have_smaller_gaps_than_the_gue():
    law = FiniteHeight()
    law.calibrate(ComputedZeros().residuals, 1, 9001)
    assert float(law.expectation(nll, 1)) == pytest.approx(0.465, abs=0.002)
    assert float(law.expectation(lambda s: (s - 1) ** 2, 1)) == pytest.approx(0.154, abs=0.001)
    assert mmd(law.characteristic(OMEGA, 1), Gaudin().characteristic(OMEGA, 1)) > 1e-3


def test_high_zeros_are_compared_with_a_matrix_of_their_effective_size():
    """N_eff at 10^12 is 5.63 (Bornemann, Forrester and Mays 2017 use this formula)."""
    assert effective_size(10**12) == pytest.approx(5.63, abs=0.01)

    def refused(start, stop):
        raise AssertionError("no zero is needed")

    law = FiniteHeight()
    law.calibrate(refused, 10**12, 10**12 + 9000)
    variance = float(law.expectation(lambda s: (s - 1) ** 2, 1))
    assert cue_law(5).variance < variance < cue_law(6).variance
    assert variance == pytest.approx(0.1738, abs=1e-4)  # where the zeros have 0.1756
    with pytest.raises(UserError, match=r"sums of 2 gaps .*windows=\[1\] or .*gaudin"):
        law.expectation(np.square, 2)


@pytest.mark.parametrize("size", [4, 5, 6])
def test_a_whole_effective_size_is_a_matrix(size):
    expected = cue_law(size).expectation(np.square)
    np.testing.assert_allclose(EffectiveCue(size).expectation(np.square, 1), expected, rtol=1e-12)


def test_a_law_of_zeros_is_unknown_before_they_are():
    with pytest.raises(ValueError, match="before `calibrate`"):
        FiniteHeight().expectation(np.square, 1)
    loss = make_loss(
        {"mse": 1.0}, "smooth", {"form": "local"}, *({"reference": "finite_height"},) * 2
    )
    for name, size in (("gue_mmd", 65), ("gue_nll_matched", 2)):
        with pytest.raises(ValueError, match="before `calibrate`"):
            loss.values({name: torch.ones(size, dtype=torch.float64)})
    loss.calibrate(ComputedZeros().residuals, 1, 500)
    for name, size in (("gue_mmd", 65), ("gue_nll_matched", 2)):
        assert loss.values({name: torch.ones(size, dtype=torch.float64)})[name] > 0


@pytest.mark.parametrize("term", ["gue_mmd", "gue_nll_matched"])
def test_unknown_references_are_refused(term):
    with pytest.raises(UserError, match=rf"loss.{term}.reference=gue .*{', '.join(sorted(LAWS))}"):
        make_loss({"mse": 1.0}, "smooth", {"form": "local"}, **{term: {"reference": "gue"}})
