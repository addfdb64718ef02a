"""Spectral statistics beside their laws, as JSON and as lines of text."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zeta_exp.evaluation.statistics.blocks import Estimate
from zeta_exp.evaluation.statistics.gaps import same_law_p_values
from zeta_exp.evaluation.statistics.levels import LENGTHS, PAIR_EDGES, RIGIDITY_LENGTHS, TAU
from zeta_exp.evaluation.statistics.spectrum import SpectralStatistics, spectrum_of
from zeta_exp.evaluation.table_statistics import GUE_LAG1, GUE_RATIO, GUE_VARIANCE, TableStatistics
from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.rigidity import (
    LEAST_HEIGHT,
    gue_form_factor,
    gue_number_variance,
    gue_pair_correlation,
    gue_rigidity,
    zeta_number_variance,
    zeta_rigidity,
)

DIGITS = 6  # of the numbers in JSON: more than their errors allow
TESTS = ("ks", "anderson_darling", "mmd")
ESTIMATES = (
    "variance",
    "ratio",
    "lags",
    "number_variance",
    "rigidity",
    "pair_correlation",
    "form_factor",
)


def statistics_as_json(statistics: SpectralStatistics) -> dict[str, Any]:
    """Values, their errors, and p-values beside Gaudin's law; null where there is no measure."""
    return {
        "levels": statistics.count,
        "block": statistics.block,
        "p_values_gaudin": dict(zip(TESTS, _plain(statistics.p_values), strict=True)),
        **{name: _plain(getattr(statistics, name).value) for name in ESTIMATES},
        "errors": {name: _plain(getattr(statistics, name).error) for name in ESTIMATES},
    }


def laws_as_json(height: float) -> dict[str, Any]:
    """What the statistics are functions of, and their laws, `zeta` at a height by Berry 1988."""
    lengths, far = np.array(LENGTHS), np.array(RIGIDITY_LENGTHS)
    gue = {
        "variance": [GUE_VARIANCE],
        "ratio": [GUE_RATIO],
        "number_variance": _plain(gue_number_variance(lengths)),
        "rigidity": _plain(gue_rigidity(far)),
        "pair_correlation": _plain(gue_pair_correlation(PAIR_EDGES[:-1], PAIR_EDGES[1:])),
        "form_factor": _plain(gue_form_factor(TAU)),
    }
    zeta = None
    if height > LEAST_HEIGHT:
        zeta = {
            "number_variance": _plain(zeta_number_variance(lengths, height)),
            "rigidity": _plain(zeta_rigidity(far, height)),
        }
    axes = {
        "number_variance": _plain(lengths),
        "rigidity": _plain(far),
        "pair_correlation": _plain(PAIR_EDGES),
        "form_factor": _plain(TAU),
    }
    return {"height": _plain(height), "axes": axes, "gue": gue, "zeta": zeta}


def run_spectrum(
    predicted: NDArray[np.float64], true: NDArray[np.float64], start: int
) -> dict[str, Any]:
    """Prediction and truth of a window beside their laws, for result.json.

    predicted, true: (W,) residuals of the ordinals from `start` on.  p_values_same: of both having
    one law of spacings, by exchanging them in blocks.  A prediction that leaves the line, by 64
    mean spacings or to NaN, has no statistics: null.
    """
    middle = float(smooth_height(start + true.size / 2))
    truth = spectrum_of(true)
    found: dict[str, Any] = {"truth": statistics_as_json(truth.statistics()), "prediction": None}
    found["p_values_same"] = None
    try:
        guess = spectrum_of(predicted)
    except ValueError:  # diverged
        return {**laws_as_json(middle), **found}
    found["prediction"] = statistics_as_json(guess.statistics())
    same = same_law_p_values(guess.gap_blocks.sums(), truth.gap_blocks.sums())
    found["p_values_same"] = dict(zip(TESTS, _plain(same), strict=True))
    return {**laws_as_json(middle), **found}


def table_as_json(table: TableStatistics, spectrum: SpectralStatistics | None) -> str:
    """All statistics of a table as one JSON object; heights as text, with all their digits."""
    known: dict[str, Any] = asdict(table)
    known["heights"] = [f"{height:f}" for height in table.heights]
    if spectrum is not None:
        known["spectrum"] = statistics_as_json(spectrum) | laws_as_json(_middle(table))
    return json.dumps(known, indent=1)


def shown_table(table: TableStatistics, spectrum: SpectralStatistics | None) -> str:
    """All statistics of a table as lines of text."""
    lines = table.lines()
    if spectrum is not None:
        lines += ["", *spectrum_lines(spectrum, _middle(table))]
    return "\n".join(lines)


def _middle(table: TableStatistics) -> float:
    return float(smooth_height(table.start + table.count / 2))


def spectrum_lines(statistics: SpectralStatistics, height: float) -> list[str]:
    """A row for each value: measured, standard error, GUE, and zeros at a height (Berry 1988)."""
    laws = laws_as_json(height)
    gue, zeta = laws["gue"], laws["zeta"] or {}
    gue = gue | {"lags": [GUE_LAG1]}
    tests = ", ".join(
        f"{name} {'–' if p is None else f'{p:.3f}'}"
        for name, p in zip(("KS", "AD", "MMD"), _plain(statistics.p_values), strict=True)
    )
    lines = [
        f"p-values beside Gaudin's law, blocks of {statistics.block} levels: {tests}",
        f"{'':24}{'measured':>10}{'error':>10}{'GUE':>10}{'zeta':>10}",
    ]
    for title, name, axis in _blocks():
        estimate: Estimate = getattr(statistics, name)
        columns = (_plain(estimate.value), _plain(estimate.error), gue.get(name), zeta.get(name))
        lines += _rows(title, axis, columns)
    return lines


def _blocks() -> list[tuple[str, str, list[str]]]:
    middles = (PAIR_EDGES[:-1] + PAIR_EDGES[1:]) / 2
    return [
        ("spacing variance", "variance", [""]),
        ("ratio <r>", "ratio", [""]),
        ("correlation, lag", "lags", [str(lag) for lag in range(1, 9)]),
        ("number variance, L =", "number_variance", [f"{x:g}" for x in LENGTHS]),
        ("rigidity Delta3, L =", "rigidity", [f"{x:g}" for x in RIGIDITY_LENGTHS]),
        ("pair correlation at", "pair_correlation", [f"{x:.2f}" for x in middles]),
        ("form factor, tau =", "form_factor", [f"{x:.2f}" for x in TAU]),
    ]


def _rows(title: str, axis: list[str], columns: tuple[list[Any] | None, ...]) -> list[str]:
    rows = []
    for place, at in enumerate(axis):
        cells = [_cell(column, place) for column in columns]
        rows.append(
            (f"{f'{title} {at}'.rstrip():24}" + "".join(f"{c:>10}" for c in cells)).rstrip()
        )
    return rows


def _cell(column: list[Any] | None, place: int) -> str:
    if column is None or place >= len(column):
        return ""
    value = column[place]
    return "–" if value is None else f"{value:.5f}"


def _plain(values: ArrayLike) -> Any:
    """Numbers of DIGITS digits, null for what is not finite."""

    def one(value: float) -> float | None:
        return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None

    array = np.asarray(values, dtype=np.float64)
    return one(float(array)) if array.ndim == 0 else [one(value) for value in array.tolist()]
