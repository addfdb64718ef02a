"""Sums of consecutive spacings of predictions, in the two unfoldings."""

from typing import Protocol

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.errors import UserError
from zeta_exp.target import OrdinateTarget

INDEPENDENT = 16.0  # pairs of independent errors that are added to those measured


class Spacing(Protocol):
    """Sums of m consecutive unfolded spacings of a batch's outputs and which of them count."""

    def __call__(self, batch: Batch, output: Tensor, m: int = 1) -> tuple[Tensor, Tensor]:
        """Windows (…, L−m) of mean m and a bool mask of the same shape."""
        ...


def smooth_spacing(batch: Batch, output: Tensor, m: int = 1) -> tuple[Tensor, Tensor]:
    """N̄(γ̂_{n+m}) − N̄(γ̂_n) = m + δ̂_{n+m} − δ̂_n, owned by the batch that owns n."""
    residual = batch.line.target.residual(batch.ordinals, output)
    # near before far: in this order their gradients are added, to the last bit
    near, far = residual[..., :-m], residual[..., m:]
    return m + (far - near), batch.windows(m)


def mean_spacing(batch: Batch, output: Tensor, m: int = 1) -> tuple[Tensor, Tensor]:
    """s/mean(s) of the raw gaps, gaps s ≤ 0 dropped: the published scripts' unfolding.

    It ignores that the mean gap shrinks with height, forgets crossings, and its mean runs over
    the whole batch, so it is no sum over blocks: for the replica of those scripts only.  Where a
    gap is dropped its neighbours are not consecutive, so m = 1.
    """
    if m > 1:
        raise ValueError(f"no {m} gaps are consecutive where crossings are dropped")
    target = batch.line.target
    if not isinstance(target, OrdinateTarget):
        raise UserError("loss.spacing=mean divides gaps of heights: it needs target=ordinate")
    gap = target.height(output).diff(dim=-1)
    counted = batch.pairs & (gap > 0)
    mean = (gap * counted).sum() / counted.sum().clamp(min=1)
    return gap / mean.clamp(min=1e-12), counted


@torch.no_grad()
def unexplained(batch: Batch, output: Tensor, m: int) -> Tensor:
    """[Σ e², count, Σ (e_{n+m} − e_n)², pairs] of the errors e = δ − δ̂ of labelled zeros, float64.

    Errors in mean spacings, of what the batch owns; a pair belongs to the batch that owns n.  The
    sums carry no gradient: a model must not earn a prior's favour by larger errors.
    """
    read = batch.line.target.residual
    error = (read(batch.ordinals, batch.target) - read(batch.ordinals, output)).double()
    labelled = batch.labelled
    both = batch.windows(m) & batch.known[..., :-m] & batch.known[..., m:]
    change = error[..., m:] - error[..., :-m]
    return torch.stack(
        [
            (error.square() * labelled).sum(),
            labelled.sum().double(),
            (change.square() * both).sum(),
            both.sum().double(),
        ]
    )


def noise_variance(sums: Tensor) -> Tensor:
    """Variance of the error of a sum of m spacings, in squared mean spacings; sums (…, 4) to (…).

    (Σ (e_{n+m} − e_n)² + k·2·mean e²)/(pairs + k), k = 16: as measured where many pairs of labelled
    zeros are m apart, as of independent errors where there are few.  NaN without a labelled zero.
    """
    squares, count, changes, pairs = sums.detach().unbind(-1)
    return (changes + INDEPENDENT * 2 * squares / count) / (pairs + INDEPENDENT)


SPACINGS: dict[str, Spacing] = {"smooth": smooth_spacing, "mean": mean_spacing}
WHOLE_LINE_SPACINGS: dict[Spacing, str] = {
    mean_spacing: "divides by the mean gap of the whole line, which no cluster sees; "
    "use loss.spacing=smooth"
}
