"""Made-up sweeps: run directories as a sweep leaves them, with errors of our choice."""

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from zeta_exp.errors import UserError
from zeta_exp.verdict.judge import Request, judge

PROVENANCE = {
    "git": "4433ac037d50e9e757a7456fb80684a64e675a94",
    "dirty": False,
    "versions": {"python": "3.11.7", "torch": "2.13.0"},
    "device": "cpu (x86_64)",
    "threads": 1,
}
METRICS = "epoch,updates,node_visits,wall_s,val_rmse\n"


def config(seed, start, rg, N=10_000, P=300, **changes):
    """A resolved config; changes by dotted key."""
    made = {
        "N": N,
        "start": start,
        "seed": seed,
        "target": "residual",
        "budget": {"_target_": "zeta_exp.training.Budget", "epochs": 60},
        "zeros": {"_target_": "zeta_exp.zeros.source.ComputedZeros"},
        "features": {"_target_": "zeta_exp.features.PrimePhases", "max_prime": P},
        "loss": {
            "weights": {"mse": 1.0, "gue_nll": 0.0, "gue_mmd": 0.05, "rg": rg},
            "rg": {"form": "block_spin", "scales": [2, 4]},
        },
        "optimizer": {"lr": 0.004},
        "strategy": {"_target_": "zeta_exp.strategies.Streamed", "seed": seed},
        "tracking": {"_target_": "zeta_exp.tracking.NoTracker"},
        "evaluation": {"max_prime": P},
    }
    for key, value in changes.items():
        place = made
        *above, last = key.split(".")
        for name in above:
            place = place.setdefault(name, {})
        place[last] = value
    return made


@dataclass
class Sweep:
    """A directory being filled."""

    folder: Path
    runs: int = 0
    plan: dict = field(default_factory=dict)

    def add(self, seed, start, rg, error=0.02, *, name=None, changes=None, epochs=(), **result):
        """One run; `changes` of its config, `epochs` of metrics.csv, further keys of the result."""
        told = config(seed, start, rg, **(changes or {}))
        directory = self.folder / (name or str(self.runs))
        directory.mkdir(parents=True)
        self.runs += 1
        provenance = copy.deepcopy(PROVENANCE)
        provenance |= {"zeros_sha256": f"{start:064x}", "N": told["N"], "start": start}
        provenance |= result.pop("provenance", {})
        written = {
            "status": "completed",
            "updates": 2400,
            "node_visits": 540_000,
            "wall_s": 14.0 + rg,
            "peak_rss_mb": 500.0,
            "extrapolation_error_next10pct": error,
            "next10pct_r2": 0.99,
            "val_rmse": 0.9 * error,
            "config": told,
            "provenance": provenance,
        }
        (directory / "result.json").write_text(json.dumps(written | result))
        lines = epochs or [(1, 40, 9000, 0.5, 9 * error), (2, 80, 18000, 1.0, 0.9 * error)]
        rows = (",".join(map(str, line)) + "\n" for line in lines)
        (directory / "metrics.csv").write_text(METRICS + "".join(rows))
        return directory

    def pairs(self, cells, rg=0.1, *, starts=None, without=0.02, **options):
        """Two arms whose log ratios without / with are the (S, O) `cells`."""
        seeds, origins = cells.shape
        starts = starts or [1_000_000 + 20_000 * place for place in range(origins)]
        for place, start in enumerate(starts):
            for seed in range(seeds):
                wobble = without * np.exp(0.1 * np.sin(7 * seed + place))  # cancels in a pair
                self.add(seed, start, 0.0, float(wobble), **options)
                with_it = float(wobble * np.exp(-cells[seed, place]))
                self.add(seed, start, rg, with_it, **options)

    def study(self, phases=None, **keys):
        """study.json: every run so far confirms, or what `phases` says of it."""
        phases = phases or {}
        runs = {
            path.parent.relative_to(self.folder).as_posix(): {"phase": "confirm"}
            for path in self.folder.rglob("result.json")
        }
        for name, phase in phases.items():
            runs[name] = {"phase": phase}
        self.plan = {"name": "made_up", "factor": "loss.weights.rg", "tuned": [], "runs": runs}
        (self.folder / "study.json").write_text(json.dumps(self.plan | keys))


def noisy(effect, *, seeds=10, origins=5, sd=0.02, seed=0):
    """(S, O) log ratios whose mean is exactly `effect`."""
    cells = np.random.default_rng(seed).normal(0, sd, (seeds, origins))
    return cells - cells.mean() + effect


def judged(sweep, *allow, **request):
    return judge(Request(str(sweep.folder), allow=allow, **request))


def refusal(sweep, *allow, **request):
    with pytest.raises(UserError) as caught:
        judged(sweep, *allow, **request)
    return str(caught.value)


def rewrite(directory, change):
    """Edit a run's result."""
    path = directory / "result.json"
    result = json.loads(path.read_text())
    change(result)
    path.write_text(json.dumps(result))
