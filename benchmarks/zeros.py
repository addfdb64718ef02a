"""Verified zeros a second: the engine against python-flint, alternated in one process.

    python benchmarks/zeros.py

Prints the median of each, its spread (slowest over fastest) and the ratio of the medians.  Both
run on one core; the engine checks completeness by Turing's method, python-flint proves it in ball
arithmetic.
"""

import statistics
import time
from collections.abc import Callable

import flint

from zeta_exp.zeros import generate

ROUNDS = 5


def flint_zeros(start: int, count: int) -> None:
    """Zeros from python-flint at its default precision of 53 bits."""
    flint.acb.zeta_zeros(start, count)


def rate(work: Callable[[int, int], object], start: int, count: int) -> float:
    """Zeros a second of one run."""
    began = time.perf_counter()
    work(start, count)
    return count / (time.perf_counter() - began)


def compare(title: str, ours: tuple[int, int], theirs: tuple[int, int]) -> None:
    """Alternate both, (start, count) each, and print medians and ratio."""
    rates: dict[str, list[float]] = {"zeta_exp": [], "python-flint": []}
    for _ in range(ROUNDS):
        rates["zeta_exp"].append(rate(generate, *ours))
        rates["python-flint"].append(rate(flint_zeros, *theirs))
    print(title)
    for name, values in rates.items():
        spread = max(values) / min(values)
        print(f"  {name:<14}{statistics.median(values):>12,.0f} zeros/s   spread {spread:.2f}")
    ours_rate, theirs_rate = (statistics.median(values) for values in rates.values())
    print(f"  ratio         {ours_rate / theirs_rate:>12,.0f}")


def main() -> None:
    """Compile, then print the two comparisons."""
    generate(1, 30_000)
    # python-flint is timed on samples: the whole would take minutes
    compare("first 10^4 (python-flint: 2,000 from 4,001)", (1, 10**4), (4_001, 2_000))
    compare("first 10^6 (python-flint: 500 from 10^5)", (1, 10**6), (10**5, 500))


if __name__ == "__main__":
    main()
