"""All benchmarks in one go: ratios on the terminal, one JSON and one figure in outputs/bench.

    python -m benchmarks [--quick] [--docs] [--threads K] [SCRIPT …]

Each script runs in a process of its own.  --quick takes small sizes, drops the bars, which are for
the full ones, and leaves out the scripts that have no small form.  Named scripts are run and joined
to the rows of the others, where those are of the same code.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.figure import margins, save
from benchmarks.harness import OUTPUTS, ROOT, Options, Report, keep, parser, show
from zeta_exp.result import provenance

# those that report rows
SCRIPTS = (
    *("operators", "steps", "memory", "halo", "ranks", "precision", "zeros"),
    *("spacing_heights", "spacing_losses", "loss_noise", "time_to_error", "full_batch"),
    *(("gpu",) if torch.cuda.is_available() else ()),
)
# those that print only
PLAIN = ("zero_accuracy", "nufft", "tables", "startup", "minute", "leaderboard", "report")
CODE = ("zeta_exp", "constraints.txt")  # what is measured
FIGURES = ROOT / "docs" / "figures"


def environment(options: Options) -> dict[str, Any]:
    """What the numbers depend on: commit, versions, machine, threads."""
    recorded = provenance(torch.device("cpu"))
    recorded["versions"] |= {name: version(name) for name in ("pymetis",)}
    return recorded | {
        "threads": options.threads,
        "quick": options.quick,
        "cpu": _cpu(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "load_before": os.getloadavg()[0],
    }


def _cpu() -> str:
    """The processor's own name where the system tells it."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def run(name: str, words: list[str]) -> bool:
    """Runs one script, its lines on the terminal; False where it fails."""
    began = time.monotonic()
    print(f"== {name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *words]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    outcome = "" if code == 0 else f", failed with exit code {code}"
    print(f"== {name}: {time.monotonic() - began:.0f} s{outcome}", flush=True)
    return code == 0


def chosen(given: list[str], quick: bool) -> list[str]:
    """The scripts to run; all that there are where none is named."""
    known = [name for name in (*SCRIPTS, *PLAIN) if (ROOT / f"benchmarks/{name}.py").exists()]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise SystemExit(f"no benchmark is called {unknown[0]}; known: {', '.join(known)}")
    return given or [name for name in known if not (quick and name in PLAIN)]


def still_true(options: Options) -> dict[str, Any]:
    """Rows of an earlier call with the same options on the same code, to be completed."""
    path = OUTPUTS / "bench.json"
    if not path.exists():
        return {}
    content = json.loads(path.read_text())
    before = content["environment"]
    unchanged = ["git", "diff", "--quiet", str(before["git"]), "--", *CODE]
    same = subprocess.run(unchanged, cwd=ROOT, capture_output=True, check=False).returncode == 0
    alike = (before["threads"], before["quick"]) == (options.threads, options.quick)
    return dict(content["benchmarks"]) if same and alike else {}


def main() -> int:
    """Runs the scripts and gathers their rows; 1 where one of them failed."""
    arguments = parser(str(__doc__).partition("\n")[0])
    arguments.add_argument("scripts", nargs="*", metavar="SCRIPT")
    given = arguments.parse_args()
    options = Options(given.quick, given.threads, given.docs)
    content: dict[str, Any] = {"environment": environment(options), "benchmarks": {}}
    if given.scripts:
        content["benchmarks"] = still_true(options)
    failed = []
    for name in chosen(given.scripts, options.quick):
        rows = OUTPUTS / f"{name}.json"
        rows.unlink(missing_ok=True)
        if not run(name, options.words() if name in SCRIPTS else []):
            failed.append(name)
        elif rows.exists():
            content["benchmarks"][name] = json.loads(rows.read_text())
    content["failed"] = failed
    gather(content, options)
    return 1 if failed else 0


def gather(content: dict[str, Any], options: Options) -> None:
    """Prints all rows once more, and writes bench.json and the figure."""
    reports = [Report.from_json(part) for part in content["benchmarks"].values()]
    rows = [row for report in reports for row in report.rows]
    show(rows, "all benchmarks")
    keep(OUTPUTS / "bench.json", content)
    print(f"wrote {OUTPUTS / 'bench.json'}")
    if any(row.bar for row in rows):
        figures = save(margins(rows), OUTPUTS / "bench")
        print("wrote", *figures)
        if options.docs:
            for figure in figures:
                shutil.copy(figure, FIGURES / figure.name)
    missed = [row.name for row in rows if row.met is False]
    print(f"{sum(row.met is not None for row in rows)} bars, {len(missed)} missed")
    for name in [*missed, *(f"{script} failed" for script in content["failed"])]:
        print(f"  {name}")


if __name__ == "__main__":
    sys.exit(main())
