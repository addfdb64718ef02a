"""Maximum mean discrepancy between the predicted spacings and the GUE."""

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.losses.spacing import WHOLE_LINE_SPACINGS, Spacing
from zeta_exp.models import Model
from zeta_exp.theory.gue import gauss_hermite_frequencies, surmise_characteristic


class GueMaximumMeanDiscrepancy:
    """MMD² = ∫ |φ_N(ω) − φ(ω)|² dN(0, 3²)(ω), φ_N(ω) = mean exp(iωs), φ of the Wigner surmise.

    The Gaussian kernel's MMD² (Gretton et al. 2012) in Fourier form: O(N), deterministic, and a
    function of 2·32 sums.  For a sample of the law itself its mean is (1 − ∫|φ|²)/N.
    Statistics: [Σ cos ωs (32), Σ sin ωs (32), count].
    """

    name = "gue_mmd"
    margin = 1
    view_nodes = 0.0
    value_is_mean = False

    def __init__(self, spacing: Spacing) -> None:
        self._spacing = spacing
        self.needs_whole_line = WHOLE_LINE_SPACINGS.get(spacing, "")
        frequencies, weights = gauss_hermite_frequencies()
        reference = surmise_characteristic(frequencies)
        self._frequencies = torch.from_numpy(frequencies)  # (32,) float64
        self._weights = torch.from_numpy(weights)
        self._reference = torch.from_numpy(reference)  # complex128

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """[Σ cos ωs, Σ sin ωs, count], (65,) float64."""
        s, counted = self._spacing(batch, output)
        s = s[counted]
        phase = s[:, None] * self._frequencies.to(s)
        sums = torch.cat([phase.cos().sum(0), phase.sin().sum(0)]).double()
        return torch.cat([sums, counted.sum().double()[None]])

    def count(self, total: Tensor) -> Tensor:
        """The number of owned spacings."""
        return total[-1]

    def value(self, total: Tensor) -> Tensor:
        """Σ_j w_j |φ_N(ω_j) − φ(ω_j)|²."""
        real, imaginary = (total[:-1] / total[-1]).chunk(2)
        reference = self._reference.to(total.device)
        weights = self._weights.to(total.device)
        distance = (real - reference.real).square() + (imaginary - reference.imag).square()
        return (weights * distance).sum()
