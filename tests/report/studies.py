"""A finished run with all that a report reads, and studies that are made of it."""

import json
from pathlib import Path

import numpy as np

from benchmarks.made_study import Made, make_study
from tests.report.conftest import make_result, make_windows, write_run
from tests.verdict.sweeps import PROVENANCE, config
from zeta_exp.evaluation.spectral_table import run_spectrum
from zeta_exp.metrics import COLUMNS
from zeta_exp.report.evidence import gather
from zeta_exp.report.page import render
from zeta_exp.report.page.commands import commands_of
from zeta_exp.verdict.judge import Request

SMALL = Made(sizes=(2_000, 20_000), seeds=(1, 2), origins=2)


def whole_run(directory: Path, **changes) -> Path:
    """A run of N = 10,000 from 1, as `run.py` leaves it; changes by key of the result."""
    windows = make_windows(noise=0.012)
    told = config(seed=1, start=1, rg=0.1)
    result = make_result(windows) | {
        "updates": 2160,
        "node_visits": 540_000,
        "wall_s": 14.0,
        "peak_rss_mb": 500.0,
        "config": told,
        "config_sha256": "c" * 64,
        "spectrum": run_spectrum(windows["val_pred"], windows["val_true"], 9001),
        "provenance": PROVENANCE
        | {"start": 1, "N": 10_000, "seed": 1, "zeros_sha256": "0" * 64}
        | {"zeros": {"name": "computed"}},
    }
    directory.parent.mkdir(parents=True, exist_ok=True)
    write_run(directory, result | changes, windows)
    _write_metrics(directory / "metrics.csv")
    (directory / ".hydra").mkdir()
    (directory / ".hydra" / "overrides.yaml").write_text(
        "- experiment=quick\n- 'name=''a b'''\n- hydra.run.dir=x\n"
    )
    return directory


def change(run: Path, **values) -> None:
    """Other values of keys of result.json; None takes a key away."""
    path = run / "result.json"
    result = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: value for key, value in result.items() if value is not None}))


def study(folder: Path, made: Made = SMALL) -> Path:
    """A study of copies of one run."""
    run = whole_run(folder.with_name("template"))
    folder.mkdir()
    make_study(run, folder, made)
    return folder


def rendered(folder: Path, *, options: str = "", **question) -> str:
    """The page of a folder."""
    evidence = gather(Request(str(folder), **question))
    return render(evidence, commands_of(evidence, options, "report.html"))


def _write_metrics(path: Path) -> None:
    rows = [",".join(COLUMNS)]
    for epoch in range(1, 13):
        decay = float(0.3 * np.exp(-epoch / 4) + 0.012)
        values = (epoch, 180 * epoch, 45_000 * epoch, epoch, 1e-3, decay, decay, decay, decay)
        rows.append(
            ",".join(map(str, (*values, decay**2, 0.4 + decay, decay**2, decay / 9, decay / 5)))
        )
    path.write_text("\n".join(rows) + "\n")
