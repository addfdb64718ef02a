"""Sums of phases over many spacings, in bounded memory."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

PIECE = 1 << 14  # spacings at once: 2 MiB of float32 phases at 32 frequencies


class _PhaseSums(torch.autograd.Function):
    """Keeps the spacings only and computes the phases once more in the backward pass."""

    @staticmethod
    def forward(context: Any, s: Tensor, omega: Tensor) -> Tensor:
        context.save_for_backward(s, omega)
        sums = torch.zeros(2 * len(omega), dtype=torch.float64, device=s.device)
        for piece in s.split(PIECE):
            phase = torch.outer(omega, piece)
            parts = [phase.cos().sum(1), phase.sin_().sum(1)]
            sums += torch.cat(parts)
        return sums

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """∂/∂s = Σ_j ω_j·(g_sin,j cos ω_j s − g_cos,j sin ω_j s)."""
        s, omega = context.saved_tensors
        of_cos, of_sin = (omega * gradient.to(s).view(2, -1)).unbind()
        slopes = torch.empty_like(s)
        for piece, slope in zip(s.split(PIECE), slopes.split(PIECE), strict=True):
            phase = torch.outer(omega, piece)
            slope.copy_(of_sin @ phase.cos() - of_cos @ phase.sin_())
        return slopes, None


def phase_sums(s: Tensor, omega: Tensor) -> Tensor:
    """[Σ_n cos ω_j s_n, Σ_n sin ω_j s_n], (2K,) float64; s (S,), omega (K,).

    Phases in the precision of s; memory for `PIECE` spacings at a time, whatever S.
    """
    sums: Tensor = _PhaseSums.apply(s, omega.to(s))
    return sums
