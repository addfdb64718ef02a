"""How far the spacings of the zeros are from the GUE, and from matrices of an effective size.

    python -m benchmarks.spacing_heights [--quick] [--docs]

Variances of sums of m consecutive spacings, zeros beside the references that a loss may take; no
time is measured.
"""

import numpy as np

from benchmarks.harness import Options, Report, script
from zeta_exp.losses.gue_nll import GueMatchedLikelihood
from zeta_exp.losses.reference import (
    WINDOWS,
    EffectiveCue,
    Gaudin,
    Law,
    Measured,
    Surmise,
    effective_size,
)
from zeta_exp.losses.spacing import smooth_spacing
from zeta_exp.zeros.source import ComputedZeros

COUNT = 400_000  # zeros from each height on, fewer from the lowest
EXPONENTS = (4, 6, 8, 9, 10, 11, 12)  # of ten: the first ordinal
MOST_EFFECTIVE = 2  # windows beyond are as long as the matrix
HEAD = ["zeros", "h", *(f"m = {m}" for m in WINDOWS), "N_eff", "m = 1", "m = 2"]


def variance(law: Law, m: int) -> float:
    """Of a sum of m spacings."""
    return float(law.expectation(lambda w: (w - m) ** 2, m))


def level(law: Law) -> float:
    """h, the mean of the softened likelihood."""
    return float(GueMatchedLikelihood(smooth_spacing, law).level or np.nan)


def row(name: str, law: Law, windows: tuple[int, ...] = WINDOWS) -> list[str]:
    """Name, h, and the variances."""
    known = [f"{variance(law, m):.4f}" if m in windows else "" for m in WINDOWS]
    return [name, f"{level(law):.4f}", *known]


def at_height(exponent: int, count: int) -> list[str]:
    """Zeros from 10^exponent on, and the matrix of their effective size."""
    start = 10**exponent
    count = min(count, start)
    size = effective_size(start + count // 2)
    cells = row(f"10^{exponent}", Measured(ComputedZeros().residuals, start, start + count))
    windows = [m for m in range(1, MOST_EFFECTIVE + 1) if m < np.floor(size)]
    effective = [f"{variance(EffectiveCue(size), m):.4f}" for m in windows]
    return [*cells, f"{size:.2f}", *effective, *[""] * (MOST_EFFECTIVE - len(windows))]


def measure(report: Report, options: Options) -> None:
    """The table of docs/losses.md."""
    count = 20_000 if options.quick else COUNT
    table = [HEAD, *(at_height(exponent, count) for exponent in EXPONENTS)]
    for name, law, windows in (("Gaudin", Gaudin(), WINDOWS), ("surmise", Surmise(), (1,))):
        table.append([*row(name, law, windows), "", "", ""])
    for cells in table:
        print("  " + " | ".join(cells), flush=True)
    report.tables["spacing_heights"] = table


if __name__ == "__main__":
    script(measure)
