"""Samples that several tests of the losses measure."""

import numpy as np
import pytest

from zeta_exp.theory.gue import sample_cue_residuals


@pytest.fixture(scope="session")
def unitary():
    """Residuals of 10,000 levels of CUE(100)."""
    return sample_cue_residuals(10_000, 100, np.random.default_rng(20))
