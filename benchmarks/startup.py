"""What a user waits for before anything happens: both --help texts, and what plugins cost.

    python -m benchmarks.startup [ROUNDS]

Processes in turn, medians over the rounds.  `run.py --help` and `zeta --help` beside the time that
`import torch` alone takes; below a second by design.  `run.py --info plugins` with the plugins of
launchers/ and without; below 50 ms more by design, for a plugin is found, and its module imported,
each time anything starts.  That bound is on the processor's time, which neighbours on the machine
leave as it is; beside it stands the time that passes.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.harness import ROOT

HELP_BOUND = 1.0  # seconds
BOUND = 0.050  # seconds
ROUNDS = 15
PROGRAM = """
import runpy, sys
if sys.argv.pop(1) == "without":
    sys.path[:] = [entry for entry in sys.path if not entry.endswith("launchers")]
sys.argv[0] = "run.py"
runpy.run_path("run.py", run_name="__main__")
"""
HELPS = {
    "run.py --help": ("run.py", "--help"),
    "zeta --help": ("-m", "zeta_exp.cli", "--help"),
    "import torch": ("-c", "import torch"),
}


def timed(*words: str) -> tuple[float, str]:
    """Seconds of a process of Python, and what it said."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - began, done.stdout + done.stderr


def processor() -> float:
    """Seconds that the processes started so far have kept a processor busy."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(which: str) -> tuple[float, float]:
    """Of the processor and of the clock for one start; checks that the plugin was there, or not."""
    before = processor()
    passed, said = timed("-c", PROGRAM, which, "--info", "plugins")
    if ("VertexLauncher" in said) != (which == "with"):
        raise SystemExit(f"the start {which} the plugins was not one: {said[-500:]}")
    return processor() - before, passed


def helps(rounds: int) -> bool:
    """Prints the medians of both helps and of torch; whether both are fast enough."""
    each = [{name: timed(*words)[0] for name, words in HELPS.items()} for _ in range(rounds)]
    medians = {name: statistics.median(one[name] for one in each) for name in HELPS}
    for name, taken in medians.items():
        ratio = statistics.median(one[name] / one["import torch"] for one in each)
        print(f"  {name:<14} {1e3 * taken:6.0f} ms, {ratio:.2f} of import torch")
    del medians["import torch"]
    print(f"  (at most {1e3 * HELP_BOUND:.0f} ms)")
    return max(medians.values()) <= HELP_BOUND


def compared(clock: str, ours: Sequence[float], peers: Sequence[float]) -> float:
    """Prints the medians of a clock; returns the median difference in seconds."""
    more = statistics.median(our - peer for our, peer in zip(ours, peers, strict=True))
    medians = [1e3 * statistics.median(times) for times in (ours, peers)]
    print(
        f"  {clock}: with the plugins {medians[0]:.0f} ms, without {medians[1]:.0f} ms, "
        f"difference {1e3 * more:+.0f} ms"
    )
    return more


def plugins(rounds: int) -> bool:
    """Prints what both clocks say; whether the plugins take the processor little enough."""
    seconds("with"), seconds("without")  # the disk's cache
    pairs = [(seconds("with"), seconds("without")) for _ in range(rounds)]
    ours, peers = (list(zip(*times, strict=True)) for times in zip(*pairs, strict=True))
    worked = compared("processor", ours[0], peers[0])
    compared("clock", ours[1], peers[1])
    return worked <= BOUND


def main() -> None:
    """Fails where something takes too long."""
    rounds = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else ROUNDS
    print(f"{rounds} rounds in turn, medians; --help:")
    fast = [helps(rounds)]
    print(f"run.py --info plugins (at most {1e3 * BOUND:.0f} ms more of the processor):")
    fast.append(plugins(rounds))
    if not all(fast):
        raise SystemExit("too slow")


if __name__ == "__main__":
    main()
