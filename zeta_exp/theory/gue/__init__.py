"""Random-matrix laws of unfolded spacings, the distance of a sample to them, and samplers.

Spacings have mean 1 throughout.  Wigner's surmise has closed forms; Gaudin's law, the true limit
of large unitary matrices, and the law of a matrix of finite size come from determinants.
"""

from zeta_exp.theory.gue.circles import (
    chain,
    cue_circles,
    poisson_circles,
    sample_cue_residuals,
    sample_poisson_residuals,
)
from zeta_exp.theory.gue.determinant import (
    GAUDIN_RANGE,
    SpacingLaw,
    cue_law,
    gap_probability,
    gaudin_law,
)
from zeta_exp.theory.gue.distance import characteristic_mmd, gauss_hermite_frequencies
from zeta_exp.theory.gue.surmise import (
    surmise_cdf,
    surmise_characteristic,
    surmise_density,
    surmise_expectation,
    surmise_nll,
)

__all__ = [
    "GAUDIN_RANGE",
    "SpacingLaw",
    "chain",
    "characteristic_mmd",
    "cue_circles",
    "cue_law",
    "gap_probability",
    "gaudin_law",
    "gauss_hermite_frequencies",
    "poisson_circles",
    "sample_cue_residuals",
    "sample_poisson_residuals",
    "surmise_cdf",
    "surmise_characteristic",
    "surmise_density",
    "surmise_expectation",
    "surmise_nll",
]
