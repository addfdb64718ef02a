"""Mean squared error."""

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.models import Model


class MeanSquaredError:
    """Mean of (output − target)² over the owned ordinals; for residuals in squared mean spacings.

    Statistics: [Σ e², count].
    """

    name = "mse"
    margin = 0
    needs_whole_line = ""
    view_nodes = 0.0
    value_is_mean = True

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """[Σ e², count], float64."""
        error = (output - batch.target).double() * batch.owned
        return torch.stack([error.square().sum(), batch.owned.sum().double()])

    def count(self, total: Tensor) -> Tensor:
        """The number of owned ordinals."""
        return total[1]

    def value(self, total: Tensor) -> Tensor:
        """Σ e² / count."""
        return total[0] / total[1]
