"""Models with outputs that a test gives, and what a term makes of them."""

from functools import lru_cache

import torch

from tests.conftest import make_line
from zeta_exp.graph import Block
from zeta_exp.models.base import Model


class Fixed(Model):
    """Outputs a given function of the ordinal, whatever the features."""

    def __init__(self, function):
        super().__init__()
        self._function = function

    def forward(self, batch):
        return self._function(batch.ordinals)


def lookup(values, start=1):
    """Outputs the values at the ordinals from `start` on, and the nearest beyond them."""
    values = torch.as_tensor(values)
    return Fixed(lambda n: values[(n - start).clamp(0, len(values) - 1)])


@lru_cache(maxsize=1)
def _alone(count):
    """The ordinals 1 … count and nothing beyond."""
    return make_line(count=count, max_prime=2).runs([Block(1, count + 1, 1, count + 1)])


def measured(term, residual):
    """The value of a term on a line of residuals that begins at ordinal 1, no window beyond it."""
    batch = _alone(len(residual))
    return float(term.value(term.statistics(batch, lookup(residual)(batch), None)))
