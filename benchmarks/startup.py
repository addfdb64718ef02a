"""What the plugins of launchers/ add to the start of Hydra: `run.py --info plugins` with, without.

    python -m benchmarks.startup [ROUNDS]

Processes in turn, the median over the rounds of the difference; below 50 ms by design, for a plugin
is found, and its module imported, each time anything starts.
"""

import statistics
import subprocess
import sys
import time

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


def seconds(which: str) -> float:
    """Of one start, and a check that the plugin was there, or was not."""
    words = [sys.executable, "-c", PROGRAM, which, "--info", "plugins"]
    began = time.perf_counter()
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    taken = time.perf_counter() - began
    found = "VertexLauncher" in done.stdout + done.stderr
    if found != (which == "with"):
        raise SystemExit(f"the start {which} the plugins was not one: {done.stdout[-500:]}")
    return taken


def main() -> None:
    """Prints both medians and the difference, and fails where that is too much."""
    rounds = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else ROUNDS
    seconds("with"), seconds("without")  # the disk's cache
    pairs = [(seconds("with"), seconds("without")) for _ in range(rounds)]
    ours, peers = (statistics.median(column) for column in zip(*pairs, strict=True))
    more = statistics.median(ours - peer for ours, peer in pairs)
    print(f"run.py --info plugins, {rounds} rounds in turn, medians:")
    print(f"  with the plugins {1e3 * ours:.0f} ms, without {1e3 * peers:.0f} ms")
    print(f"  difference {1e3 * more:+.0f} ms (at most {1e3 * BOUND:.0f})")
    if more > BOUND:
        raise SystemExit("too slow")


if __name__ == "__main__":
    main()
