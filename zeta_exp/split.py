"""Which ordinals are for training, validation and extrapolation."""

from dataclasses import dataclass

from zeta_exp.errors import UserError

MINIMUM_N = 100
HEADLINE = 100  # ordinals of the headline extrapolation window


@dataclass(frozen=True)
class Split:
    """Half-open ranges of ordinals: 90% training, 10% validation, then the unseen line.

    [start, start+N) is the range a run may see: zeros beyond it are opened after training only,
    except for the logged (never used) extrapolation error.
    """

    start: int  # first ordinal, 1 is the lowest zero
    N: int  # zeros seen in training and validation

    def __post_init__(self) -> None:
        if self.N < MINIMUM_N:
            raise UserError(f"N={self.N} is too few zeros to train on: use N={MINIMUM_N} or more")
        if self.start < 1:
            raise UserError(f"start={self.start} is no ordinal: zeros are counted from start=1")

    @property
    def train(self) -> tuple[int, int]:
        """The first 90% of [start, start+N)."""
        return self.start, self.start + self.N * 9 // 10

    @property
    def validation(self) -> tuple[int, int]:
        """The last 10% of [start, start+N)."""
        return self.train[1], self.start + self.N

    @property
    def next_tenth(self) -> tuple[int, int]:
        """The N/10 ordinals beyond the range: the window that decides."""
        stop = self.start + self.N
        return stop, stop + self.N // 10

    @property
    def next_hundred(self) -> tuple[int, int]:
        """The 100 ordinals beyond the range: the headline window."""
        stop = self.start + self.N
        return stop, stop + HEADLINE

    @property
    def extrapolation(self) -> tuple[int, int]:
        """The longer of the two windows beyond the range."""
        return self.next_tenth[0], max(self.next_tenth[1], self.next_hundred[1])
