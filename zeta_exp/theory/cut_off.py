"""The smooth cut-off of the Riemann–Siegel sum: how many of its terms count at a height.

Term m of the smoothed sum has the weight ½ erfc((log m − log τ)√τ), τ = √(t/2π), where the sum of
Riemann and Siegel ends at τ (Berry and Keating, Proc. R. Soc. A 437, 1992).
"""

import numpy as np

from zeta_exp.theory.counting import smooth_height

GATE_END = 4.3  # terms beyond erfc(4.3) = 1.2e-9 are dropped


def term_count(n: int) -> int:
    """Terms at ordinal n until the gate closes, but |r_m| ≤ π, that is m ≤ τ²."""
    tau = np.sqrt(float(smooth_height(n)) / (2 * np.pi))
    return int(np.ceil(min(tau * np.exp(GATE_END / np.sqrt(tau)), max(tau**2, 4.0))))
