"""What a run says at its end: the model beside its baselines, in 80 columns."""

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from pathlib import Path
from shlex import quote
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from zeta_exp.evaluation.profile import Profile
from zeta_exp.files import shortest
from zeta_exp.theory.counting import mean_gap

LEARNT_NOTHING = 0.02  # R² of the residual that a control reaches by chance
BASELINES = {
    "riemann_siegel": "Riemann–Siegel",
    "linear": "linear (ridge)",
    "explicit_formula": "explicit formula",
    "ar2": "AR(2): one step ahead, sees δ(n-1), δ(n-2)",
    "smooth": "smooth count, δ = 0",
}
SCALE = "prime-tail scale (a scale, not an error)"
NO_SCALE = "prime-tail scale: none, P ≥ √(t/2π)"
# arguments, why, and what of the config shows that a run had them
NEXT = (
    ("features=random_phases", "a control: R² must fall to 0", "features", "RandomPhases"),
    ("strategy=fullbatch", "the whole line in each step", "strategy", "FullBatch"),
    ("start=2000000 features.max_prime=1000", "higher, more primes", "start", "2000000"),
    ("zeros=shuffled", "a control: R² must fall to 0", "zeros", "ShuffledZeros"),
)
CONTROLS = ("shuffled", "cue", "poisson")  # sources of zeros that aren't ζ's
COMPARED = ("2nd", "3rd", *(f"{place}th" for place in range(4, 11)))  # tenths of the seen range
STATISTICS = {
    "variance": "variance",
    "ks_gue": "KS to Gaudin",
    "mmd_gue": "MMD² to surmise",
    "lag1": "lag-1 corr.",
}


def result_table(result: Mapping[str, Any]) -> Table:
    """The model beside its baselines; RMSE in mean spacings.

    result: the contents of `result.json`.  The last column says how many times smaller than the
    smooth count's the error over the next 10% is.
    """
    baselines = result["baselines"]
    smooth = baselines["smooth"]["next10pct"]
    table = _table(
        "RMSE beyond the range, in mean spacings", ("next 100", "next 10%", "smooth/error")
    )
    error = result["extrapolation_error_next10pct"]
    row = _row(result["extrapolation_error"], error, _ratio(smooth, error))
    table.add_row("this model", *row, style="bold", end_section=True)
    for name, label in BASELINES.items():
        if name in baselines:
            errors = baselines[name]
            ratio = _ratio(smooth, errors["next10pct"])
            table.add_row(
                label + _remark(name, result),
                *_row(errors["next100"], errors["next10pct"], ratio),
                end_section=name == "smooth",
            )
    if "prime_tail" in baselines:
        scale = baselines["prime_tail"]
        if scale["next10pct"]:
            table.add_row(SCALE, *_row(scale["next100"], scale["next10pct"], "–"), style="dim")
        else:
            table.add_row(NO_SCALE, "–", "–", "–", style="dim")
    return table


def _remark(name: str, result: Mapping[str, Any]) -> str:
    """What the label of a baseline must add in this run."""
    first = _measured(result["baselines"][name], result["provenance"]["N"] // 10)
    if name == "explicit_formula" and "config" in result:
        return f", P = {result['config']['evaluation']['max_prime']}{first}"
    if name == "riemann_siegel":
        return first if _is_control(result) else f" (ceiling){first}"
    return first


def _measured(errors: Mapping[str, float], width: int) -> str:
    """Over how many ordinals a baseline was measured, where these are fewer than the window's."""
    ordinals = errors.get("next10pct_ordinals")
    return f", first {int(ordinals):,}" if ordinals and ordinals < width else ""


def _is_control(result: Mapping[str, Any]) -> bool:
    """Whether the zeros are none of ζ's, so that no formula for them can hold."""
    return result["provenance"].get("zeros", {}).get("name") in CONTROLS


def spacing_table(spacing: Mapping[str, Mapping[str, float]]) -> Table:
    """Spectral statistics of prediction and truth, one row each."""
    table = _table("Spacings", STATISTICS.values())
    for name in ("prediction", "truth"):
        table.add_row(name, *(_number(spacing[name][key]) for key in STATISTICS))
    return table


def print_result(
    result: Mapping[str, Any], run: Path, show: Callable[[RenderableType], None]
) -> None:
    """The tables, what they mean in words, where the files are, and what to do next.

    show: prints one of them.
    """
    place = shortest(str(run))
    lines = [
        *_verdict(result),
        "",
        f"files in {place}:",
        "  result.json, metrics.csv, predictions.npz, plots/, run.log",
        "",
        "Look further:",
        f"  zeta report {quote(place)} --out report.html",
        f"  zeta compare {quote(place)} OTHER-RUN",
        "",
        "Try next:",
        *_next_commands(result),
    ]
    for table in (result_table(result), spacing_table(result["spacing"])):
        show("")
        show(table)
    show("")
    for line in lines:
        show(Text(line))


def _table(title: str, headings: Iterable[str]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _kept(result: Mapping[str, Any]) -> list[str]:
    """Which weights the run ended with, where they are not its last."""
    best, epochs = result.get("best_epoch"), result.get("epochs")
    if not best or best == epochs:
        return []
    return [f"Weights: those of epoch {best} of {epochs}, the best on the validation range."]


def _verdict(result: Mapping[str, Any]) -> list[str]:
    r2 = result["next10pct_r2"]
    lines = [
        f"R² of the residual: {_number(result['val_r2'])} on the validation range, "
        f"{_number(r2)} over the next 10%",
        *_along_the_line(result),
        *_kept(result),
    ]
    if not r2 > LEARNT_NOTHING:
        lines.append(
            f"the model has learnt nothing about the fluctuation of the zeros: R² = {_number(r2)}"
        )
    return lines if _is_control(result) else lines + _next_zero(result)


def _along_the_line(result: Mapping[str, Any]) -> list[str]:
    """The errors of the best and the worst tenth; [] where they were not measured."""
    profile = Profile.of(result)
    if profile is None or not isfinite(profile.worst_over_best):
        return []
    best, worst = profile.compared.argmin(), profile.compared.argmax()
    each = (
        f"{name} {_number(float(profile.compared[place]))} (the {COMPARED[place]})"
        for name, place in (("best", best), ("worst", worst))
    )
    return [
        "RMSE by tenths of the seen range, the first left out:",
        f"{', '.join(each)}, {profile.worst_over_best:.3g} times the best",
    ]


def _next_zero(result: Mapping[str, Any]) -> list[str]:
    predicted, actual = result["predicted_next"], result["actual_next"]
    ordinal = result["provenance"]["start"] + result["provenance"]["N"]
    gaps = result["next_error"]  # heights of 10^10 and more have lost its digits
    error = gaps * float(mean_gap(actual))
    return [
        f"the next zero, γ({ordinal:,}): predicted {predicted:.6f}, actual {actual:.6f},",
        f"off by {error:+.6f} in height, {gaps:+.4f} mean spacings",
    ]


def _next_commands(result: Mapping[str, Any]) -> list[str]:
    """Three commands, none of which is what was just run."""
    config = result.get("config", {})
    new = [
        f'  make run ARGS="{arguments}"  # {why}'
        for arguments, why, key, mark in NEXT
        if mark not in str(config.get(key))
    ]
    return new[:3]


def _row(next100: float | None, next10pct: float | None, ratio: str) -> tuple[str, str, str]:
    return _number(next100), _number(next10pct), ratio


def _ratio(smooth: float, error: float | None) -> str:
    if not error:
        return "–"
    ratio = smooth / error
    return f"{ratio:,.0f}" if 100 <= ratio < 1e6 else f"{ratio:.3g}"


def _number(value: float | None) -> str:
    """Four decimals in the usual range, an exponent for what they would hide; 8 characters."""
    if value is None:
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 100:
        return f"{value:.4f}"
    return f"{value:,.0f}" if 100 <= abs(value) < 1e6 else f"{value:.2e}"
