"""Maximum mean discrepancy between the predicted spacings and a random-matrix law."""

from collections.abc import Sequence

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.errors import UserError
from zeta_exp.losses.base import LossTerm
from zeta_exp.losses.phase_sums import phase_sums
from zeta_exp.losses.reference import MEASURED_BELOW, WINDOWS, Law, scaled, window_scale
from zeta_exp.losses.spacing import (
    WHOLE_LINE_SPACINGS,
    Spacing,
    noise_variance,
    unexplained,
)
from zeta_exp.models import Model
from zeta_exp.target import Residuals
from zeta_exp.theory.gue import gauss_hermite_frequencies


def check_windows(windows: Sequence[int]) -> None:
    """Refuses windows that no reference has, or one twice."""
    if not windows or not set(windows) <= set(WINDOWS) or len(set(windows)) < len(windows):
        known = ", ".join(map(str, WINDOWS))
        raise UserError(
            f"loss.gue_mmd.windows={list(windows)} is no choice of {known}: give some of these "
            "numbers of consecutive gaps, each once, as in loss.gue_mmd.windows=[1,5]"
        )


class GueMaximumMeanDiscrepancy(LossTerm):
    """mean_m ∫ |φ_N,m(ω) − φ_m(ω)|² dN(0, 3²)(ω), φ_N,m(ω) = mean exp(iωu), φ_m of the reference.

    u = 1 + (w − m)·√(v_1/v_m) over the sums w of m consecutive spacings, for each window m; u = s
    for m = 1.  The Gaussian kernel's MMD² (Gretton et al. 2012) in Fourier form: O(N),
    deterministic, and a function of 2·32 sums.  For N independent windows of the law itself its
    mean is (1 − ∫|φ|²)/N; the product of two independent halves' deviations,
    ∫ Re[(φ_A − φ)(φ_B − φ)*], has mean 0 there, whatever the correlations within a half.
    Statistics: [Σ cos ωu (32), Σ sin ωu (32), count] for each m, ascending.

    calibrated: φ_N,m(ω)·exp(−½ ω² c_m² v_m) in place of φ_N,m, c_m the scale √(v_1/v_m) above and
    v_m here the variance of the error of a sum of m spacings, estimated on labelled zeros
    (`spacing.noise_variance`) and held fixed: the law of the prediction convolved with that of what
    it leaves unexplained.  For each m four more sums.
    """

    name = "gue_mmd"
    value_is_mean = False

    def __init__(
        self, spacing: Spacing, law: Law, windows: Sequence[int] = (1,), calibrated: bool = False
    ) -> None:
        check_windows(windows)
        if calibrated and spacing in WHOLE_LINE_SPACINGS:
            raise UserError(
                "loss.gue_mmd.calibrated=true needs errors in mean spacings: use "
                "loss.spacing=smooth"
            )
        self.calibrated = calibrated
        self._spacing = spacing
        self.needs_whole_line = WHOLE_LINE_SPACINGS.get(spacing, "")
        self.not_additive = self.needs_whole_line
        if self.needs_whole_line and tuple(windows) != (1,):
            raise UserError(
                f"loss.gue_mmd.windows={list(windows)} with loss.spacing=mean: gaps ≤ 0 are "
                "dropped there, so no others are consecutive; use loss.spacing=smooth or "
                "loss.gue_mmd.windows=[1]"
            )
        self.windows = tuple(sorted(windows))
        self.margin = max(windows)
        for m in windows:
            law.check(m)
        frequencies, weights = gauss_hermite_frequencies()
        self._frequencies = torch.from_numpy(frequencies)  # (32,) float64
        self._weights = torch.from_numpy(weights).tile(2)  # (64,), as [Re φ, Im φ]
        self._law = law
        self._reference = None if law.of_zeros else self._characteristics()  # (W, 64) float64

    def needs_zeros(self, start: int) -> bool:
        """Where the reference is measured on them."""
        return self._law.of_zeros and start < MEASURED_BELOW

    def calibrate(self, residuals: Residuals, start: int, stop: int) -> None:
        """Measures the law of the training zeros [start, stop), where the reference is theirs."""
        if self._law.of_zeros:
            self._law.calibrate(residuals, start, stop)
            self._reference = self._characteristics()

    def _characteristics(self) -> Tensor:
        """[Re, Im] of φ_m(ω_j), (W, 64)."""
        omega = self._frequencies.numpy()
        found = [torch.from_numpy(self._law.characteristic(omega, m)) for m in self.windows]
        return torch.stack([torch.cat([phi.real, phi.imag]) for phi in found])

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """[Σ cos ωu, Σ sin ωu, count] for each m, (65·W,) float64."""
        return torch.cat([part for m in self.windows for part in self._sums(m, batch, output)])

    def _sums(self, m: int, batch: Batch, output: Tensor) -> tuple[Tensor, ...]:
        w, counted = self._spacing(batch, output, m)
        sums = phase_sums(scaled(w[counted], m), self._frequencies)
        noise = (unexplained(batch, output, m),) if self.calibrated else ()
        return (sums, counted.sum().double()[None], *noise)

    def count(self, total: Tensor) -> Tensor:
        """The number of owned windows of the shortest kind: there are none where this is 0.

        Calibrated it is 0 too where no zero is labelled, for the errors are unknown.
        """
        shortest = self._by_window(total)[0]
        found = shortest[len(self._weights)]
        return found * (shortest[-3] > 0) if self.calibrated else found

    def _by_window(self, total: Tensor) -> Tensor:
        """(W, 65), or (W, 69) where calibrated."""
        return total.view(len(self.windows), -1)

    def value(self, total: Tensor) -> Tensor:
        """Mean over m of Σ_j w_j |φ_N,m(ω_j) − φ_m(ω_j)|², over the m that have windows."""
        return self._product(total, total, total)

    def value_of_halves(self, first: Tensor, second: Tensor) -> Tensor:
        """Mean over m of Σ_j w_j Re[(φ_A − φ)·(φ_B − φ)*](ω_j), of either sign."""
        return self._product(first, second, first + second)

    def _product(self, first: Tensor, second: Tensor, both: Tensor) -> Tensor:
        """Mean over m of the product of two deviations; the noise is that of `both`."""
        totals = [self._by_window(total) for total in (first, second)]
        place = len(self._weights)  # of the count
        measured = (totals[0][:, place] > 0) & (totals[1][:, place] > 0)
        shrink = self._shrink(self._by_window(both)) if self.calibrated else 1.0
        one, other = (self._deviation(total, shrink, measured) for total in totals)
        return (self._weights.to(one.device) * (one * other)).sum(-1).mean()

    def _shrink(self, total: Tensor) -> Tensor:
        """exp(−½ ω_j² Var u) of the noise of each window, (W, 64)."""
        scale = total.new_tensor([window_scale(m) for m in self.windows])
        variance = noise_variance(total[:, -4:]) * scale.square()
        omega = self._frequencies.to(total.device).repeat(2)
        return torch.exp(-0.5 * variance[:, None] * omega.square())

    def _deviation(self, total: Tensor, shrink: Tensor | float, measured: Tensor) -> Tensor:
        """[Re, Im] of φ_N,m(ω_j) − φ_m(ω_j), (≤ W, 64)."""
        if self._reference is None:
            raise ValueError("the reference is not known before `calibrate`")
        reference = self._reference.to(total.device)
        place = len(self._weights)
        found = total[:, :place] / total[:, place : place + 1]
        return (found * shrink - reference)[measured]

    def check_block(self, size: int, view: int, receptive_field: int) -> None:
        """Refuses blocks that see too little for the longest window."""
        if view <= self.margin:
            raise UserError(
                f"loss.gue_mmd.windows={list(self.windows)} finds no {self.margin} consecutive "
                f"gaps in blocks of {size} ordinals: use strategy.block_size={self.margin + 1} or "
                "more, or shorter windows"
            )
