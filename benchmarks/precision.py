"""What bfloat16 and TF32 change: the error of a trained model, and the time of a step.

    python -m benchmarks.precision [--quick]

Each format trains the default run (N = 10,000) with the same seeds.  bfloat16 is what
hardware.precision=bfloat16 does; TF32 is emulated on the CPU: the factors of every product, forward
and backward, are rounded to 10 bits of mantissa and multiplied in float32, as tensor cores do.
"""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.harness import Options, Report, Row, in_turn, script
from benchmarks.ours import Setup, Training, experiment, minibatch, streamed
from zeta_exp.strategies import Strategy

SEEDS = (0, 1, 2)
RUN = ("N=10000", "budget.epochs=60", "tracking=none")
QUICK = ("N=1000", "budget.epochs=2", "tracking=none", "features.max_prime=30")
DROPPED_BITS = 13  # of the 23 of a float32 mantissa
STEPS = 10  # updates timed at once
aten = torch.ops.aten
PRODUCTS = {  # and which arguments are factors
    aten.mm: (0, 1),
    aten.bmm: (0, 1),
    aten.mv: (0, 1),
    aten.linear: (0, 1),
    aten.addmm: (1, 2),
    aten.addmm_: (1, 2),
    aten.baddbmm: (1, 2),
    aten.addmv: (1, 2),
}


def rounded(factor: torch.Tensor) -> torch.Tensor:
    """The float32 factor with 10 bits of mantissa, ties away from zero; others as they are."""
    if factor.dtype != torch.float32:
        return factor
    half = 1 << (DROPPED_BITS - 1)
    return ((factor.contiguous().view(torch.int32) + half) & -(2 * half)).view(torch.float32)


class TF32(TorchDispatchMode):
    """Rounds the factors of matrix products as a GPU's tensor cores do."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Calls the operator `func`, its factors rounded where it is a product."""
        factors = PRODUCTS.get(func.overloadpacket, ())
        args = [rounded(arg) if i in factors else arg for i, arg in enumerate(args)]
        return func(*args, **(kwargs or {}))


FORMATS: dict[str, tuple[str, Callable[[], AbstractContextManager[Any]]]] = {
    "float32": ("float32", nullcontext),
    "bfloat16": ("bfloat16", nullcontext),
    "TF32, emulated": ("float32", TF32),
}


def errors(overrides: Sequence[str]) -> tuple[float, float]:
    """RMSE on the validation range and over the next 10% of a run with these arguments."""
    from zeta_exp.report.silence import Silence

    with tempfile.TemporaryDirectory() as directory:
        result = experiment(overrides).run(Path(directory), False, Silence())
    return float(result["val_rmse"]), float(result["extrapolation_error_next10pct"])


def results(report: Report, arguments: Sequence[str]) -> None:
    """Trains every format with every seed; a table of the errors, in mean spacings."""
    columns = ("validation", "next 10%")
    table = [["format", "seed", *columns]]
    means: dict[str, tuple[float, ...]] = {}
    for name, (precision, mode) in FORMATS.items():
        found = []
        for seed in SEEDS:
            with mode():
                found.append(
                    errors([*arguments, f"hardware.precision={precision}", f"seed={seed}"])
                )
            table.append([name, str(seed), *(f"{error:.5f}" for error in found[-1])])
            print("  " + "  ".join(table[-1]), flush=True)
        means[name] = tuple(statistics.mean(column) for column in zip(*found, strict=True))
    report.tables["precision"] = table
    for name, mean in means.items():
        for column, ours, plain in zip(columns, mean, means["float32"], strict=True):
            if name != "float32":
                report.add(Row(f"{column}, {name}", ours, plain, ours / plain, "RMSE"))


def step_times(report: Report, quick: bool) -> None:
    """Seconds of updates in bfloat16 against float32."""
    nodes = 2_000 if quick else 20_000
    cases: dict[str, Strategy] = {
        "minibatch, 4 blocks of 64": minibatch(64, 4),
        "streamed, blocks of 4096": streamed(4096),
    }
    for name, strategy in cases.items():
        functions = {}
        for precision in (torch.float32, torch.bfloat16):
            training = Training(Setup(nodes), strategy)
            training.model.precision = precision
            functions[str(precision)] = lambda training=training: [
                training.step() for _ in range(STEPS)
            ]
        times = in_turn(functions, 1 if quick else 5)
        report.slower(f"step in bfloat16, {name}", times, "torch.bfloat16", "torch.float32")


def measure(report: Report, options: Options) -> None:
    """Errors, then times."""
    results(report, QUICK if options.quick else RUN)
    step_times(report, options.quick)


if __name__ == "__main__":
    script(measure)
