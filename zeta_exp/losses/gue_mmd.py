"""Maximum mean discrepancy between the predicted spacings and the GUE."""

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.losses.base import LossTerm
from zeta_exp.losses.phase_sums import phase_sums
from zeta_exp.losses.spacing import WHOLE_LINE_SPACINGS, Spacing
from zeta_exp.models import Model
from zeta_exp.theory.gue import gauss_hermite_frequencies, surmise_characteristic


class GueMaximumMeanDiscrepancy(LossTerm):
    """MMD² = ∫ |φ_N(ω) − φ(ω)|² dN(0, 3²)(ω), φ_N(ω) = mean exp(iωs), φ of the Wigner surmise.

    The Gaussian kernel's MMD² (Gretton et al. 2012) in Fourier form: O(N), deterministic, and a
    function of 2·32 sums.  For a sample of the law itself its mean is (1 − ∫|φ|²)/N; the product
    of two independent halves' deviations, ∫ Re[(φ_A − φ)(φ_B − φ)*], has mean 0 there.
    Statistics: [Σ cos ωs (32), Σ sin ωs (32), count].
    """

    name = "gue_mmd"
    margin = 1
    value_is_mean = False

    def __init__(self, spacing: Spacing) -> None:
        self._spacing = spacing
        self.needs_whole_line = WHOLE_LINE_SPACINGS.get(spacing, "")
        self.not_additive = self.needs_whole_line
        frequencies, weights = gauss_hermite_frequencies()
        reference = surmise_characteristic(frequencies)
        self._frequencies = torch.from_numpy(frequencies)  # (32,) float64
        self._weights = torch.from_numpy(weights).tile(2)  # (64,), as [Re φ, Im φ]
        self._reference = torch.cat(
            [torch.from_numpy(reference.real), torch.from_numpy(reference.imag)]
        )  # (64,) float64

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """[Σ cos ωs, Σ sin ωs, count], (65,) float64."""
        s, counted = self._spacing(batch, output)
        sums = phase_sums(s[counted], self._frequencies)
        return torch.cat([sums, counted.sum().double()[None]])

    def count(self, total: Tensor) -> Tensor:
        """The number of owned spacings."""
        return total[-1]

    def value(self, total: Tensor) -> Tensor:
        """Σ_j w_j |φ_N(ω_j) − φ(ω_j)|²."""
        return self.value_of_halves(total, total)

    def value_of_halves(self, first: Tensor, second: Tensor) -> Tensor:
        """Σ_j w_j Re[(φ_A(ω_j) − φ(ω_j))·(φ_B(ω_j) − φ(ω_j))*], of either sign."""
        product = self._deviation(first) * self._deviation(second)
        return (self._weights.to(product.device) * product).sum()

    def _deviation(self, total: Tensor) -> Tensor:
        """[Re, Im] of φ_N(ω_j) − φ(ω_j), (64,)."""
        return total[:-1] / total[-1] - self._reference.to(total.device)
