"""The distance to the GUE over a million spacings, against the sums it replaces.

    python -m benchmarks.spacing_losses [--quick]

float32.  The peers are the same characteristic functions with all phases kept, and the double sum
of the same kernel over pairs, on as many spacings as that can serve.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks.harness import Options, Report, in_turn, script
from zeta_exp.losses.gue_mmd import GueMaximumMeanDiscrepancy
from zeta_exp.losses.phase_sums import phase_sums
from zeta_exp.losses.reference import Surmise
from zeta_exp.losses.spacing import smooth_spacing
from zeta_exp.theory.gue import gauss_hermite_frequencies, sample_cue_residuals

SECONDS = 0.5  # bar: value of a million spacings, one core
PAIRS = 2000  # spacings of the double sum
PRECISION = 9.0  # of the kernel exp(−9(x − y)²/2), whose MMD² this is

OMEGA = torch.from_numpy(gauss_hermite_frequencies()[0])
TERM = GueMaximumMeanDiscrepancy(smooth_spacing, Surmise())


def spacings(count: int) -> Tensor:
    """Of CUE(32), float32."""
    residual = sample_cue_residuals(count + 1, 32, np.random.default_rng(0))
    return torch.from_numpy(1 + np.diff(residual)).float()


def value(sums: Tensor, count: int) -> Tensor:
    """MMD² from [Σ cos, Σ sin]."""
    return TERM.value(torch.cat([sums, torch.tensor([count], dtype=torch.float64)]))


def by_sums(s: Tensor) -> Tensor:
    """As the loss has it."""
    return value(phase_sums(s, OMEGA), len(s))


def by_phases(s: Tensor) -> Tensor:
    """The same with all phases at once."""
    phase = torch.outer(OMEGA.float(), s)
    return value(torch.cat([phase.cos().sum(1), phase.sin().sum(1)]).double(), len(s))


def by_pairs(s: Tensor, law: Tensor) -> Tensor:
    """The kernel's MMD² to a sample of the law: E k(s, s′) − 2·E k(s, y) + E k(y, y′)."""

    def mean(x: Tensor, y: Tensor) -> Tensor:
        return ((x[:, None] - y).square() * (-PRECISION / 2)).exp().mean()

    return mean(s, s) - 2 * mean(s, law) + mean(law, law)


def backward(function: Callable[[Tensor], Tensor], s: Tensor) -> None:
    """Value and gradient."""
    function(s.clone().requires_grad_()).backward()


def measure(report: Report, options: Options) -> None:
    """Seconds of a million spacings, and of as many as the double sum can serve."""
    count = 10**5 if options.quick else 10**6
    rounds = 3 if options.quick else 7
    many = spacings(count)
    few, law = many[:PAIRS], many[PAIRS : 2 * PAIRS]
    peers = {"sums": by_sums, "all phases": by_phases}
    times = in_turn({name: lambda f=f: f(many) for name, f in peers.items()}, rounds)
    report.faster(f"gue_mmd, value, {count:,} spacings: sums, all phases", times, *peers)
    report.limit(f"gue_mmd, value, {count:,} spacings", times.medians()["sums"], "s", SECONDS)
    times = in_turn({name: lambda f=f: backward(f, many) for name, f in peers.items()}, rounds)
    report.faster(f"gue_mmd, gradient, {count:,} spacings: sums, all phases", times, *peers)
    small = {
        "sums": lambda: backward(by_sums, few),
        "pairs": lambda: backward(lambda s: by_pairs(s, law), few),
    }
    times = in_turn(small, rounds)
    report.faster(f"gue_mmd, gradient, {PAIRS:,} spacings: sums, double sum", times, *small)


if __name__ == "__main__":
    script(measure)
