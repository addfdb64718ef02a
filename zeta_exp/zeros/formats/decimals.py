"""Decimal numbers as base + offset and back, each rounded once."""

import math
import re
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from zeta_exp.zeros.stretch import Stretch

PATTERN = re.compile(rb"\+?\d{1,30}(\.\d{0,4000})?([eE][+-]?\d{1,2})?")  # a finite float64
_PLAIN = b"0123456789. \t\r\n"
_EXACT = Context(prec=2200)  # digits enough for the sum of any two float64
LEAST_DECIMALS = 5  # zeros up to ordinal 10^8 come as close as 1e-4
_MOST_DECIMALS = 17  # no float64 above 1 needs more


def is_plain(content: bytes) -> bool:
    """Whether there are but digits, points and space, so that `float` reads no word as number."""
    return not content.translate(None, _PLAIN)


def nearest(numbers: list[bytes]) -> NDArray[np.float64]:
    """The float64 next to each decimal number: (Z,).  Raises ValueError for what is none."""
    return np.array([float(number) for number in numbers], dtype=np.float64)


def offsets_from(base: int, numbers: list[bytes]) -> NDArray[np.float64]:
    """number − base, taken exactly and rounded once: (Z,).

    Raises ValueError for what is no decimal number without exponent.
    """
    values = np.empty(len(numbers))
    powers: dict[int, int] = {}
    for i, number in enumerate(numbers):
        whole, _, fraction = number.strip().partition(b".")
        unit = powers.setdefault(len(fraction), 10 ** len(fraction))
        values[i] = (int(whole + fraction) - base * unit) / unit  # Python rounds it correctly
    return values


def plain(number: bytes) -> bytes:
    """A number with sign or exponent (+1.5e3) written without: 1500."""
    return format(Decimal(number.decode()), "f").encode()


def decimals(number: bytes) -> int:
    """How many decimals a number has as printed; of 1.5e-3 it is 4."""
    exponent = Decimal(number.strip().decode()).as_tuple().exponent
    return max(-int(exponent), 0)


def whole_below(stretch: Stretch) -> int:
    """The greatest integer at or below the first zero, exactly."""
    return math.floor(Fraction(stretch.base) + Fraction(float(stretch.offsets[0])))


def decimals_within(tolerance: float) -> int | None:
    """How many decimals are right of numbers that err by `tolerance`; None for 0, for all.

    A power of ten is what a text says of itself, ten units of its last decimal: 1e-8 gives 9, so
    that text copied to text loses nothing.  Any other is rounded down: 6e-9 gives 8.
    """
    if tolerance <= 0:
        return None
    magnitude = -math.log10(tolerance)
    power = round(magnitude)
    right = power + 1 if abs(magnitude - power) < 1e-9 else math.floor(magnitude)
    return min(max(right, LEAST_DECIMALS), _MOST_DECIMALS)


def printed(stretch: Stretch, base: int = 0, places: int | None = None) -> list[str]:
    """γ − base of each zero, rounded to so many decimals.

    Without `places` there are as many digits as give back the same offset from its own base: a
    float64 is printed as the shortest decimal that rounds to it; a sum of two is exact.
    """
    offsets = stretch.offsets.tolist()
    if stretch.base == base:
        show: Callable[[float], str] = _positional if places is None else f"{{:.{places}f}}".format
        return [show(offset) for offset in offsets]
    shift = _EXACT.subtract(Decimal(stretch.base), Decimal(base))
    add, form = _EXACT.add, "f" if places is None else f".{places}f"
    return [format(add(shift, Decimal(repr(x))), form) for x in offsets]


def _positional(value: float) -> str:
    """The shortest decimal of a float64, without exponent."""
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text
