"""Mean squared error."""

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.losses.base import MeanTerm
from zeta_exp.models import Model


class MeanSquaredError(MeanTerm):
    """Mean of (output − target)² over the owned ordinals; for residuals in squared mean spacings.

    Statistics: [Σ e², count].
    """

    name = "mse"

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """[Σ e², count], float64."""
        error = (output - batch.target).double() * batch.owned
        return torch.stack([error.square().sum(), batch.owned.sum().double()])
