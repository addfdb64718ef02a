"""Room: the share of the squared error that the compared runs could have removed at all.

    room = 1 − Σ floor²/Σ error² ,

summed over the runs of the pairs.  The floor of a run is what no term of a loss can take away: the
prime-tail scale √((1/2π²) Σ_{P<p≤τ} 1/p) where its features leave primes out (P < τ = √(t/2π)),
else the error of the best reference run on the same zeros, or of the Riemann–Siegel formula.  Where
nearly all of the error is floor, arms must end alike whatever their losses are: that they do is no
finding.
"""

import math
from collections.abc import Mapping, Sequence

from zeta_exp.report.runs import Run
from zeta_exp.verdict.beside import WINDOWS
from zeta_exp.verdict.pairs import Comparison
from zeta_exp.verdict.problems import usable


def room_of(group: Comparison, references: Sequence[Run], metric: str) -> float | None:
    """The room of a group of pairs, 0 to 1; None where the metric has no floor."""
    runs = [run for pair in group.pairs.values() for run in pair]
    floors = [_floor(run, references, metric) for run in runs]
    known = [floor for floor in floors if floor is not None]
    if not runs or len(known) < len(runs):
        return None
    errors = math.fsum(float(run.result[metric]) ** 2 for run in runs)
    return max(0.0, 1 - math.fsum(floor**2 for floor in known) / errors)


def _floor(run: Run, references: Sequence[Run], metric: str) -> float | None:
    """Of one run, in mean spacings."""
    window = WINDOWS.get(metric)
    baselines = run.result.get("baselines")
    if window is None or not isinstance(baselines, Mapping):
        return None
    scale = (baselines.get("prime_tail") or {}).get(window)
    if scale:
        return float(scale)
    place = [run.config.get(key) for key in ("N", "start", "zeros")]
    best = [
        float(other.result[metric])
        for other in references
        if usable(other, metric) and [other.config.get(k) for k in ("N", "start", "zeros")] == place
    ]
    ceiling = (baselines.get("riemann_siegel") or {}).get(window)
    return min([*best, *([float(ceiling)] if ceiling is not None else [])], default=None)
