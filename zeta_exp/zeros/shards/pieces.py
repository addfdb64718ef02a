"""What a table of shards is filled with: consecutive zeros, their residuals and how they passed."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zeta_exp import __version__
from zeta_exp.zeros import engine
from zeta_exp.zeros.stretch import Stretch

if TYPE_CHECKING:
    from zeta_exp.zeros.formats import ZeroTable


@dataclass(frozen=True)
class Piece:
    """Consecutive zeros on their way into a shard."""

    zeros: Stretch
    residuals: NDArray[np.float64]  # (Z,) δ_n in mean spacings
    turing: float  # |∫S| over the engine's block in units of Trudgian's bound; nan where not known

    def part(self, start: int, stop: int) -> "Piece":
        """The zeros of the ordinals [start, stop), which must be in the piece."""
        inside = slice(start - self.zeros.start, stop - self.zeros.start)
        return Piece(self.zeros.part(start, stop), self.residuals[inside], self.turing)


@dataclass(frozen=True)
class Supply:
    """Where a table's zeros come from."""

    source: Mapping[str, Any]  # what the bits of the zeros depend on, for the manifest
    pieces: Callable[
        [int, int], Generator[Piece, None, None]
    ]  # of the ordinals [start, stop), in order


def computed(workers: int = 1) -> Supply:
    """Zeros from the engine, by so many workers."""

    def pieces(start: int, stop: int) -> Generator[Piece, None, None]:
        for block in engine.stream(start, stop - start, workers):
            yield Piece(block.stretch, block.residuals, block.turing)

    source = {"name": "computed", "zeta_exp": __version__, **engine.parameters()}
    return Supply(source, pieces)


def listed(table: "ZeroTable") -> Supply:
    """The zeros of another table, as it has them, no more exact than they are there."""

    def pieces(start: int, stop: int) -> Generator[Piece, None, None]:
        for stretch in table.stretches():
            if stretch.start >= stop:
                return
            first, last = max(start, stretch.start), min(stop, stretch.stop)
            if first < last:
                zeros = stretch.part(first, last)
                yield Piece(zeros, zeros.residuals(), float("nan"))

    digest = table.provenance()["sha256"]
    source: dict[str, Any] = {"name": "table", "format": table.format, "sha256": digest}
    if table.tolerance:
        source["tolerance"] = table.tolerance
    return Supply(source, pieces)
