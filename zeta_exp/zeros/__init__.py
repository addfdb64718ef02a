"""Floor 1: the zeros of ζ(½ + it) and where they come from."""

from typing import TYPE_CHECKING, Any

from zeta_exp.zeros.engine import MAX_ORDINAL, ZeroBlock, block, generate
from zeta_exp.zeros.source import ComputedZeros, ShuffledZeros, ZeroSource
from zeta_exp.zeros.stretch import Stretch
from zeta_exp.zeros.surrogate import CueZeros, PoissonZeros

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    """TableZeros, imported when it is asked for: its formats and checks are a third of the room."""
    if name == "TableZeros":
        from zeta_exp.zeros.table import TableZeros

        return TableZeros
    raise AttributeError(f"module {__name__} has no attribute {name}")
