"""Two processes of one thread against one of two: the streamed step's gradient and its time."""

import json
import os
import statistics
import subprocess
import sys
import time

import torch

from benchmarks.harness import ROOT, Options, Report, Row, script

LAUNCHER = ("-m", "torch.distributed.run", "--standalone")
SCALE = {False: (100_000, 5), True: (20_000, 2)}  # quick: ordinals, rounds


def seconds(processes: int, threads: int, nodes: int, file: str) -> float:
    """Median seconds of a streamed step, by processes that are started for it."""
    arguments = (str(nodes), str(threads), file)
    program = ("-m", "benchmarks.ranks", "--step", *arguments)
    front = (*LAUNCHER, f"--nproc_per_node={processes}") if processes > 1 else ()
    done = subprocess.run(
        [sys.executable, *front, *program],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def step(nodes: int, threads: int, file: str) -> None:
    """One of the processes: times steps, and the first one writes the gradient."""
    from zeta_exp.batch import Line
    from zeta_exp.features import PrimePhases
    from zeta_exp.losses import make_loss
    from zeta_exp.models import Relational
    from zeta_exp.ranks import joined
    from zeta_exp.split import Split
    from zeta_exp.strategies import Accumulation, ExactGradient, Streamed
    from zeta_exp.target import ResidualTarget

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    line = Line(PrimePhases(150), (1,), ResidualTarget(), dtype=torch.float64)
    model = Relational(line.features.dim, line.offsets, hidden=64).double()
    loss = make_loss({"mse": 1.0, "gue_mmd": 0.05}, "smooth", {"form": "block_spin"})
    split, times = Split(1, nodes), []
    with joined() as ranks:
        exact = ExactGradient(model, loss, ranks)
        visits = Streamed(4096, 1, seed=0).open(line, split, loss, model, ranks)
        for epoch in range(4):
            began = time.perf_counter()
            for taken in visits.epoch(epoch):
                for _ in exact.of(taken, Accumulation()):
                    pass
            times.append(time.perf_counter() - began)
        if ranks.first:
            torch.save(torch.cat([p.grad.flatten() for p in model.parameters()]), file)
            print(json.dumps(statistics.median(times[1:])))


def measure(report: Report, options: Options) -> None:
    """Error of the gradient of two processes, and the ratio of times, one after the other."""
    import tempfile

    nodes, rounds = SCALE[options.quick]
    ratios, ours, peers = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        two, one = f"{folder}/two.pt", f"{folder}/one.pt"
        for _ in range(rounds):
            ours.append(seconds(2, 1, nodes, two))
            peers.append(seconds(1, 2, nodes, one))
            ratios.append(peers[-1] / ours[-1])
        expected = torch.load(one)
        error = float((torch.load(two) - expected).norm() / expected.norm())
    report.limit("gradient of two processes, relative error", error, "", 1e-10)
    name = f"streamed step of {nodes:,} zeros: two processes of one thread, one of two"
    median = statistics.median
    report.add(Row(name, median(ours), median(peers), median(ratios), "s"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        step(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        script(measure)
