"""Errors of the engine's zeros against python-flint, which encloses them in balls of 100 bits.

    python benchmarks/zero_accuracy.py

First random ordinals up to 10^8 as `generate` gives them, in units of the last place; then samples
at each decade as `block` gives them: errors of base + offset, in height, and of the residual, in
mean spacings.  Takes about a minute and a half.
"""

import math

import flint
import numpy as np
from numpy.typing import NDArray

from zeta_exp.zeros import block, generate
from zeta_exp.zeros.stretch import COARSE_FROM

PRECISION = 100  # bits
SEED = 2026
HIGHEST = 10**8
UNIFORM, LOGARITHMIC = 300, 100  # random ordinals
DECADES = (10**3, 10**6, 10**9, 10**10, 10**11, 10**12)
SAMPLES = {10**11: 12, 10**12: 6}  # python-flint takes a second and more for one
PLACES = 24  # ordinals of a decade where no other number is set


def true_zero(n: int) -> flint.arb:
    """γ_n as a ball; n counts it, by python-flint's own index."""
    return flint.acb.zeta_zeros(n, 1)[0].imag


def true_residual(gamma: flint.arb, n: int) -> flint.arb:
    """δ_n = N̄(γ) − (n − ½)."""
    theta = flint.arb_series([gamma], 1).riemann_siegel_theta()[0]
    return theta / flint.arb.pi() + 1 - n + flint.arb(1) / 2


def random_ordinates(name: str, ordinals: NDArray[np.int64]) -> None:
    """Print the worst error of `generate` at the ordinals."""
    in_ulps, worst = [], 0.0
    for n in ordinals.tolist():
        ordinate = float(generate(n, 1)[0])
        error = abs(float((true_zero(n) - flint.arb(ordinate)).mid()))
        in_ulps.append(error / np.spacing(ordinate))
        worst = max(worst, error - np.spacing(ordinate))
    print(f"{ordinals.size} random ordinals below {HIGHEST:.0e}, {name}:")
    print(f"  worst error {max(in_ulps):.2f} ulp, median {np.median(in_ulps):.2f} ulp")
    print(f"  worst error less one ulp {worst:.1e} (promised: at most 1e-12)")


def decade(n: int, rng: np.random.Generator) -> None:
    """Print the worst errors at random ordinals from n on, across several blocks of the engine."""
    count = min(n, 600_000)
    zeros = block(n, count)
    offsets: list[float] = []
    residuals: list[float] = []
    ulps: list[float] = []
    for place in np.sort(rng.integers(0, count, SAMPLES.get(n, PLACES))).tolist():
        gamma = true_zero(n + place)
        near = block(n + place, 1)
        offsets.append(abs(float((gamma - near.base - flint.arb(near.offsets[0])).mid())))
        wrong = true_residual(gamma, n + place) - flint.arb(zeros.residuals[place])
        residuals.append(abs(float(wrong.mid())))
        if n < COARSE_FROM:
            ordinate = float(generate(n + place, 1)[0])
            ulps.append(abs(float((gamma - flint.arb(ordinate)).mid())) / np.spacing(ordinate))
    rounded = f"{max(ulps):9.2f} ulp" if ulps else "            -"
    print(f"  {n:.0e}  {len(offsets):7}  {max(offsets):9.1e}  {max(residuals):10.1e}  {rounded}")


def main() -> None:
    """Print both tables."""
    rng = np.random.default_rng(SEED)
    with flint.ctx.workprec(PRECISION):
        random_ordinates("uniform", rng.integers(1, HIGHEST, UNIFORM))
        powers = rng.uniform(0, math.log(HIGHEST), LOGARITHMIC)
        random_ordinates("uniform in log n", np.exp(powers).astype(np.int64))
        print(f"Zeros from n on, worst errors against python-flint at {PRECISION} bits:")
        print("      n  samples     offset    residual       ordinate")
        for n in DECADES:
            decade(n, rng)


if __name__ == "__main__":
    main()
