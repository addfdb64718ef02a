"""Decimal numbers as base + offset and back, each rounded once."""

import math
import re
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from zeta_exp.zeros.stretch import Stretch

PATTERN = re.compile(rb"\+?\d{1,30}(\.\d{0,4000})?([eE][+-]?\d{1,2})?")  # a finite float64
_PLAIN = b"0123456789. \t\r\n"
_EXACT = Context(prec=2200)  # digits enough for the sum of any two float64


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


def printed(stretch: Stretch, base: int = 0) -> list[str]:
    """γ − base of each zero, with as many digits as give back the same offset from its own base.

    A float64 is printed as the shortest decimal that rounds to it; a sum of two is exact.
    """
    if stretch.base == base:
        return [_positional(offset) for offset in stretch.offsets.tolist()]
    shift = _EXACT.subtract(Decimal(stretch.base), Decimal(base))
    add = _EXACT.add
    return [format(add(shift, Decimal(repr(x))), "f") for x in stretch.offsets.tolist()]


def _positional(value: float) -> str:
    """The shortest decimal of a float64, without exponent."""
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text
