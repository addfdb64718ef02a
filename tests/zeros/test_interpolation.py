"""Cell polynomials reproduce every wave of the band."""

import math

import numpy as np
import pytest

from zeta_exp.zeros.interpolation import CELL_MATRIX, DEGREE, POINTS_PER_GAP, WIDTH


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.9, 1.0])
def test_waves_up_to_the_band_edge(fraction):
    omega = fraction * math.pi / POINTS_PER_GAP
    samples = np.exp(1j * omega * (np.arange(WIDTH) - (WIDTH // 2 - 1)))
    y = np.linspace(-1, 1, 101)
    polynomial = samples @ CELL_MATRIX
    wave = np.exp(1j * omega * (y + 1) / 2)
    assert np.abs((y[:, None] ** np.arange(DEGREE + 1)) @ polynomial - wave).max() < 2e-14


def test_weights_do_not_magnify_rounding():
    y = np.linspace(-1, 1, 101)
    weights = (y[:, None] ** np.arange(DEGREE + 1)) @ CELL_MATRIX.T
    assert np.abs(weights).sum(axis=1).max() < 2


def test_ends_of_a_cell_are_its_samples():
    left, right = np.zeros(WIDTH), np.zeros(WIDTH)
    left[WIDTH // 2 - 1] = right[WIDTH // 2] = 1
    y = np.array([-1.0, 1.0])[:, None] ** np.arange(DEGREE + 1)
    waves = np.cos(0.7 * math.pi / POINTS_PER_GAP * np.arange(WIDTH))
    ends = y @ (waves @ CELL_MATRIX)
    assert ends == pytest.approx([waves @ left, waves @ right], abs=1e-14)
