"""Sums of consecutive spacings of predictions, in the two unfoldings."""

from typing import Protocol

from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.errors import UserError
from zeta_exp.target import OrdinateTarget


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


SPACINGS: dict[str, Spacing] = {"smooth": smooth_spacing, "mean": mean_spacing}
WHOLE_LINE_SPACINGS: dict[Spacing, str] = {
    mean_spacing: "divides by the mean gap of the whole line, which no cluster sees; "
    "use loss.spacing=smooth"
}
