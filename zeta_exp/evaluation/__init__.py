"""Floor 5: how far off a prediction is, and what it must be compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

from zeta_exp.errors import UserError
from zeta_exp.evaluation.transfer import MOST
from zeta_exp.split import Split
from zeta_exp.target import make_target
from zeta_exp.zeros import engine


@dataclass(frozen=True)
class Evaluation:
    """What the measures of a run may vary."""

    max_prime: int  # largest prime of the explicit formula and of the prime-tail scale
    transfer: Sequence[int] = ()  # first ordinals where the trained model is evaluated too

    def check(self, split: Split, target: str) -> None:
        """Raises `UserError` where `transfer` names what can't be measured, or was trained on."""
        count = transfer_count(split)
        for start in self.transfer:
            try:
                engine.validate(start, count)
                make_target(target, Split(start, split.N))  # it may have no digits left up there
            except UserError as error:
                raise UserError(f"evaluation.transfer: {error}") from None
            if start < split.train[1] and split.train[0] < start + count:
                raise UserError(
                    f"evaluation.transfer: the {count} ordinals from {start} on meet those that "
                    f"are trained on, {split.train[0]} to {split.train[1] - 1}: give others"
                )


def transfer_count(split: Split) -> int:
    """Ordinals at each other height: as many as beyond the range, within reason."""
    start, stop = split.extrapolation
    return min(stop - start, MOST)
