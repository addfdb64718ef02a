"""Each form gives back the zeros that it was given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.theory.counting import mean_gap
from zeta_exp.zeros.shards import FORMS, form_for
from zeta_exp.zeros.shards.forms import RESIDUAL_ERROR, form_named
from zeta_exp.zeros.shards.pieces import Piece
from zeta_exp.zeros.stretch import COARSE_FROM, stretch_of_residuals

STARTS = st.integers(1, 10**7) | st.integers(10**9, 10**13 - 1000)


def numbers(form, piece):
    """What a shard of the form would hold."""
    return form.encode(piece).astype(form.dtype).astype("f8")


@given(STARTS, st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_what_is_stored_are_the_zeros(start, count, seed):
    residuals = np.random.default_rng(seed).uniform(-1.9, 1.9, count)
    zeros = stretch_of_residuals(start, residuals)
    piece = Piece(zeros, zeros.residuals(), 0.1)
    for form in FORMS:
        if form.name == "ordinates" and start + count > COARSE_FROM:
            continue
        again = form.decode(start, numbers(form, piece), zeros.base)
        assert again.start == start
        error = np.abs((again.base - zeros.base) + (again.offsets - zeros.offsets))
        if form.compact:
            gap = mean_gap(np.maximum(zeros.ordinates(), 8.0))
            # 1e-10: of the residuals themselves; the gap shrinks by far less than half within δ
            assert np.all(error <= 1.5 * (RESIDUAL_ERROR + 1e-10) * gap)
        else:
            assert np.array_equal(again.ordinates(), zeros.ordinates())
            assert not error.any()


@pytest.mark.parametrize(
    ("last", "name"), [(1, "ordinates"), (COARSE_FROM - 1, "ordinates"), (COARSE_FROM, "offsets")]
)
def test_the_default_is_by_height(last, name):
    assert form_for(last).name == name


@pytest.mark.parametrize("name", ["offsets", "residuals"])
def test_other_forms_go_everywhere(name):
    assert form_for(1, name).name == form_for(10**13, name).name == name


def test_coarse_ordinates_are_refused():
    with pytest.raises(UserError, match=r"ordinal 10000000000:.*'offsets'"):
        form_for(COARSE_FROM, "ordinates")


def test_unknown_names_list_the_known():
    with pytest.raises(UserError, match="'heights' is unknown; known: ordinates, offsets, resid"):
        form_named("heights")


def test_residuals_take_half_the_space():
    sizes = {form.name: form.itemsize for form in FORMS}
    assert sizes == {"ordinates": 8, "offsets": 8, "residuals": 4}
