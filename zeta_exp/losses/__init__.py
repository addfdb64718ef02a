"""Floor 3: losses as sums that can be carried: value(Σ_blocks statistics(block))."""

from zeta_exp.losses.base import LossTerm
from zeta_exp.losses.weighted import WeightedLoss, make_loss

__all__ = ["LossTerm", "WeightedLoss", "make_loss"]
