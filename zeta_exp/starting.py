"""Floor 4: where training begins, for models that know from the zeros."""

from functools import reduce
from operator import add

from zeta_exp.batch import Line
from zeta_exp.graph.blocks import contiguous
from zeta_exp.models import Model
from zeta_exp.ranks import Ranks
from zeta_exp.split import Split
from zeta_exp.theory.least_squares import NormalEquations

ORDINALS = 200_000  # the last training ordinals that a closed form sees
BLOCK = 1024  # ordinals whose columns are held at once


def start_from_closed_forms(model: Model, line: Line, split: Split, ranks: Ranks) -> None:
    """Sets the model's parameters where its closed forms say, if it has any.

    Their problems are sums over blocks of training ordinals, so nothing grows with N.  The first
    process solves them, and all begin with its parameters.
    """
    if not model.closed_start:
        return
    if ranks.first:
        model.start_at(_problems(model, line, split))
    if not ranks.alone:
        state = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
        model.load_state_dict(ranks.agree(state))


def _problems(model: Model, line: Line, split: Split) -> list[NormalEquations]:
    """The model's problems, summed over the last training ordinals."""
    start, stop = split.train
    blocks = contiguous(max(start, stop - ORDINALS), stop, BLOCK, model.receptive_field)
    by_block = (model.start_problems(line.runs([block], split.train)) for block in blocks)
    return list(reduce(lambda one, other: list(map(add, one, other)), by_block))
