"""Floor 1: the zeros of ζ(½ + it) and where they come from."""

from zeta_exp.zeros.engine import MAX_ORDINAL, ZeroBlock, block, generate
from zeta_exp.zeros.source import ComputedZeros, ShuffledZeros, ZeroSource
from zeta_exp.zeros.stretch import Stretch
from zeta_exp.zeros.surrogate import CueZeros, PoissonZeros
from zeta_exp.zeros.table import TableZeros

__all__ = [
    "MAX_ORDINAL",
    "ComputedZeros",
    "CueZeros",
    "PoissonZeros",
    "ShuffledZeros",
    "Stretch",
    "TableZeros",
    "ZeroBlock",
    "ZeroSource",
    "block",
    "generate",
]
