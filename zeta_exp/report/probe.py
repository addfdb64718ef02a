"""The figure of a residual probe."""

import numpy as np
from matplotlib.figure import Figure

from zeta_exp.evaluation.probe import Probe
from zeta_exp.report.plots.style import GREY, PREDICTION, REFERENCE


def residual_probe(found: Probe) -> Figure:
    """Power of the errors at log p, given and left out, above what frequencies of no prime have."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    low, high = np.quantile(found.null, (0.01, 0.99))
    axes.axhspan(low, high, color=GREY, alpha=0.2, linewidth=0, label="98% of null frequencies")
    for given, colour, marker, label in (
        (True, REFERENCE, "o", f"given, p ≤ {found.max_prime}"),
        (False, PREDICTION, "s", f"left out, p > {found.max_prime}"),
    ):
        chosen = [p for p in found.primes if p.given == given]
        axes.plot(
            [p.prime for p in chosen],
            [p.power for p in chosen],
            color=colour,
            marker=marker,
            linestyle="none",
            markersize=5,
            label=f"{label}: {found.standing_out(given)} of {len(chosen)} at 1%",
        )
    if found.primes[0].given:
        axes.axvline(found.max_prime + 0.5, color=GREY, linewidth=1, linestyle=":")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("prime p (frequency log p)")
    axes.set_ylabel(r"power of $e_n$ at $\log p$ (white noise = 1)")
    axes.set_title(
        f"Errors at the ordinals {found.start:,} to {found.start + found.count - 1:,}", fontsize=11
    )
    ticks = [p.prime for p in found.primes][:: max(1, len(found.primes) // 8)]
    axes.set_xticks(ticks, [str(p) for p in ticks])
    axes.set_xticks([], minor=True)
    axes.legend(frameon=False, fontsize=9)
    return figure
