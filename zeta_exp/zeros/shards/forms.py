"""The three forms in which a shard can hold zeros."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.zeros.shards.pieces import Piece
from zeta_exp.zeros.stretch import COARSE_FROM, Stretch, stretch_of_residuals

RESIDUAL_ERROR = 2.0**-23  # of |δ| < 4 rounded to float32: half a unit in the last place


@dataclass(frozen=True)
class Form:
    """How zeros become the numbers of a shard, and these become zeros again."""

    name: str
    stem: str  # of the names of the files
    dtype: str  # of NumPy
    encode: Callable[[Piece], NDArray[np.float64]]
    decode: Callable[[int, NDArray[np.float64], float], Stretch]  # first ordinal, numbers, base
    has_bases: bool = False  # whether the heights that the numbers are relative to are listed
    compact: bool = False  # whether digits are given up

    @property
    def itemsize(self) -> int:
        """Bytes of a zero."""
        return np.dtype(self.dtype).itemsize

    def file(self, index: int) -> str:
        """The name of a shard, counted from 0."""
        return f"{self.stem}_{index:05d}.npy"


FORMS = (
    Form(
        "ordinates",
        "zeros",
        "<f8",
        encode=lambda piece: piece.zeros.ordinates(),
        decode=lambda start, numbers, _: Stretch(start, 0.0, numbers),
    ),
    Form(
        "offsets",
        "offsets",
        "<f8",
        encode=lambda piece: piece.zeros.offsets,
        decode=lambda start, numbers, base: Stretch(start, base, numbers),
        has_bases=True,
    ),
    Form(
        "residuals",
        "residuals",
        "<f4",
        encode=lambda piece: piece.residuals,
        decode=lambda start, numbers, _: stretch_of_residuals(start, numbers),
        compact=True,
    ),
)


def form_named(name: str) -> Form:
    """The form of this name; raises UserError that lists the known ones."""
    for form in FORMS:
        if form.name == name:
            return form
    known = ", ".join(form.name for form in FORMS)
    raise UserError(f"form {name!r} is unknown; known: {known}")


def form_for(last: int, name: str | None = None) -> Form:
    """The form of a table whose last ordinal is `last`: the named one, else ordinates if they do.

    Raises UserError for ordinates where float64 is too coarse for them.
    """
    coarse = last >= COARSE_FROM
    form = form_named(name or ("offsets" if coarse else "ordinates"))
    if coarse and form.name == "ordinates":
        raise UserError(
            f"form 'ordinates' can't hold ordinal {last}: from {COARSE_FROM} on float64 is too "
            "coarse for heights, use form 'offsets', or 'residuals' for half the space"
        )
    return form
