"""What heights that are no zeros of ζ may be instead: zeros in other units, or moved."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zeta_exp.zeros.integrity.finding import Kind
from zeta_exp.zeros.integrity.truth import Truth, allowed, relative, zeros_at
from zeta_exp.zeros.stretch import Stretch

_CLOSE = 0.02  # of a mean gap
_MOST = 0.9  # of the heights must agree
_BASE = 1e4  # a lower constant is no forgotten base


class Guess(NamedTuple):
    """What numbers are that should be heights."""

    kind: Kind
    what: str
    advice: str


# name, the true height from the listed number, what to do
_UNITS: tuple[tuple[str, Callable[[NDArray[np.float64]], NDArray[np.float64]], str], ...] = (
    ("heights divided by 2π", lambda x: 2 * math.pi * x, "multiply them by 2π"),
    ("heights times 2π", lambda x: x / (2 * math.pi), "divide them by 2π"),
    ("heights in degrees (times 180/π)", np.deg2rad, "multiply them by π/180"),
    ("heights times π/180", np.rad2deg, "multiply them by 180/π"),
    ("logarithms of heights", np.exp, "take their exponential"),
    ("decimal logarithms of heights", lambda x: 10.0**x, "raise 10 to them"),
    ("heights divided by 2", lambda x: 2 * x, "multiply them by 2"),
    ("heights times 2", lambda x: x / 2, "divide them by 2"),
)


def recognise(listed: Stretch, n: int, tolerance: float, truth: Truth) -> Guess | None:
    """What the listed numbers (Z,) are, where the zeros from ordinal n on are expected."""
    true = truth.window(n, n + listed.offsets.size + 1)
    if true.offsets.size <= listed.offsets.size:
        return None
    gap = float(np.diff(true.offsets).mean())
    return next(_beside(listed, true, tolerance, gap), None) or _elsewhere(listed, gap, truth)


def _beside(listed: Stretch, true: Stretch, tolerance: float, gap: float) -> Iterator[Guess]:
    """Guesses that need the ordinals to be right."""
    size = listed.offsets.size
    here = true.part(true.start, true.start + size)
    heights, true_heights = relative(listed, here)
    width = 4 * (allowed(listed, tolerance) + allowed(here, 0.0)) + np.spacing(true_heights)
    constant = _median_if_close(heights - true_heights, width)
    if constant is not None:
        yield _added(constant, listed)
    errors = np.abs(heights - true_heights)
    if np.mean(errors <= _CLOSE * gap) >= _MOST:
        typical = f"{float(np.median(errors)):.1g}"
        what = f"zeros that are off by about {typical}"
        yield Guess(Kind.INEXACT, what, "use a more exact table")
    numbers = listed.ordinates()
    counts = here.residuals() + np.arange(here.start, here.stop)
    if _median_if_close(numbers - counts, _CLOSE) is not None:
        what = "unfolded heights, N̄(γ), with mean spacing 1"
        yield Guess(Kind.WRONG_UNITS, what, "give the heights themselves")
    if np.median(np.abs(numbers - np.diff(true.offsets))) < _CLOSE * gap:
        yield Guess(Kind.WRONG_UNITS, "spacings of zeros", "give the heights themselves")


def _median_if_close(
    values: NDArray[np.float64], width: NDArray[np.float64] | float
) -> float | None:
    """Their median, where most lie close to it."""
    median = float(np.median(values))
    with np.errstate(invalid="ignore"):
        return median if np.mean(np.abs(values - median) <= width) >= _MOST else None


def _added(constant: float, listed: Stretch) -> Guess:
    """A constant, or a base that was forgotten."""
    size = f"{round(abs(constant), 9):.15g}"
    if constant < -max(_BASE, float(np.abs(listed.ordinates()).max())):
        return Guess(
            Kind.CONSTANT_ADDED,
            f"heights less {size}: a base is forgotten",
            f"add {size} to each, or keep the header that gives the base",
        )
    added, remedy = ("plus", "subtract") if constant > 0 else ("less", "add")
    what = f"heights {added} {size}"
    return Guess(Kind.CONSTANT_ADDED, what, f"{remedy} {size}")


def _elsewhere(listed: Stretch, gap: float, truth: Truth) -> Guess | None:
    """Units in which most numbers are zeros, of whichever ordinals."""
    for name, height, advice in _UNITS:
        with np.errstate(over="ignore", invalid="ignore"):
            heights = height(listed.ordinates())
        found = zeros_at(Stretch(listed.start, 0.0, heights), _CLOSE * gap, truth)
        if np.mean(found > 0) >= _MOST and (np.diff(found[found > 0]) > 0).all():
            return Guess(Kind.WRONG_UNITS, name, advice)
    return None
