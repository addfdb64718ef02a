"""The arguments that name a run and a range of ordinals, and the model's errors there."""

import argparse
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from zeta_exp.cli.parser import Parser, whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zeta_exp.trained import TrainedModel


def add_range(parser: Parser) -> None:
    """Enter RUN, --start and --count."""
    add = parser.add_argument
    add("run", metavar="RUN", help="directory of a run, local or remote")
    add("--start", type=whole, metavar="N", help="first ordinal (default: the first held back)")
    add("--count", type=whole, metavar="N", help="how many (default: all that the run held back)")


@dataclass(frozen=True)
class Errors:
    """What a run's model says of consecutive ordinals, and what is true."""

    trained: "TrainedModel"
    start: int
    predicted: "NDArray[np.float64]"  # (B,) δ̂_n
    true: "NDArray[np.float64]"  # (B,) δ_n

    @cached_property
    def max_prime(self) -> int:
        """The largest prime of the model's features; 1 where they know none."""
        return int(self.trained.config["features"].get("max_prime", 1))


def errors_of(arguments: argparse.Namespace) -> Errors:
    """The model applied to the range; by default validation and all measured beyond.

    Raises UserError for what is no run, and for ordinals that the model was trained on.
    """
    from zeta_exp.evaluation.transfer import refuse_trained
    from zeta_exp.trained import load_trained

    trained = load_trained(arguments.run)
    split = trained.split
    start = split.validation[0] if arguments.start is None else arguments.start
    count = arguments.count
    if count is None:
        count = split.extrapolation[1] - split.validation[0]
    refuse_trained(start, count, split)
    predicted = trained.residuals(start, start + count)
    return Errors(trained, start, predicted, trained.zeros().residuals(start, start + count))
