"""The page of a sweep of 60 runs: seconds and bytes, beside what `import torch` takes.

    python -m benchmarks.report [RUN]

RUN is a finished run to be copied; without it `experiment=quick` is run first.  In processes of
their own, on one thread.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import ROOT
from benchmarks.made_study import make_study

SECONDS, BYTES = 30.0, 5_000_000  # at most
ALONE = os.environ | {"OMP_NUM_THREADS": "1"}


def process(*words: str) -> tuple[float, float]:
    """Seconds on the clock and of the processor that a process takes, which must succeed."""
    before, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, env=ALONE, capture_output=True)
    clock, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system
    return clock, used - before.children_user - before.children_system


def main() -> None:
    """Prints both, and fails where the page takes too long or is too large."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = Path(sys.argv[1]) if sys.argv[1:] else folder / "run"
        if not sys.argv[1:]:
            process("run.py", "experiment=quick", f"hydra.run.dir={run}")
        runs = make_study(run, folder / "study")
        page = folder / "report.html"
        command = ("-m", "zeta_exp.cli", "report", str(folder / "study"), "--out", str(page))
        clock, used = process(*command)
        peer, peer_used = process("-c", "import torch")
        size = page.stat().st_size
    print(f"the page of {len(runs)} runs: {clock:.1f} s ({used:.1f} s of the processor)")
    print(f"  import torch: {peer:.1f} s ({peer_used:.1f} s); the page takes {clock / peer:.1f}x")
    print(f"  {size / 1e6:.2f} MB (at most {BYTES / 1e6:.0f}), at most {SECONDS:.0f} s")
    if clock > SECONDS or size > BYTES:
        raise SystemExit("too slow, or too large")


if __name__ == "__main__":
    main()
