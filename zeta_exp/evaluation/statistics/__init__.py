"""Errors of a prediction and spectral statistics of levels.  All in mean spacings."""

from zeta_exp.evaluation.statistics.errors import Errors, median_error, r_squared, rmse
from zeta_exp.evaluation.statistics.spacing import (
    anderson_darling,
    ks_distance,
    lag_correlation,
    spacing_ratio,
    spacing_statistics,
    spacings,
)
from zeta_exp.evaluation.statistics.spectrum import (
    SpectralStatistics,
    form_factor,
    number_variance,
    pair_correlation,
    rigidity,
    spectral_statistics,
)

__all__ = [
    "Errors",
    "SpectralStatistics",
    "anderson_darling",
    "form_factor",
    "ks_distance",
    "lag_correlation",
    "median_error",
    "number_variance",
    "pair_correlation",
    "r_squared",
    "rigidity",
    "rmse",
    "spacing_ratio",
    "spacing_statistics",
    "spacings",
    "spectral_statistics",
]
