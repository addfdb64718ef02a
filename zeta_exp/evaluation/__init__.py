"""Floor 5: how far off a prediction is, and what it must be compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

from zeta_exp.errors import UserError
from zeta_exp.split import Split


@dataclass(frozen=True)
class Evaluation:
    """What the measures of a run may vary."""

    max_prime: int  # largest prime of the explicit formula and of the prime-tail scale
    transfer: Sequence[int] = ()  # first ordinals where the trained model is evaluated too
    # folder or gs:// of the baselines' errors, None for the user's cache, False to keep nothing
    cache: str | bool | None = None

    def check(self, split: Split, target: str) -> None:
        """Raises `UserError` where `transfer` names what can't be measured, or was trained on."""
        # torch comes with it, and figures and tables, which need statistics alone, do without
        from zeta_exp.evaluation.transfer import check_transfer, transfer_count

        try:
            check_transfer(self.transfer, transfer_count(split), split, target)
        except UserError as error:
            raise UserError(f"evaluation.transfer: {error}") from None
