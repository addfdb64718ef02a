"""What every strategy is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from zeta_exp.batch import Batch, Line
from zeta_exp.losses import WeightedLoss
from zeta_exp.models import Model
from zeta_exp.ranks import Ranks
from zeta_exp.split import Split


@dataclass(frozen=True)
class Step:
    """One update: the portions of the line whose loss it follows."""

    nodes: int  # owned ordinals, of all processes
    portions: int  # forward passes of this process, one at least
    batches: Callable[[int], Iterator[Batch]]  # the portions from a given one on, as often as asked
    layout: str  # how it is cut: a gradient half done goes on with the same layout only
    idle: bool = False  # this process owns nothing: its one portion is another's and counts nothing
    key: int | None = None  # equal keys: the same portions again


@dataclass(frozen=True)
class Portion:
    """The largest forward pass of a strategy and what waits for it, for the memory estimate."""

    nodes: int  # halos and padding included
    batches: int  # alive at once: at work, waiting and being made
    one_run: bool  # its features are a slice of a table, not a copy
    passes: int = 1  # portions of a step, of one process


class Visits(ABC):
    """The steps of a run, epoch by epoch: a function of seed and epoch alone."""

    updates_per_epoch: int

    @abstractmethod
    def epoch(self, index: int, skip: int = 0) -> Iterator[Step]:
        """The steps of epoch `index` (from 0) in order, without the first `skip`."""


class Strategy(ABC):
    """How the training range is cut into steps, one update of the optimiser each."""

    name: str
    in_blocks_same: str = ""  # what smaller blocks do not change

    @abstractmethod
    def check(self, split: Split, loss: WeightedLoss, model: Model) -> None:
        """Raises `UserError` for a loss or size that this strategy can't serve."""

    def notes(self, split: Split, loss: WeightedLoss, model: Model) -> list[str]:
        """What sets this strategy's loss apart from the loss of the whole line."""
        return []

    @abstractmethod
    def portion(self, split: Split, loss: WeightedLoss, model: Model, device_type: str) -> Portion:
        """What a forward pass in training holds."""

    def partition_bytes(self, split: Split, offsets: tuple[int, ...]) -> int:
        """Bytes of what says which ordinals belong together."""
        return 0

    @abstractmethod
    def in_blocks(self, size: int | None) -> "Strategy":
        """What does the same in blocks of `size` ordinals (None: of its own choice), in less."""

    @abstractmethod
    def open(
        self, line: Line, split: Split, loss: WeightedLoss, model: Model, ranks: Ranks
    ) -> Visits:
        """The steps of a run on the training range of `split`."""
