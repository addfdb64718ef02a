"""Floor 4: how blocks are visited and when the optimiser steps."""

from zeta_exp.strategies.base import Portion, Step, Strategy, Visits
from zeta_exp.strategies.fullbatch import FullBatch
from zeta_exp.strategies.gradient import Accumulation, ExactGradient
from zeta_exp.strategies.minibatch import MiniBatch
from zeta_exp.strategies.streamed import Streamed

__all__ = [
    "Accumulation",
    "ExactGradient",
    "FullBatch",
    "MiniBatch",
    "Portion",
    "Step",
    "Strategy",
    "Streamed",
    "Visits",
]
