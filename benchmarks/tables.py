"""Tables of zeros: peak memory and time of making and checking them, reading against NumPy.

    python benchmarks/tables.py [largest count, 1e8 by default]

Each command runs in a process of its own, whose peak resident memory is that of the operating
system's account.  Needs 0.9 GB of disk; takes about two and a half minutes.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zeta_exp.zeros import generate
from zeta_exp.zeros.formats import read, write
from zeta_exp.zeros.stretch import Stretch

ROUNDS = 5
LINES = 10**6  # of the text file that is read
WORKERS = "2"


def command(*arguments: str) -> tuple[float, float]:
    """Seconds and peak megabytes of one `zeta zeros` command, which must succeed."""
    began = time.perf_counter()
    child = os.spawnv(
        os.P_NOWAIT, sys.executable, [sys.executable, "-m", "zeta_exp.cli", "zeros", *arguments]
    )
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"zeta zeros {' '.join(arguments)} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def made_and_checked(count: int, folder: Path) -> float:
    """Print what making, checking and describing a table takes; returns the memory of the first."""
    path = str(folder / str(count))
    memory = 0.0
    for arguments in (
        ("generate", "--count", str(count), "--out", path, "--workers", WORKERS),
        ("verify", path),
        ("verify", path, "--deep", "--workers", WORKERS),
        ("stats", path),
    ):
        took, megabytes = command(*arguments)
        memory = memory or megabytes
        what = " ".join(word for word in arguments if word not in (path, "--out"))
        rate = count / took
        print(
            f"  {what:<42}{took:>7.1f} s {rate:>12,.0f} zeros/s {megabytes:>7,.0f} MB", flush=True
        )
    return memory


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one of the rounds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def reading(folder: Path) -> None:
    """Print the time for a text file, ours (checked line by line) against numpy.loadtxt."""
    path = folder / "zeros.txt"
    write(str(path), [Stretch(1, 0.0, generate(1, LINES))], "text")

    def ours() -> None:
        for _ in read(str(path)).stretches():
            pass

    pairs = [(seconds(ours), seconds(lambda: np.loadtxt(path))) for _ in range(ROUNDS)]
    own, numpy = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"text of {LINES:,} lines: {own:.2f} s, numpy.loadtxt {numpy:.2f} s: {numpy / own:.1f}x")


def main() -> None:
    """Print everything."""
    largest = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10**8
    with tempfile.TemporaryDirectory() as name:
        print(f"tables of {largest // 10:,} and {largest:,} zeros")
        tenth, whole = (made_and_checked(n, Path(name)) for n in (largest // 10, largest))
        print(f"  memory for {largest:,} over memory for a tenth: {whole / tenth:.2f}")
        reading(Path(name))


if __name__ == "__main__":
    main()
