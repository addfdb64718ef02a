"""Statistics of a sample of unfolded spacings, as arrays.  All in mean spacings."""

import numpy as np
from numpy.typing import NDArray

from zeta_exp.theory.gue import characteristic_mmd, gaudin_law

LEAST_CHANCE = 1e-10  # what Gaudin's distribution function is known to near 0 and 1


def spacings(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unfolded spacings s_n = 1 + δ_{n+1} − δ_n of consecutive ordinals: (B,) to (B−1,)."""
    return 1 + np.diff(residuals)


def ks_distance(sample: NDArray[np.float64]) -> float:
    """Two-sided Kolmogorov–Smirnov distance sup |F_N − F| of spacings to Gaudin's law.

    Asymptotic 5% point for independent spacings: 1.358/√N.
    """
    law = gaudin_law().cdf(np.sort(sample))
    step = np.arange(sample.size + 1) / sample.size
    return float(max(np.max(step[1:] - law), np.max(law - step[:-1])))


def lag_correlation(sample: NDArray[np.float64], lag: int = 1) -> float:
    """Correlation of s_n with s_{n+lag}: −0.31 for large unitary matrices, −0.37 for low zeros."""
    return float(np.corrcoef(sample[:-lag], sample[lag:])[0, 1])


def spacing_statistics(residuals: NDArray[np.float64]) -> dict[str, float]:
    """Spectral statistics of consecutive residuals δ, (B,), B ≥ 4.

    variance: of the spacings; ks_gue: KS distance to Gaudin's law; mmd_gue: MMD² to the surmise;
    lag1: correlation of neighbouring spacings, which no histogram shows.
    """
    sample = spacings(residuals)
    return {
        "variance": float(sample.var()),
        "ks_gue": ks_distance(sample),
        "mmd_gue": characteristic_mmd(sample),
        "lag1": lag_correlation(sample),
    }


def spacing_ratio(sample: NDArray[np.float64]) -> float:
    """⟨r⟩, mean of min(s_n, s_{n+1})/max(s_n, s_{n+1}); 0 where levels cross or coincide.

    0.5996 for large unitary matrices, 2·log 2 − 1 for independent levels: Atas et al. 2013.
    """
    return float(ratios(sample).mean())


def ratios(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ratio of each pair of neighbouring spacings, (S,) to (S − 1,)."""
    low, high = np.minimum(sample[:-1], sample[1:]), np.maximum(sample[:-1], sample[1:])
    return np.maximum(low, 0) / np.where(high > 0, high, 1.0)


def anderson_darling(sample: NDArray[np.float64]) -> float:
    """A² = N·∫(F_N − F)²/(F(1 − F)) dF of spacings to Gaudin's law F; weighs the tails.

    −N − (1/N)·Σ(2i − 1)[log F(s_i) + log(1 − F(s_{N+1−i}))], with F kept LEAST_CHANCE away from 0
    and 1.  Mean 1 and 5% point 2.492 for independent spacings (Stephens, JASA 69 (1974) 730);
    spacings of levels are correlated, so see `law_p_values`.
    """
    chance = gaudin_law().cdf(np.sort(sample))
    chance = np.clip(chance, LEAST_CHANCE, 1 - LEAST_CHANCE)
    odd = 2 * np.arange(1, sample.size + 1) - 1
    terms = odd * (np.log(chance) + np.log1p(-chance[::-1]))
    return float(-sample.size - terms.mean())
