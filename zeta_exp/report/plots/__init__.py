"""The figures of a run, a sweep or a study: each a function of its folder, in a registry by name.

    from zeta_exp.report.plots import horizon
    horizon("outputs/studies/rg_essential_small").savefig("horizon.pdf")

A function takes a folder, or the `Evidence` that was read of one, and returns a matplotlib Figure.
It raises UserError, with the reason, where the runs have nothing to be drawn.
"""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from zeta_exp.report.evidence import Source
from zeta_exp.report.plots.beyond import extrapolation, horizon
from zeta_exp.report.plots.forest import forest
from zeta_exp.report.plots.profile import profile
from zeta_exp.report.plots.scaling import cost, height, size
from zeta_exp.report.plots.spectrum import number_variance, pair_correlation, spacing_histogram
from zeta_exp.report.plots.style import save
from zeta_exp.report.plots.training import learning_curves, loss_terms

__all__ = [
    "FIGURES",
    "OF_A_RUN",
    "cost",
    "extrapolation",
    "forest",
    "height",
    "horizon",
    "learning_curves",
    "loss_terms",
    "number_variance",
    "pair_correlation",
    "profile",
    "save",
    "size",
    "spacing_histogram",
    "write_plots",
]


FIGURES: dict[str, Callable[[Source], Figure]] = {  # in the order of report.catalogue
    "forest": forest,
    "profile": profile,
    "horizon": horizon,
    "extrapolation": extrapolation,
    "size": size,
    "height": height,
    "learning_curves": learning_curves,
    "loss_terms": loss_terms,
    "spacing_histogram": spacing_histogram,
    "pair_correlation": pair_correlation,
    "number_variance": number_variance,
    "cost": cost,
}
# which every run leaves
OF_A_RUN = ("learning_curves", "profile", "extrapolation", "spacing_histogram")


def write_plots(run: Path) -> list[Path]:
    """Save the figures of a run as `run/plots/<name>.png`; the paths written."""
    folder = Path(run) / "plots"
    folder.mkdir(exist_ok=True)
    paths = []
    for name in OF_A_RUN:
        path = folder / f"{name}.png"
        save(FIGURES[name](run), path, "png")
        paths.append(path)
    return paths
