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

_Words = tuple[str, str]  # what is wrong, what to do
_HOW = "delete it and run the same `zeta zeros generate` or `convert`"  # with shards
_DECIMALS = range(9, 25)  # that a height is shown with: the fewest that show a difference


@dataclass(frozen=True)
class Scene:
    """Where a table departs from the true zeros."""

    table: ZeroTable
    listed: Stretch  # (W,) the entries from there on
    ordinals: NDArray[np.int64]  # (W,) the zeros that they are, 0 for none
    n: int  # the ordinal expected there
    truth: Truth
    start_option: Callable[[int], str]  # how a user gives the ordinal of the first zero

    def place(self, index: int) -> str:
        """Where the entry is."""
        return self.table.place(self.listed.start + index)

    def holds(self, index: int = 0) -> str:
        """Where the entry is and its height."""
        return f"{self.place(index)} holds {_told_apart(_height(self.listed, index), self._true)}"

    @property
    def expected(self) -> str:
        """The zero that should be there, with the decimals that tell it from the first entry."""
        return f"ordinal {self.n} is at {_told_apart(self._true, _height(self.listed, 0))}"

    @property
    def height(self) -> str:
        """The true height of the ordinal expected."""
        return _shown(self._true, _DECIMALS[0])

    @property
    def _true(self) -> Decimal:
        return _height(self.truth.window(self.n, self.n + 1), 0)


def _height(zeros: Stretch, index: int) -> Decimal:
    """γ, all its digits, from base and offset."""
    return Decimal(zeros.base) + Decimal(float(zeros.offsets[index]))


def _told_apart(height: Decimal, other: Decimal) -> str:
    """A height with the fewest decimals that show that it is not the other one."""
    pairs = ((_shown(height, decimals), _shown(other, decimals)) for decimals in _DECIMALS)
    return next((own for own, others in pairs if own != others), _shown(height, _DECIMALS[0]))


def _shown(height: Decimal, decimals: int) -> str:
    return f"{height:.{decimals}f}" if height.is_finite() else str(float(height))


def describe(found: Finding, guess: Guess | None, scene: Scene) -> str:
    """The sentence: what is wrong, and what to do."""
    if guess is None:
        fault, remedy = _SENTENCES[found.kind](found, scene)
    else:
        fault, remedy = (
            (
                f"{guess.kind}: from {scene.place(0)} on the table holds {guess.what} "
                f"({scene.holds()}, but {scene.expected})"
            ),
            guess.advice,
        )
    if scene.table.format == "shards":
        remedy = f"make that shard again ({_HOW})"
    return f"{fault}: {remedy}"


def advised(sentence: str) -> str:
    """What is wrong with the file of a shard, and how it is made again."""
    return f"{sentence} (to make the shard again: {_HOW})"


def _missing(found: Finding, scene: Scene) -> _Words:
    many = f"{found.count} zeros from ordinal" if found.count > 1 else "ordinal"
    fault = (
        f"{many} {scene.n}, at {scene.height}, missing: {scene.holds(found.listed)}, which is "
        f"ordinal {scene.n + found.true}"
    )
    return fault, "insert what is missing"


def _extra(found: Finding, scene: Scene) -> _Words:
    many = f"{found.count} extra zeros" if found.count > 1 else "extra zero"
    remedy = (
        "delete it" if found.listed == 1 else f"delete what is before {scene.place(found.listed)}"
    )
    return f"{many}: {scene.holds()}, but {scene.expected}", remedy


def _doubled(found: Finding, scene: Scene) -> _Words:
    first = int(scene.ordinals[0])
    if found.count == 1:
        return f"doubled zero: {scene.holds()}, ordinal {first} again", "delete it"
    fault = (
        f"{found.count} doubled zeros: from {scene.place(0)} on the table repeats ordinals {first} "
        f"to {first + found.count - 1}"
    )
    return fault, f"delete these {found.count} entries"


def _swapped(found: Finding, scene: Scene) -> _Words:
    here, last = int(scene.ordinals[0]), scene.place(found.listed - 1)
    if found.count > 2:
        fault = (
            f"{found.count} swapped zeros: {scene.holds()}, which is ordinal {here}, but "
            f"{scene.expected}"
        )
        return fault, f"sort by height up to {last}"
    fault = f"swapped zeros: {scene.holds()}, which is ordinal {here}, and {last} ordinal {scene.n}"
    return fault, "exchange them"


def _descending(found: Finding, scene: Scene) -> _Words:
    fault = f"descending zeros: from {scene.place(0)} on the heights descend"
    return fault, "sort them by height"


def _perturbed(found: Finding, scene: Scene) -> _Words:
    many = f"{found.count} perturbed zeros" if found.count > 1 else "perturbed zero"
    remedy = "correct them" if found.count > 1 else "correct it"
    other = int(scene.ordinals[0])
    which = f", which is ordinal {other}" if other else ""
    return f"{many}: {scene.holds()}{which}, but {scene.expected}", remedy


def _not_a_number(found: Finding, scene: Scene) -> _Words:
    remedy = "correct" if found.true else "delete"
    if found.count > 1:
        fault = (
            f"{found.count} entries that are not a number: from {scene.place(0)} on "
            f"({scene.holds()}, but {scene.expected})"
        )
        return fault, f"{remedy} them"
    return f"not a number: {scene.holds()}, but {scene.expected}", f"{remedy} it"


def _wrong_start(found: Finding, scene: Scene) -> _Words:
    first = scene.n + found.true
    cause = ""
    if scene.table.format == "shards":
        cause = " (zeros were lost, or its manifest is wrong)"
    fault = (
        f"wrong start: {scene.holds()} where ordinal {scene.n} should be, and runs on from ordinal "
        f"{first}{cause}"
    )
    return fault, f"read the table with {scene.start_option(first)}"


def _no_zeros(found: Finding, scene: Scene) -> _Words:
    fault = (
        f"no zeros of ζ: none of the {found.count} entries from {scene.place(0)} on is one "
        f"({scene.holds()}, but {scene.expected})"
    )
    return fault, "check what the table holds, and its format"


_SENTENCES: dict[Kind, Callable[[Finding, Scene], _Words]] = {
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
