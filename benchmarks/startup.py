"""What the plugins of launchers/ add to the start of Hydra: `run.py --info plugins` with, without.

    python -m benchmarks.startup [ROUNDS]

Processes in turn, the median over the rounds of the difference; below 50 ms by design, for a plugin
is found, and its module imported, each time anything starts.  The bound is on the processor's time,
which neighbours on the machine leave as it is; beside it stands the time that passes.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.harness import ROOT

BOUND = 0.050  # seconds
ROUNDS = 15
PROGRAM = """
import runpy, sys
if sys.argv.pop(1) == "without":
    sys.path[:] = [entry for entry in sys.path if not entry.endswith("launchers")]
sys.argv[0] = "run.py"
runpy.run_path("run.py", run_name="__main__")
"""


def processor() -> float:
    """Seconds that the processes started so far have kept a processor busy."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(which: str) -> tuple[float, float]:
    """Of the processor and of the clock for one start; checks that the plugin was there, or not."""
    words = [sys.executable, "-c", PROGRAM, which, "--info", "plugins"]
    before, began = processor(), time.perf_counter()
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    worked, passed = processor() - before, time.perf_counter() - began
    found = "VertexLauncher" in done.stdout + done.stderr
    if found != (which == "with"):
        raise SystemExit(f"the start {which} the plugins was not one: {done.stdout[-500:]}")
    return worked, passed


def compared(clock: str, ours: Sequence[float], peers: Sequence[float]) -> float:
    """Prints the medians of a clock; returns the median difference in seconds."""
    more = statistics.median(our - peer for our, peer in zip(ours, peers, strict=True))
    medians = [1e3 * statistics.median(times) for times in (ours, peers)]
    print(
        f"  {clock}: with the plugins {medians[0]:.0f} ms, without {medians[1]:.0f} ms, "
        f"difference {1e3 * more:+.0f} ms"
    )
    return more


def main() -> None:
    """Prints what both clocks say, and fails where the plugins take the processor too long."""
    rounds = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else ROUNDS
    seconds("with"), seconds("without")  # the disk's cache
    pairs = [(seconds("with"), seconds("without")) for _ in range(rounds)]
    ours, peers = (list(zip(*times, strict=True)) for times in zip(*pairs, strict=True))
    print(f"run.py --info plugins, {rounds} rounds in turn, medians:")
    worked = compared("processor", ours[0], peers[0])
    compared("clock", ours[1], peers[1])
    if worked > BOUND:
        raise SystemExit(f"too slow: the plugins may take {1e3 * BOUND:.0f} ms of the processor")


if __name__ == "__main__":
    main()
