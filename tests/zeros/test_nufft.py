"""The transform against the plain sum."""

import numpy as np
import pytest

from zeta_exp.zeros import nufft


@pytest.mark.parametrize("reach", [45, 400, 3000])
def test_against_the_plain_sum(reach):
    rng = np.random.default_rng(reach)
    size = nufft.grid_size(reach)
    wholes = rng.integers(-size // 6, size // 6, 60)
    fractions = np.concatenate([rng.uniform(size=58), [0.0, 1.0]])
    amplitudes = rng.standard_normal(60) + 1j * rng.standard_normal(60)
    grid = np.zeros(size, dtype=np.complex128)
    nufft.spread(grid, wholes, fractions, amplitudes, nufft.KERNEL)
    spectrum = nufft.transform(grid)
    j = np.arange(-reach, reach + 1)
    result = spectrum[j] * nufft.correction(reach, size)[np.abs(j)]
    waves = np.exp(2j * np.pi * (np.outer(j, wholes) % size / size + np.outer(j, fractions) / size))
    assert np.abs(result - waves @ amplitudes).max() < 1e-12


@pytest.mark.parametrize("reach", [1, 31, 5000, 6007])
def test_grid_is_four_times_the_reach(reach):
    assert 4 * reach < nufft.grid_size(reach) < 4.5 * reach + 20


def test_correction_is_shared_and_read_only():
    factors = nufft.correction(45, 184)
    assert factors is nufft.correction(45, 184)
    with pytest.raises(ValueError, match="read-only"):
        factors[0] = 0
