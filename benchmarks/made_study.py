"""A study made of one real run: its directory copied, with another error in each copy.

What a report shows of it means nothing; it has the files and sizes of a study.
"""

import copy
import csv
import io
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from zeta_exp.evaluation.profile import Profile
from zeta_exp.split import Split

ERROR = "extrapolation_error_next10pct"


@dataclass(frozen=True)
class Made:
    """What the copies differ in."""

    levels: Sequence[float] = (0.1, 0.0)  # of the penalty rg
    sizes: Sequence[int] = (2_000, 20_000, 200_000)
    seeds: Sequence[int] = (1, 2, 3, 4, 5)
    origins: int = 2
    effect: float = 0.1  # log error without rg / with it
    control_r2: float = -0.03  # of the one control


def make_study(run: Path, folder: Path, made: Made = Made()) -> list[Path]:
    """Fill `folder` with copies of a finished run and their study.json; the directories made."""
    rng = np.random.default_rng(0)
    runs: dict[str, dict[str, Any]] = {}
    directories = []
    for N, origin, seed in product(made.sizes, range(made.origins), made.seeds):
        start = 1_000_001 + origin * 2 * max(made.sizes)
        for level in made.levels:
            arm = "streamed_rg" if level else "streamed"
            name = f"confirm/{arm}-N_{N}-seed_{seed}-start_{start}"
            told = {"N": N, "seed": seed, "start": start, "loss.weights.rg": level}
            scale = (N / 2_000) ** -0.2 * math.exp(0.05 * rng.standard_normal())
            if not level:
                scale *= math.exp(made.effect)
            directories.append(_copy(run, folder / name, told, scale, rng))
            runs[name] = {"phase": "confirm", "arm": arm, "loss": "default"}
    control = _copy(run, folder / "control" / "shuffled", {"seed": made.seeds[0]}, 9.0, rng)
    _change(control, {"next10pct_r2": made.control_r2})
    runs["control/shuffled"] = {"phase": "control", "arm": "streamed"}
    plan = {"name": "made", "factor": "loss.weights.rg", "tuned": [], "chosen": {}, "runs": runs}
    (folder / "study.json").write_text(json.dumps(plan))
    return [*directories, control]


def _copy(
    run: Path, directory: Path, told: Mapping[str, Any], scale: float, rng: np.random.Generator
) -> Path:
    """A copy whose errors are `scale` times as large, with its config changed by dotted key."""
    shutil.copytree(run, directory, ignore=shutil.ignore_patterns("checkpoint", "plots"))
    result = json.loads((directory / "result.json").read_text())
    for key, value in told.items():
        _set(result["config"], key, value)
    _set(result["config"], "strategy.seed", told["seed"])
    result["provenance"] |= {key: told[key] for key in ("N", "start", "seed") if key in told}
    result["provenance"]["zeros_sha256"] = f"{told.get('start', 0)}-{told.get('N', 0)}"
    for key in (ERROR, "extrapolation_error", "val_rmse"):
        result[key] *= scale
    if (profile := Profile.of(result)) is not None:
        split = Split(result["provenance"]["start"], result["provenance"]["N"])
        result |= Profile.over(split, scale * profile.rmse).as_result()
    growth = told.get("N", 2_000) / 2_000
    result["wall_s"] *= growth**0.9
    result["peak_rss_mb"] *= 1 + 0.02 * growth
    (directory / "result.json").write_text(json.dumps(result))
    _scale_predictions(directory / "predictions.npz", scale)
    _scale_metrics(directory / "metrics.csv", scale * math.exp(0.02 * rng.standard_normal()))
    return directory


def _set(config: dict[str, Any], key: str, value: Any) -> None:
    *above, last = key.split(".")
    for name in above:
        config = config[name]
    config[last] = value


def _change(directory: Path, values: Mapping[str, Any]) -> None:
    path = directory / "result.json"
    path.write_text(json.dumps(copy.deepcopy(json.loads(path.read_text())) | values))


def _scale_predictions(path: Path, scale: float) -> None:
    with np.load(path) as arrays:
        held = dict(arrays)
    for name in ("val", "ext"):
        true = held[f"{name}_true"]
        held[f"{name}_pred"] = true + scale * (held[f"{name}_pred"] - true)
    np.savez(path, **held)


def _scale_metrics(path: Path, scale: float) -> None:
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    for row in rows:
        for key in ("val_rmse", "extrapolation_error"):
            row[key] = f"{scale * float(row[key]):.9g}"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
