"""Team 1: the whole training range in one step."""

from zeta_exp.batch import Line
from zeta_exp.errors import UserError
from zeta_exp.losses import WeightedLoss
from zeta_exp.models import Model
from zeta_exp.ranks import Ranks
from zeta_exp.split import Split
from zeta_exp.strategies.base import Visits
from zeta_exp.strategies.streamed import Streamed


class FullBatch(Streamed):
    """`Streamed` with one block: every loss is the loss of the whole line, in one pass."""

    name = "fullbatch"

    def __init__(self) -> None:
        super().__init__(block_size=None, steps_per_epoch=1, seed=0)

    def block_size(self, split: Split, model: Model, device_type: str) -> int:
        """The training range."""
        return split.train[1] - split.train[0]

    def check(self, split: Split, loss: WeightedLoss, model: Model) -> None:
        """Serves every loss and model."""

    def open(
        self, line: Line, split: Split, loss: WeightedLoss, model: Model, ranks: Ranks
    ) -> Visits:
        """One step of one block, which one process works on."""
        if not ranks.alone:
            raise UserError(
                f"strategy={self.name} is one block, and torchrun has started {ranks.world} "
                "processes: use strategy=streamed (the same gradient) or one process"
            )
        return super().open(line, split, loss, model, ranks)
