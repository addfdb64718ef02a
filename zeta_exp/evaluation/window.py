"""A trained model on a window of ordinals, always with its full receptive field."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from zeta_exp.batch import Batch, Line
from zeta_exp.graph.blocks import contiguous
from zeta_exp.losses import WeightedLoss
from zeta_exp.losses.weighted import Statistics, add_statistics
from zeta_exp.models import Model

BLOCK = 8192  # ordinals of a forward pass
KEPT = 2**17  # ordinals whose batches are kept for the next evaluation


class Window:
    """The ordinals [start, stop), cut into exact blocks."""

    def __init__(self, line: Line, start: int, stop: int, halo: int) -> None:
        self._line, self.start, self.stop, self._halo = line, start, stop, halo
        self._kept: list[Batch] | None = None

    def _batches(self) -> Iterator[Batch]:
        if self._kept is not None:
            yield from self._kept
            return
        scope = self.start, self.stop
        made = (self._line.runs([block], scope) for block in contiguous(*scope, BLOCK, self._halo))
        if self.stop - self.start > KEPT:
            yield from made
        else:
            self._kept = list(made)
            yield from self._kept

    @torch.no_grad()
    def predict(self, model: Model) -> NDArray[np.float64]:
        """Predicted residuals δ̂ of the window, (stop − start,) float64."""
        return self.evaluate(model, None)[0]

    @torch.no_grad()
    def evaluate(
        self, model: Model, loss: WeightedLoss | None
    ) -> tuple[NDArray[np.float64], dict[str, float]]:
        """Predicted residuals and, with a loss, every term's unweighted value.

        NaN for a term that finds nothing to measure in the window.
        """
        predictions = []
        total: Statistics | None = None
        for batch in self._batches():
            output = model(batch)
            residual = batch.line.target.residual(batch.ordinals, output)
            predictions.append(residual[batch.owned].double().cpu().numpy())
            if loss is not None:
                total = add_statistics(total, loss.statistics(batch, output, model))
        residuals = np.concatenate(predictions)
        if loss is None or total is None:
            return residuals, {}
        values = loss.values(total)
        return residuals, {name: float(values.get(name, math.nan)) for name in loss.terms}
