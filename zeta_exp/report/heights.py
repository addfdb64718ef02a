"""Errors along height and primes: the runs of experiment=heights as points, a table and figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from zeta_exp.errors import UserError
from zeta_exp.evaluation.prime_sum import prime_tail_scale
from zeta_exp.report.plots.style import GREY
from zeta_exp.report.runs import COMPLETED, Run
from zeta_exp.theory.counting import smooth_height

COLOURS = ("#000000", "#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7")  # Okabe and Ito
MARKERS = ("o", "s", "^", "D", "v", "P")
COMPRESSED = 3.0  # τ/P from which the prime-tail scale is attained


@dataclass(frozen=True)
class Point:
    """A model's error at a height, where it was trained or elsewhere."""

    max_prime: int  # P of its features
    trained: int  # first ordinal of its training
    start: int  # first ordinal of what was measured
    height: float  # t̂ of the middle of that
    rmse: float  # in mean spacings
    smooth: float  # RMSE of δ̂ = 0
    formula: (
        float | None
    )  # RMSE of the explicit formula with the same primes, where it was measured
    transferred: bool  # whether it was trained at another height

    @property
    def prime_tail(self) -> float:
        """√((1/2π²) Σ_{P<p≤τ} 1/p), τ = √(t/2π); 0 where P ≥ τ."""
        return prime_tail_scale(self.height, self.max_prime)

    @property
    def tau(self) -> float:
        """τ = √(t/2π), the last prime that counts at this height."""
        return float(np.sqrt(self.height / (2 * np.pi)))

    @property
    def ratio(self) -> float | None:
        """Error over prime-tail scale, where no more than a third of the primes' range is given."""
        return self.rmse / self.prime_tail if self.max_prime * COMPRESSED <= self.tau else None

    @property
    def place(self) -> float:
        """log P/log(t/2π): ½ where P = τ."""
        return float(np.log(self.max_prime) / np.log(self.height / (2 * np.pi)))


def points_of(runs: Sequence[Run]) -> list[Point]:
    """The next-10% error of each completed run, and its transfer errors, by P and height.

    Raises `UserError` where none is completed, or one has features without primes.
    """
    completed = [run for run in runs if run.status == COMPLETED]
    if not completed:
        raise UserError("none of the runs has completed: wait for one, or give another folder")
    found = [point for run in completed for point in _points(run)]
    return sorted(found, key=lambda p: (p.transferred, p.max_prime, p.trained, p.height))


def _points(run: Run) -> list[Point]:
    features = run.config.get("features", {})
    if "max_prime" not in features:
        raise UserError(f"{run.path} has features without primes: give runs of prime_phases")
    P, start, N = features["max_prime"], run.config["start"], run.config["N"]
    own = Point(
        max_prime=P,
        trained=start,
        start=start + N,
        height=float(smooth_height(start + N + N / 20)),
        rmse=run.result["extrapolation_error_next10pct"],
        smooth=run.result["baselines"]["smooth"]["next10pct"],
        formula=run.result["baselines"]["explicit_formula"]["next10pct"],
        transferred=False,
    )
    others = [
        Point(P, start, int(n), row["height"], row["rmse"], row["smooth"], None, True)
        for n, row in run.result.get("transfer", {}).items()
    ]
    return [own, *others]


def heights(runs: Sequence[Run]) -> Figure:
    """Extrapolation error against P, a colour for each height; the prime-tail scale as a line."""
    own = [point for point in points_of(runs) if not point.transferred]
    figure = Figure(figsize=(7.5, 5), layout="constrained")
    axes = figure.add_subplot()
    primes = np.geomspace(2, 2 * max(p.max_prime for p in own), 200)
    for trained, colour, marker in _styles(own):
        chosen = [p for p in own if p.trained == trained]
        axes.plot(
            [p.max_prime for p in chosen],
            [p.rmse for p in chosen],
            color=colour,
            marker=marker,
            linestyle="none",
            markersize=6,
            label=f"from n = {trained:,}",
        )
        t = chosen[0].height
        tail = np.array([prime_tail_scale(t, int(P)) for P in primes])
        axes.plot(
            primes[tail > 0], tail[tail > 0], color=colour, linewidth=1, drawstyle="steps-post"
        )
    axes.plot([], [], color=GREY, linewidth=1, label="prime-tail scale")
    axes.set_xscale("log")
    largest = sorted({p.max_prime for p in own})
    axes.set_xticks(largest, [str(P) for P in largest])
    axes.set_xticks([], minor=True)
    _logarithmic(axes, [p.rmse for p in own])
    axes.set_xlabel("largest prime P of the features")
    axes.set_ylabel("RMSE over the next 10% (mean spacings)")
    axes.set_title("Trained and extrapolated at one height")
    axes.legend(frameon=False, fontsize=8)
    return figure


def transfer(runs: Sequence[Run]) -> Figure:
    """All errors against log P/log(t/2π), trained there (filled) or elsewhere (open), and the law.

    By Mertens' theorem the prime-tail scale is √(−log(2x)/2π²) at x = log P/log(t/2π) for large P.
    """
    points = points_of(runs)
    figure = Figure(figsize=(7.5, 5), layout="constrained")
    axes = figure.add_subplot()
    for trained, colour, marker in _styles(points):
        for transferred, face in ((True, "none"), (False, colour)):
            chosen = [p for p in points if (p.trained, p.transferred) == (trained, transferred)]
            axes.plot(
                [p.place for p in chosen],
                [p.rmse for p in chosen],
                color=colour,
                marker=marker,
                markerfacecolor=face,
                linestyle="none",
                markersize=6 if transferred else 8,
                alpha=0.8,
                label=None if transferred else f"trained from n = {trained:,}",
            )
    x = np.linspace(0.05, 0.5, 400, endpoint=False)
    law = np.sqrt(-np.log(2 * x) / 2) / np.pi
    axes.plot(x, law, color=GREY, linewidth=1.5, label=r"$\sqrt{-\log(2x)/2\pi^2}$")
    axes.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
    _logarithmic(axes, [p.rmse for p in points])
    axes.set_xlabel(r"$x = \log P/\log(t/2\pi)$   (½: P = τ, all primes that count are given)")
    axes.set_ylabel("RMSE (mean spacings)")
    axes.set_title("Evaluated where trained (filled) and untouched elsewhere (open)")
    axes.legend(frameon=False, fontsize=8)
    return figure


def _styles(points: Sequence[Point]) -> list[tuple[int, str, str]]:
    """Colour and marker for each height of training."""
    trained = sorted({point.trained for point in points})
    return [
        (n, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, n in enumerate(trained)
    ]


def _logarithmic(axes: Axes, errors: Sequence[float]) -> None:
    """The axis of errors, with plain numbers, from below the least to above the greatest."""
    axes.set_yscale("log")
    axes.set_ylim(0.8 * min(errors), 1.25 * max(errors))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
