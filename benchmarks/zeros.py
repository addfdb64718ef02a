"""The engine against python-flint and mpmath, at several heights, and what its checks cost.

    python -m benchmarks.zeros [--quick]

Rates are zeros a second on one core, medians of alternated runs with their spread (slowest over
fastest).  The engine checks completeness by Turing's method; python-flint proves it in ball
arithmetic; mpmath computes one zero at a time.  Takes about two and a half minutes.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from unittest.mock import patch

import flint
import mpmath

from benchmarks.harness import Options, Report, Row, script
from zeta_exp.zeros import engine, generate, turing

ROUNDS = 5
Work = Callable[[int, int], object]


def flint_zeros(start: int, count: int) -> None:
    """Zeros from python-flint at its default precision of 53 bits."""
    flint.acb.zeta_zeros(start, count)


def mpmath_zeros(start: int, count: int) -> None:
    """Zeros from mpmath at its default precision of 53 bits."""
    for n in range(start, start + count):
        mpmath.zetazero(n)


def engine_zeros(start: int, count: int) -> None:
    """Checked zeros as base + offsets with their residuals."""
    for _ in engine.stream(start, count):
        pass


def seconds(work: Work, start: int, count: int) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    work(start, count)
    return time.perf_counter() - began


def alternate(*runs: tuple[str, Work, int, int], rounds: int = ROUNDS) -> list[float]:
    """Run each in turn, print and return their median rates."""
    rates: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for own, (_, work, start, count) in zip(rates, runs, strict=True):
            own.append(count / seconds(work, start, count))
    for own, (name, _, start, count) in zip(rates, runs, strict=True):
        what = f"{name}, {count:,} from {start:,}"
        spread = max(own) / min(own)
        print(f"  {what:<46}{statistics.median(own):>12,.0f} zeros/s   spread {spread:.2f}")
    return [statistics.median(own) for own in rates]


def against_peers(report: Report, quick: bool) -> None:
    """The comparisons with other programs, which are timed on samples."""
    comparisons: list[tuple[tuple[str, Work, int, int], int]] = [
        (("python-flint", flint_zeros, 4_001, 2_000), 10**4),
        (("python-flint", flint_zeros, 10**5, 500), 10**6),
        (("mpmath", mpmath_zeros, 10**6, 3), 10**6),
    ]
    for peer, count in comparisons[:1] if quick else comparisons:
        what = f"first {count:,} against {peer[0]} at {peer[2]:,}"
        print(what)
        rounds = 1 if quick else ROUNDS
        ours, theirs = alternate(("zeta_exp", generate, 1, count), peer, rounds=rounds)
        report.add(Row(what, ours, theirs, ours / theirs, "zeros/s"))


def growth() -> None:
    """Print how time grows with the number of zeros and with height."""
    print("growth")
    alternate(("zeta_exp", generate, 1, 10**5))
    million, ten = alternate(("zeta_exp", generate, 1, 10**6), ("zeta_exp", generate, 1, 10**7))
    print(f"  T(10^7)/T(10^6) = {10 * million / ten:.1f}")
    places = (10**6, 10**9, 10**10, 10**11, 10**12)
    low, *high = alternate(*(("zeta_exp", engine_zeros, n, 4 * 10**6) for n in places))
    for n, rate in zip(places[1:], high, strict=True):
        print(f"  rate at {n:.0e} over rate at 1e+06: {rate / low:.2f}")


def least_request() -> None:
    """Print the time for a single zero high up, which costs the blocks around it too."""
    for n in (10**12, 10**13):
        pairs = [(seconds(engine_zeros, n, 1), seconds(flint_zeros, n, 1)) for _ in range(3)]
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"one zero, number {n:.0e}: {ours:.2f} s, python-flint {theirs:.2f} s")


def cost_of_checks() -> None:
    """Print the share of the time that Turing's check takes."""
    spent = 0.0
    check, likely = turing.check, turing.FoundBlock.most_likely_below

    def timed(work: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            nonlocal spent
            began = time.perf_counter()
            result = work(*arguments)
            spent += time.perf_counter() - began
            return result

        return run

    with (
        patch.object(turing, "check", timed(check)),
        patch.object(turing.FoundBlock, "most_likely_below", timed(likely)),
    ):
        for start in (1, 10**12):
            shares = []
            for _ in range(ROUNDS):
                spent = 0.0
                whole = seconds(engine_zeros, start, 10**6)
                shares.append(spent / whole)
            print(f"checks: {statistics.median(shares):.1%} of the time for 10^6 from {start:,}")


def first_use() -> None:
    """Print what a new process needs for 10,000 zeros, imports included: cold, then cached."""
    code = "from zeta_exp.zeros import generate; generate(1, 10_000)"
    with tempfile.TemporaryDirectory() as cache:
        for name in ("first", "second", "third"):
            began = time.perf_counter()
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            print(f"{name} process, first 10,000 zeros: {time.perf_counter() - began:.1f} s")


def measure(report: Report, options: Options) -> None:
    """Compile, then print everything."""
    generate(1, 30_000)
    against_peers(report, options.quick)
    if not options.quick:
        growth()
        least_request()
        cost_of_checks()
        first_use()


if __name__ == "__main__":
    script(measure)
