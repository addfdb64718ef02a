"""The error profile: RMSE in windows spread evenly over the whole line.

The error over one window hides that a model may be good on one stretch of the line only.  The
profile covers the line from the first training ordinal to the end of the next tenth in 55 windows,
5 to a tenth of the seen range: all of it where that is short, evenly spaced samples otherwise, so
that time and memory do not grow with N.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeta_exp.labels import EVERY_ZERO, Labels
from zeta_exp.split import Split

TENTHS = 10  # of the seen range; one more lies beyond it
A_TENTH = 5  # windows of a tenth
WINDOWS = (TENTHS + 1) * A_TENTH
MOST = 2**17  # ordinals of all windows together: 2383 in each, its RMSE known to 2%
KEY, RATIO = "profile", "profile_worst_over_best"  # in result.json


def profile_windows(split: Split) -> list[tuple[int, int]]:
    """Half-open windows of ordinals, ascending: they tile the line, or sample its 55 parts.

    A sample lies in the middle of its part.  No window crosses from training to validation, nor
    from validation to the line beyond.
    """
    parts = TENTHS * A_TENTH
    edges = [split.start + split.N * part // parts for part in range(WINDOWS + 1)]
    widest = MOST // WINDOWS
    return [
        (start, stop) if stop - start <= widest else _middle(start, stop, widest)
        for start, stop in pairwise(edges)
    ]


def _middle(start: int, stop: int, count: int) -> tuple[int, int]:
    first = start + (stop - start - count) // 2
    return first, first + count


@dataclass(frozen=True)
class Profile:
    """RMSE by window along the line; the windows ascend, A_TENTH to a tenth of the seen range."""

    first: NDArray[np.int64]  # (W,) the first ordinal of each window
    last: NDArray[np.int64]  # (W,) its last ordinal
    rmse: NDArray[np.float64]  # (W,) in mean spacings; NaN where the prediction is no number

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> "Profile | None":
        """The profile in a `result.json`; None where an older version has written that."""
        found = result.get(KEY)
        if not isinstance(found, Mapping):
            return None
        first, last = (np.array(found[name], dtype=np.int64) for name in ("first", "last"))
        return cls(first, last, np.array(found["rmse"], dtype=np.float64))

    @classmethod
    def over(cls, split: Split, rmse: NDArray[np.float64]) -> "Profile":
        """The profile of errors (55,) in the windows of a split."""
        first, stop = np.array(profile_windows(split), dtype=np.int64).T
        return cls(first, stop - 1, rmse)

    @property
    def middle(self) -> NDArray[np.float64]:
        """The place of each window on the line, (W,)."""
        return (self.first + self.last) / 2

    @property
    def tenths(self) -> NDArray[np.float64]:
        """Root mean square of the windows of each tenth, (11,): ten are seen, one lies beyond."""
        return np.asarray(np.sqrt(np.mean(self.rmse.reshape(-1, A_TENTH) ** 2, axis=1)))

    @property
    def compared(self) -> NDArray[np.float64]:
        """The second to the tenth of the seen tenths, (9,): the lowest zeros differ in kind."""
        return self.tenths[1:TENTHS]

    @property
    def worst_over_best(self) -> float:
        """The largest of `compared` over the smallest, 1 for a model as good everywhere; or NaN."""
        best = self.compared.min()
        return float(self.compared.max() / best) if best > 0 else float("nan")

    def as_result(self) -> dict[str, Any]:
        """Its keys in `result.json`."""
        lists = {"first": self.first, "last": self.last, "rmse": self.rmse}
        return {
            KEY: {name: values.tolist() for name, values in lists.items()},
            RATIO: self.worst_over_best,
        }


class ProfileErrors:
    """Running sums of a profile, of predictions in pieces of any length and order."""

    def __init__(self, split: Split, labels: Labels = EVERY_ZERO) -> None:
        self._split, self._windows, self._labels = split, profile_windows(split), labels
        self.sums = np.zeros((WINDOWS, 2))  # ordinals, Σ(δ̂ − δ)²; additive over pieces

    def stretches(self, longest: int) -> list[tuple[int, int]]:
        """Ranges to evaluate: windows that touch are joined, then cut at `longest` ordinals."""
        joined: list[tuple[int, int]] = []
        for start, stop in self._windows:
            if joined and joined[-1][1] == start:
                start = joined.pop()[0]
            joined.append((start, stop))
        return [
            (low, min(low + longest, stop))
            for start, stop in joined
            for low in range(start, stop, longest)
        ]

    def add(self, first: int, prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
        """Consecutive ordinals from `first` on, (B,) each; those in no window count for none.

        Nor do training zeros without a label: the run is not to know them.
        """
        known = self._labels.between(first, first + truth.size)
        squares = np.square(prediction - truth, out=np.zeros(truth.shape), where=known)
        for place, (start, stop) in enumerate(self._windows):
            inside = slice(max(start - first, 0), max(stop - first, 0))
            self.sums[place] += known[inside].sum(), squares[inside].sum()

    @property
    def profile(self) -> Profile:
        """RMSE of each window over what was added, NaN where nothing was."""
        count, squares = self.sums.T
        with np.errstate(invalid="ignore"):
            return Profile.over(self._split, np.sqrt(squares / count))
