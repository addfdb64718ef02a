"""The numbers of README.md and docs/results.md, from runs of the committed code: `make docs`.

Runs each study of the table (about 45 minutes on two cores), or takes it from outputs/results
where this very code completed it, then rewrites the tables between the markers and the figures.
"""

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "outputs" / "results"
SEEDS = range(5)
PARTS = "strategy.parts=141"
STREAMED = "strategy=streamed N=100000 strategy.steps_per_epoch=88 loss=seed"
MILLION = "N=1000000 features.max_prime=1000"
MANY = f"strategy=streamed {MILLION} strategy.steps_per_epoch=700"
HIGH = "start=1000000000000"
CODE = ("run.py", "conf", "zeta_exp", "constraints.txt")  # what the numbers depend on


@dataclass(frozen=True)
class Study:
    """One row: what it is, how it is run, and over how many seeds."""

    title: str
    overrides: str
    seeds: Iterable[int] = (0,)

    def results(self) -> list[Mapping[str, Any]]:
        """The result.json of each seed, run where it is missing."""
        return [self._result(seed) for seed in self.seeds]

    def _result(self, seed: int) -> Mapping[str, Any]:
        words = f"{self.overrides} seed={seed}".split()
        directory = RUNS / " ".join(words).replace("/", "-").replace(" ", ",")
        path = directory / "result.json"
        if not _is_current(path):
            print("running", " ".join(words), flush=True)
            shutil.rmtree(directory, ignore_errors=True)
            run = f"hydra.run.dir='{directory}'"
            subprocess.run([sys.executable, "run.py", *words, run], cwd=ROOT, check=True)
        return json.loads(path.read_text())


def _is_current(path: Path) -> bool:
    """True if the run completed on a commit whose code is today's."""
    if not path.exists():
        return False
    result = json.loads(path.read_text())
    commit = result.get("provenance", {}).get("git")
    unchanged = ["git", "diff", "--quiet", str(commit), "--", *CODE]
    same = subprocess.run(unchanged, cwd=ROOT, capture_output=True, check=False).returncode == 0
    return same and result["status"] == "completed"


STUDIES = [
    Study("default: minibatch, N = 10,000", "", SEEDS),
    Study("a quick look", "experiment=quick", SEEDS),
    Study("full batch, N = 10,000", "strategy=fullbatch", range(3)),
    Study("full batch, N = 50,000", "strategy=fullbatch N=50000"),
    Study("streamed, N = 10,000: the full batch's gradients", "strategy=streamed"),
    Study("streamed, exact steps on each 88th, N = 100,000, all four terms", STREAMED),
    Study("minibatch, N = 100,000", "N=100000", SEEDS),
    Study("minibatch, N = 1,000,000, P = 1000", MILLION, SEEDS),
    Study("the same for three times as long", f"{MILLION} budget.epochs=9"),
    Study("streamed, exact steps on each 700th, N = 1,000,000", MANY),
    Study("from zero 2,000,000, P = 300", "start=2000000"),
    Study("from zero 2,000,000, P = 1000", "start=2000000 features.max_prime=1000", SEEDS),
    Study("from zero 10^12, N = 100,000", f"{HIGH} N=100000", SEEDS),
    Study("from zero 10^12, N = 500,000", f"{HIGH} N=500000"),
    Study("141 contiguous blocks, edges cut", f"{PARTS} strategy.halo=false", SEEDS),
    Study("141 METIS clusters", f"{PARTS} strategy.partition=metis", SEEDS),
    Study("control: shuffled zeros", "zeros=shuffled"),
    Study("control: random matrices (CUE)", "zeros=cue"),
    Study("control: independent levels", "zeros=poisson"),
    Study("control: random frequencies", "features=random_phases"),
    Study("the published formulation", "experiment=seed_replica"),
]
COLUMNS = (
    *("run", "overrides", "next 100", "next 10%", "R², next 10%", "worst/best tenth"),
    *("updates", "s", "RSS, MB"),
)


def number(value: float) -> str:
    """Three significant digits, or a whole number where it is large."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(results: list[Mapping[str, Any]], key: str) -> str:
    """The median over the seeds, and their range where there are several."""
    values = [result[key] for result in results]
    text = number(statistics.median(values))
    return text if len(values) == 1 else f"{text} ({number(min(values))}–{number(max(values))})"


def row(study: Study, results: list[Mapping[str, Any]]) -> list[str]:
    """The cells of a study."""
    return [
        study.title,
        f"`{study.overrides}`" if study.overrides else "",
        spread(results, "extrapolation_error"),
        spread(results, "extrapolation_error_next10pct"),
        number(statistics.median(result["next10pct_r2"] for result in results)),
        number(statistics.median(result["profile_worst_over_best"] for result in results)),
        f"{results[0]['updates']:,}",
        f"{statistics.median(result['wall_s'] for result in results):.0f}",
        f"{max(result['peak_rss_mb'] for result in results):.0f}",
    ]


def baseline_rows(result: Mapping[str, Any]) -> list[list[str]]:
    """The model of the first study beside its baselines."""
    model = {
        "next100": result["extrapolation_error"],
        "next10pct": result["extrapolation_error_next10pct"],
    }
    named = {
        "**this model**": model,
        "smooth count, δ = 0": result["baselines"]["smooth"],
        "AR(2), one step ahead (sees the two zeros before)": result["baselines"]["ar2"],
        "linear on the same features (ridge)": result["baselines"]["linear"],
        "explicit formula, same primes": result["baselines"]["explicit_formula"],
        "Riemann–Siegel, smoothed, nothing learnt (ceiling)": result["baselines"]["riemann_siegel"],
    }
    return [[n, number(e["next100"]), number(e["next10pct"])] for n, e in named.items()]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def between_markers(path: Path, name: str, text: str) -> None:
    """Replaces what stands between the two comments called `name`."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = path.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{path} has no markers {begin} … {end}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def main() -> None:
    """Runs what is missing and rewrites the documents."""
    changed = ["git", "status", "--porcelain", "--", *CODE]
    if subprocess.run(changed, cwd=ROOT, capture_output=True, text=True, check=True).stdout:
        raise SystemExit("commit the code first: its numbers must be those of a commit")
    results = {study: study.results() for study in STUDIES}
    rows = [row(study, found) for study, found in results.items()]
    between_markers(ROOT / "docs" / "results.md", "results", table(COLUMNS, rows))
    first = results[STUDIES[0]][0]
    head = ("N = 10,000, RMSE in mean spacings", "next 100 zeros", "next 1,000 zeros")
    between_markers(ROOT / "README.md", "baselines", table(head, baseline_rows(first)))
    plots = sorted(RUNS.glob("seed=0/plots/*.png"))
    for plot in plots:
        shutil.copy(plot, ROOT / "docs" / "figures" / plot.name)
    print(f"{len(rows)} rows, {len(plots)} figures")


if __name__ == "__main__":
    main()
