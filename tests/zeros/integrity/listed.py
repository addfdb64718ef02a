"""Tables in memory, the faults of which are known."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from zeta_exp.zeros import engine
from zeta_exp.zeros.integrity import verify
from zeta_exp.zeros.stretch import COARSE_FROM, Stretch

SIZE = 3000
STARTS = (1, 1_000_000, 1_000_000_000)
HIGH = 10**11
REMEDY = "delete it and run the same `zeta zeros generate` or `convert`"  # for shards
few = settings(max_examples=6)  # of each fault: one costs 10 to 50 ms
starts = st.sampled_from(STARTS)
deeply = st.booleans()
chunks = st.sampled_from([50, 700, 5000])
inner = st.integers(1, SIZE - 20)  # places that are not the first


@dataclass
class ListedZeros:
    """A table in memory."""

    start: int
    parts: list[Stretch]
    tolerance: float = 0.0
    path: str = "zeros.txt"
    format: str = "text"
    read: list[int] = field(default_factory=list)

    def stretches(self):
        for part in self.parts:
            self.read.append(part.start)
            yield part

    def place(self, n):
        return f"line {n - self.start + 1}"

    def provenance(self):
        return {"format": self.format}


@cache
def true_zeros(start, count=SIZE):
    """(base, offsets), with base 0 as tables have it below 10^10."""
    blocks = list(engine.stream(start, count))
    base = blocks[0].base if start >= COARSE_FROM else 0.0
    return base, np.concatenate([(block.base - base) + block.offsets for block in blocks])


def table(start, offsets, base=0.0, chunk=700, tolerance=0.0):
    pieces = range(0, len(offsets), chunk)
    parts = [Stretch(start + k, base, np.array(offsets[k : k + chunk])) for k in pieces]
    return ListedZeros(start, parts, tolerance)


def the_fault(listed, **options):
    (fault,) = verify(listed, **options).faults
    return fault


def check(fault, kind, start, index, n=None):
    """The fault has a kind, is at an entry, and concerns the ordinal that belongs there."""
    assert fault.kind == kind
    assert fault.ordinal == (start + index if n is None else n)
    assert fault.place == f"line {index + 1}"
    assert fault.place in str(fault)


def shown(ordinate):
    """The digits of an ordinate that its rounding to float64 leaves alone at any height."""
    return f"{ordinate:.9f}"[:-5]
