"""Base + offsets, and the residuals of both."""

import numpy as np
import pytest

from zeta_exp.theory.counting import unfold
from zeta_exp.zeros import Stretch, block, generate
from zeta_exp.zeros.stretch import COARSE_FROM, stretch_of_residuals

TRUE = generate(1, 100_000)  # more than is unfolded around one centre


def test_residuals_are_the_unfolded_ordinates():
    assert Stretch(1, 0.0, TRUE).residuals() == pytest.approx(
        unfold(TRUE, np.arange(1, 100_001)), abs=1e-10
    )


@pytest.mark.parametrize(("start", "count"), [(1, 100_000), (10**6, 3000), (10**12, 3000)])
def test_residuals_and_back(start, count):
    zeros = block(start, count)
    rebuilt = stretch_of_residuals(start, zeros.residuals)
    assert rebuilt.base == 0 if start < COARSE_FROM else rebuilt.base > 0
    wrong = (rebuilt.base - zeros.base) + rebuilt.offsets - zeros.offsets
    assert np.abs(wrong).max() < 2e-10
    assert rebuilt.residuals() == pytest.approx(zeros.residuals, abs=1e-9)


def test_the_base_can_be_any():
    zeros = block(10**12, 500)
    moved = Stretch(10**12, zeros.base - 1000.25, zeros.offsets + 1000.25)
    assert moved.residuals() == pytest.approx(zeros.residuals, abs=1e-10)


def test_what_is_no_height_has_no_residual():
    values = np.array([TRUE[0], np.nan, np.inf, 0.0, -14.1, TRUE[5]])
    assert np.isfinite(Stretch(1, 0.0, values).residuals()).tolist() == [True, *[False] * 4, True]


def test_a_part():
    whole = Stretch(11, 0.0, TRUE[10:30])
    part = whole.part(13, 17)
    assert (part.start, part.stop, whole.stop) == (13, 17, 31)
    assert np.array_equal(part.ordinates(), TRUE[12:16])
