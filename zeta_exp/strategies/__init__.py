"""Floor 4: how blocks are visited and when the optimiser steps."""

from zeta_exp.strategies.base import Strategy, Visits
from zeta_exp.strategies.fullbatch import FullBatch
from zeta_exp.strategies.minibatch import MiniBatch

__all__ = ["FullBatch", "MiniBatch", "Strategy", "Visits"]
