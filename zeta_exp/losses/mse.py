"""Mean squared error."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from zeta_exp.batch import Batch
from zeta_exp.losses.base import MeanTerm
from zeta_exp.models import Model


class MeanSquaredError(MeanTerm):
    """Mean of (output − target)² over the labelled ordinals; of residuals in squared mean spacings.

    Statistics: [Σ e², count].
    """

    name = "mse"

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """[Σ e², count], float64."""
        sums: Tensor = _SquaredErrors.apply(output, batch.target, batch.labelled)
        return sums


class _SquaredErrors(Function):
    """[Σ e², count] of e = (output − target) where labelled, as one node of autograd's graph."""

    @staticmethod
    def forward(ctx: Any, output: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
        """All (…, L); float64 sums (2,)."""
        error = (output - target).mul_(labelled)
        ctx.save_for_backward(error)
        return torch.stack([error.double().square().sum(), labelled.sum().double()])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """2e."""
        (error,) = ctx.saved_tensors
        return error * (2 * gradient[0]).to(error.dtype), None, None
