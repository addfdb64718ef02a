"""Peak memory of training above that of the imports, each run in a process of its own.

    python -m benchmarks.memory [--quick]

The model that the configuration gives as many zeros (relational, neighbours, up to 48 wide and 16
deep, odd), primes to 300: one exact step with all four losses, streamed or plain, one step of
PyTorch Geometric's full batch with the mean squared error alone and a model of eight layers of 48,
and the first 1,000 blocks of an epoch of mini-batches.
"""

from collections.abc import Callable, Sequence

from benchmarks.harness import Options, Report, Usage, in_fresh_process, script
from benchmarks.ours import minibatch_steps, plain_step, streamed_step
from benchmarks.peers.pyg import full_batch_step

LIMITS = {10**6: 250.0, 10**7: 450.0}  # bars of a streamed step with rg, MB
DIFFERENCE = 50.0  # bar between mini-batches at 10^5 and at 10^9, MB
LARGEST_MB = 10_000.0  # beyond this a variant is not run
LONGEST_S = 300.0
BLOCKS, PER_STEP = 1_000, 4


def growing(
    report: Report,
    title: str,
    function: Callable[[int], None],
    sizes: Sequence[int],
    threads: int,
    flat: bool,
) -> None:
    """Rows for growing N, until one would take too much memory or time by the one before.

    flat: memory is not expected to grow with N; what is too slow is then run as large as it can.
    """
    last: tuple[int, Usage] | None = None
    for wanted in sizes:
        nodes = wanted
        if last is not None:
            before, usage = last
            if not flat and usage.peak_mb * nodes / before > LARGEST_MB:
                return
            multiple = int(min(wanted / before, LONGEST_S / usage.seconds))
            if multiple < 2:
                return
            nodes = before * multiple
        usage = in_fresh_process(function, threads, nodes=nodes)
        bar = LIMITS.get(wanted) if flat else None
        report.limit(f"{title}, N = {nodes:,}", usage.peak_mb, "MB", bar)
        last = nodes, usage


def mini_batches(report: Report, sizes: Sequence[int], threads: int) -> None:
    """Rows for mini-batches, and the largest difference between them."""
    peaks = []
    for nodes in sizes:
        steps = BLOCKS // PER_STEP
        usage = in_fresh_process(minibatch_steps, threads, nodes=nodes, steps=steps)
        peaks.append(usage.peak_mb)
        report.limit(f"minibatch, {BLOCKS:,} blocks, N = {nodes:,}", usage.peak_mb, "MB")
    title = f"minibatch, most over least, N = {sizes[0]:,} … {sizes[-1]:,}"
    report.limit(title, max(peaks) - min(peaks), "MB", DIFFERENCE)


def measure(report: Report, options: Options) -> None:
    """All rows."""
    threads = options.threads
    if options.quick:
        streamed, whole, mini = (10**4, 10**5), (10**4,), (10**5, 10**7)
    else:
        streamed, whole, mini = (10**5, 10**6, 10**7), (10**5, 10**6), (10**5, 10**7, 10**9)
    growing(report, "streamed with rg", streamed_step, streamed, threads, flat=True)
    growing(report, "plain full batch with rg", plain_step, whole, threads, flat=False)
    growing(report, "PyG full batch", full_batch_step, whole, threads, flat=False)
    mini_batches(report, mini, threads)


if __name__ == "__main__":
    script(measure)
