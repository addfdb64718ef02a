"""The leaderboard over many run directories: `zeta leaderboard` against json.load of every file.

    python -m benchmarks.leaderboard [RUNS, 10,000 by default]

The directories are made in a temporary folder, each with a result.json of the size that a run
leaves (16 kB), 400 MB in all.  Both are processes of their own, their start included.
"""

import copy
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import ROOT
from tests.verdict.sweeps import PROVENANCE, config

RUNS = 10_000
BOUND = 5.0  # seconds of the command for so many
ROUNDS = 3
SEEDS = 5
SIZE = 16_000  # bytes of a result.json
PEER = """
import json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("result.json"):
    json.loads(path.read_bytes())
"""
STRATEGIES = ("FullBatch", "MiniBatch", "Streamed")


class Seconds(NamedTuple):
    """What a process took."""

    wall: float
    processor: float  # user and system: what other programs on the machine don't lengthen


def make(folder: Path, runs: int) -> None:
    """Run directories as sweeps leave them: every fifth is another configuration."""
    curve = [round(0.1 * place**0.5, 12) for place in range(600)]  # stands for the spectrum
    for number in range(runs):
        place, seed = divmod(number, SEEDS)
        told = copy.deepcopy(config(seed, 1 + 20_000 * (place % 7), 0.01 * (place % 11)))
        told["strategy"]["_target_"] = f"zeta_exp.strategies.{STRATEGIES[place % 3]}"
        told["optimizer"]["lr"] = 0.001 + 1e-5 * place
        error = 0.02 + 1e-6 * number
        result = {
            "status": "completed",
            "updates": 2400,
            "wall_s": 14.0,
            "extrapolation_error": error,
            "extrapolation_error_next10pct": 1.1 * error,
            "val_rmse": 0.9 * error,
            "config": told,
            "provenance": PROVENANCE,
            "spectrum": curve,
        }
        text = json.dumps(result, indent=2)
        directory = folder / f"{number // 100}" / f"{number % 100}"
        directory.mkdir(parents=True)
        (directory / "result.json").write_text(text + " " * max(0, SIZE - len(text)))
        (directory / "config.yaml").write_text("N: 10000\n")


def ours(folder: Path) -> Seconds:
    """The command's, its start included."""
    return timed([sys.executable, "-m", "zeta_exp.cli", "leaderboard", str(folder)])


def peer(folder: Path) -> Seconds:
    """Those of a process that finds and parses the files, and does nothing with them."""
    return timed([sys.executable, "-c", PEER, str(folder)])


def timed(command: list[str]) -> Seconds:
    """Runs a command to its end."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Seconds(time.perf_counter() - began, used)


def main() -> None:
    """Prints the medians and their ratio, and fails where the command takes too long."""
    runs = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else RUNS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, runs)
        ours(folder), peer(folder)  # the disk's cache
        pairs = [(ours(folder), peer(folder)) for _ in range(ROUNDS)]
    print(f"{runs:,} run directories, {ROUNDS} rounds in turn, medians:")
    for kind in Seconds._fields:
        times = [(getattr(own, kind), getattr(plain, kind)) for own, plain in pairs]
        one, other = (statistics.median(side) for side in zip(*times, strict=True))
        ratio = statistics.median(a / b for a, b in times)
        print(f"  {kind}: zeta leaderboard {one:.2f} s, json.load {other:.2f} s, ratio {ratio:.2f}")
    used = statistics.median(own.processor for own, _ in pairs)
    print(f"  processor time at most {BOUND:.0f} s for {RUNS:,}")
    if runs == RUNS and used > BOUND:
        raise SystemExit("too slow")


if __name__ == "__main__":
    main()
