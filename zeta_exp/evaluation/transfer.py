"""A model evaluated at other heights, untouched: nothing is trained, fitted or rescaled there."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.evaluation.prime_sum import prime_tail_scale
from zeta_exp.evaluation.statistics import Errors
from zeta_exp.evaluation.window import Piece
from zeta_exp.split import Split
from zeta_exp.target import make_target
from zeta_exp.theory.counting import smooth_height
from zeta_exp.zeros import engine

MOST = 100_000  # ordinals at one height: their RMSE is known to half a percent

Predictor = Callable[[int, int], Iterator[Piece]]  # (start, stop) -> predictions, piece by piece
Residuals = Callable[[int, int], NDArray[np.float64]]  # (start, stop) -> δ (stop − start,)


def transfer_count(split: Split) -> int:
    """Ordinals at each height: as many as are measured beyond the range, within reason."""
    start, stop = split.extrapolation
    return min(stop - start, MOST)


def check_transfer(starts: Iterable[int], count: int, split: Split, target: str) -> None:
    """Raises `UserError` for ordinals that can't be measured, or were trained on."""
    for start in starts:
        engine.validate(start, count)
        make_target(target, Split(start, split.N))  # it may have no digits left up there
        refuse_trained(start, count, split)


def refuse_trained(start: int, count: int, split: Split) -> None:
    """Raises `UserError` where the model was trained on any of [start, start + count)."""
    first, stop = split.train
    if start < stop and first < start + count:
        raise UserError(
            f"the ordinals {start} to {start + count - 1} meet those that are trained on, "
            f"{first} to {stop - 1}, where errors say little: give others"
        )


def transfer_errors(
    predict: Predictor, residuals: Residuals, starts: Iterable[int], count: int, max_prime: int
) -> dict[str, dict[str, float]]:
    """Errors over `count` ordinals from each of `starts` on, by the first one.

    height: t̂ of the middle.  rmse and smooth (of δ̂ = 0) in mean spacings, r2 as `r_squared`.
    prime_tail: the scale of the primes above max_prime there, no error.
    """
    return {str(start): _at(predict, residuals, start, count, max_prime) for start in starts}


def _at(
    predict: Predictor, residuals: Residuals, start: int, count: int, max_prime: int
) -> dict[str, float]:
    errors, smooth = Errors(), Errors()
    for piece in predict(start, start + count):
        true = residuals(piece.start, piece.start + piece.residuals.size)
        errors.add(piece.residuals, true)
        smooth.add(np.zeros_like(true), true)
    height = float(smooth_height(start + count / 2))
    return {
        "height": height,
        "ordinals": float(count),
        "rmse": errors.rmse,
        "r2": errors.r_squared,
        "smooth": smooth.rmse,
        "prime_tail": prime_tail_scale(height, max_prime),
    }
