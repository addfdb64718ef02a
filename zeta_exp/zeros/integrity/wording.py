"""The sentence that tells a fault: what, where, and what to do."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from zeta_exp.zeros.formats.protocol import ZeroTable
from zeta_exp.zeros.integrity.finding import Finding, Kind
from zeta_exp.zeros.integrity.truth import Truth
from zeta_exp.zeros.integrity.units import Guess
from zeta_exp.zeros.stretch import Stretch


@dataclass(frozen=True)
class Scene:
    """Where a table departs from the true zeros."""

    table: ZeroTable
    listed: Stretch  # (W,) the entries from there on
    ordinals: NDArray[np.int64]  # (W,) the zeros that they are, 0 for none
    n: int  # the ordinal expected there
    truth: Truth

    def place(self, index: int) -> str:
        """Where the entry is."""
        return self.table.place(self.listed.start + index)

    def holds(self, index: int = 0) -> str:
        """Where the entry is and its height."""
        return f"{self.place(index)} holds {_height(self.listed, index)}"

    @property
    def expected(self) -> str:
        """The zero that should be there."""
        return f"ordinal {self.n} is at {self.height}"

    @property
    def height(self) -> str:
        """The true height of the ordinal expected."""
        return _height(self.truth.window(self.n, self.n + 1), 0)


def _height(zeros: Stretch, index: int) -> str:
    """γ with nine decimals, from base and offset."""
    offset = float(zeros.offsets[index])
    return f"{Decimal(zeros.base) + Decimal(offset):.9f}" if np.isfinite(offset) else str(offset)


def describe(found: Finding, guess: Guess | None, scene: Scene) -> str:
    """The sentence."""
    if guess is not None:
        return (
            f"{guess.kind}: from {scene.place(0)} on the table holds {guess.what} "
            f"({scene.holds()}, but {scene.expected}): {guess.advice}"
        )
    return _SENTENCES[found.kind](found, scene)


def _missing(found: Finding, scene: Scene) -> str:
    many = f"{found.count} zeros from ordinal" if found.count > 1 else "ordinal"
    return (
        f"{many} {scene.n}, at {scene.height}, missing: {scene.holds(found.listed)}, which is "
        f"ordinal {scene.n + found.true}: insert what is missing"
    )


def _extra(found: Finding, scene: Scene) -> str:
    many = f"{found.count} extra zeros" if found.count > 1 else "extra zero"
    remedy = (
        "delete it" if found.listed == 1 else f"delete what is before {scene.place(found.listed)}"
    )
    return f"{many}: {scene.holds()}, but {scene.expected}: {remedy}"


def _doubled(found: Finding, scene: Scene) -> str:
    first = int(scene.ordinals[0])
    if found.count == 1:
        return f"doubled zero: {scene.holds()}, ordinal {first} again: delete it"
    return (
        f"{found.count} doubled zeros: from {scene.place(0)} on the table repeats ordinals {first} "
        f"to {first + found.count - 1}: delete these {found.count} entries"
    )


def _swapped(found: Finding, scene: Scene) -> str:
    here = int(scene.ordinals[0])
    if found.count > 2:
        return (
            f"{found.count} swapped zeros: {scene.holds()}, which is ordinal {here}, but "
            f"{scene.expected}: sort by height up to {scene.place(found.listed - 1)}"
        )
    return (
        f"swapped zeros: {scene.holds()}, which is ordinal {here}, and "
        f"{scene.place(found.listed - 1)} ordinal {scene.n}: exchange them"
    )


def _descending(found: Finding, scene: Scene) -> str:
    return f"descending zeros: from {scene.place(0)} on the heights descend: sort them by height"


def _perturbed(found: Finding, scene: Scene) -> str:
    many = f"{found.count} perturbed zeros" if found.count > 1 else "perturbed zero"
    remedy = "correct them" if found.count > 1 else "correct it"
    other = int(scene.ordinals[0])
    which = f", which is ordinal {other}" if other else ""
    return f"{many}: {scene.holds()}{which}, but {scene.expected}: {remedy}"


def _not_a_number(found: Finding, scene: Scene) -> str:
    remedy = "correct" if found.true else "delete"
    if found.count > 1:
        return (
            f"{found.count} entries that are not a number: from {scene.place(0)} on "
            f"({scene.holds()}, but {scene.expected}): {remedy} them"
        )
    return f"not a number: {scene.holds()}, but {scene.expected}: {remedy} it"


def _wrong_start(found: Finding, scene: Scene) -> str:
    first = scene.n + found.true
    remedy = f"read the table with --start {first} (zeros.start={first} in a run)"
    if scene.table.format == "shards":
        remedy = "its manifest is wrong, make it again"
    return (
        f"wrong start: {scene.holds()} where ordinal {scene.n} should be, and runs on from ordinal "
        f"{first}: {remedy}"
    )


def _no_zeros(found: Finding, scene: Scene) -> str:
    return (
        f"no zeros of ζ: none of the {found.count} entries from {scene.place(0)} on is one "
        f"({scene.holds()}, but {scene.expected}): check what the table holds, and its format"
    )


_SENTENCES: dict[Kind, Callable[[Finding, Scene], str]] = {
    Kind.MISSING: _missing,
    Kind.EXTRA: _extra,
    Kind.DOUBLED: _doubled,
    Kind.SWAPPED: _swapped,
    Kind.DESCENDING: _descending,
    Kind.PERTURBED: _perturbed,
    Kind.NOT_A_NUMBER: _not_a_number,
    Kind.WRONG_START: _wrong_start,
    Kind.NO_ZEROS: _no_zeros,
}
