"""Statistics of zeros against values that others have published."""

import numpy as np
import pytest

from zeta_exp.evaluation.statistics import spacings, spectral_statistics
from zeta_exp.evaluation.statistics.levels import LENGTHS
from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.gue import gaudin_law
from zeta_exp.theory.rigidity import zeta_number_variance
from zeta_exp.zeros.engine import stream

# ⟨(δ_n − 1)^k⟩, k = 2, 3, 4: Odlyzko, Math. Comp. 48 (1987) 273–308, to three digits
MOMENTS = {1: (0.161, 0.031, 0.081), 10**12 + 1: (0.176, 0.035, 0.096)}
MOMENTS_GUE = (0.180, 0.038, 0.101)  # there too


@pytest.fixture(scope="module")
def residuals():
    """10^5 zeros from each of Odlyzko's two first ordinals on."""
    return {n: np.concatenate([b.residuals for b in stream(n, 100_000)]) for n in MOMENTS}


@pytest.mark.parametrize("start", MOMENTS)
def test_moments_of_the_spacings_are_odlyzkos(residuals, start):
    sample = spacings(residuals[start]) - 1
    found = [np.mean(sample**k) for k in (2, 3, 4)]
    assert found == pytest.approx(MOMENTS[start], abs=5.5e-4)


def test_moments_of_gaudins_law_are_the_published_ones():
    s, step = np.linspace(0, 6, 6001, retstep=True)
    found = [np.sum((s - 1) ** k * gaudin_law().density(s)) * step for k in (2, 3, 4)]
    assert found == pytest.approx(MOMENTS_GUE, abs=5.5e-4)


def test_number_variance_near_the_trillionth_zero_is_berrys(residuals):
    """Berry, Nonlinearity 1 (1988) 399, compared his formula with these very zeros."""
    found = spectral_statistics(residuals[10**12 + 1]).number_variance.value
    length = np.array(LENGTHS)
    expected = zeta_number_variance(length, float(smooth_height(10**12 + 50_000)))
    assert np.abs(found - expected)[length <= 50].max() <= 0.004
