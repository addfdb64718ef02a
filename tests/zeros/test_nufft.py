"""The transform against the plain sum."""

import numpy as np
import pytest

from zeta_exp.zeros import nufft


@pytest.mark.parametrize("rows", [1, 2, 8])
@pytest.mark.parametrize("reach", [45, 400, 3000])
def test_against_the_plain_sum(reach, rows):
    rng = np.random.default_rng(reach)
    m = nufft.row_size(reach, rows)
    size = rows * m
    lowest = -(m // 3)
    wholes = rng.integers(lowest, lowest + m, 60)
    fractions = np.concatenate([rng.uniform(size=58), [0.0, 1.0]])
    amplitudes = rng.standard_normal(60) + 1j * rng.standard_normal(60)
    lowest -= nufft.SPREAD
    line = np.zeros((2, m + 2 * nufft.SPREAD))
    nufft.spread(line, wholes - lowest, fractions, amplitudes, nufft.KERNEL)
    spectrum = nufft.transform(line, lowest, rows, m).T.ravel()  # j = rows·column + row
    j = np.arange(-reach, reach + 1)
    result = spectrum[j] * nufft.correction(reach, size)[np.abs(j)]
    waves = np.exp(2j * np.pi * (np.outer(j, wholes) % size / size + np.outer(j, fractions) / size))
    assert np.abs(result - waves @ amplitudes).max() < 1e-12


@pytest.mark.parametrize("reach", [1, 31, 5000, 6007])
@pytest.mark.parametrize("rows", [1, 8])
def test_grid_is_four_times_the_reach(reach, rows):
    assert 4 * reach < rows * nufft.row_size(reach, rows) < 4.5 * reach + 50


def test_correction_is_shared_and_read_only():
    factors = nufft.correction(45, 184)
    assert factors is nufft.correction(45, 184)
    with pytest.raises(ValueError, match="read-only"):
        factors[0] = 0
