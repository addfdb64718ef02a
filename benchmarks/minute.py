"""Where the seconds of a small run go beside its training: by part, first run and later ones.

    python -m benchmarks.minute [ROUNDS]

`experiment=quick` and the default run, each in processes of its own on one thread, `import torch`
alone in turn with them.  The first run of each finds no cache: numba compiles its loops and the
baselines are computed; the others are medians over the rounds.  Seconds are the processor's, which
neighbours on the machine disturb least.
"""

import builtins
import json
import os
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]  # not the harness's, which imports torch
ROUNDS = 3
RUNS = {"quick": (["experiment=quick"], 4.5), "default": ([], 5.0)}  # seconds beside training
METHODS = {  # part → module, class or none, function: whose time is the part's
    "zeros": [("zeros.source", "ComputedZeros", "_collect")],
    "preparing": [
        ("experiment", "Experiment", "_prepare"),
        ("experiment", "Experiment", "_training"),
        ("experiment", None, "start_from_closed_forms"),
    ],
    "training": [("training", "Training", "run")],
    "validation": [("measurement", "Measurement", "validate")],
    "baselines": [("evaluation.baseline_cache", "BaselineCache", "errors")],
    "evaluation": [("measurement", "Measurement", "measure")],
    "figures": [("report.plots", None, "write_plots")],
}
PARTS = ("imports", *METHODS, "rest")
Seconds = dict[str, float]  # part → seconds of the processor


class Clock:
    """Seconds of the processor by part; a part within another is not counted twice."""

    def __init__(self) -> None:
        self.seconds: Seconds = dict.fromkeys(PARTS, 0.0)
        self._inner: list[float] = []  # of the parts that are open, outermost first

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Counts what happens inside."""
        began = time.process_time()
        self._inner.append(0.0)
        try:
            yield
        finally:
            passed = time.process_time() - began
            self.seconds[name] += passed - self._inner.pop()
            if self._inner:
                self._inner[-1] += passed

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted."""

        @wraps(function)
        def counted(*arguments: Any, **named: Any) -> Any:
            with self.part(name):
                return function(*arguments, **named)

        return counted


def _time_imports(clock: Clock) -> None:
    """Counts the outermost import statements from here on."""
    real, inside = builtins.__import__, False

    def timed(*arguments: Any, **named: Any) -> Any:
        nonlocal inside
        if inside:
            return real(*arguments, **named)
        inside = True
        try:
            with clock.part("imports"):
                return real(*arguments, **named)
        finally:
            inside = False

    builtins.__import__ = timed


def one_run(overrides: list[str]) -> Seconds:
    """A run in this process, by part; what it prints goes to the standard error."""
    clock = Clock()
    _time_imports(clock)
    sys.path.insert(0, str(ROOT))
    from zeta_exp import garbage

    with garbage.paused(), clock.part("imports"):
        for part, places in METHODS.items():
            for module, owner, name in places:
                holder: Any = import_module(f"zeta_exp.{module}")
                holder = getattr(holder, owner) if owner else holder
                setattr(holder, name, clock.timed(part, getattr(holder, name)))
    sys.argv = ["run.py", *overrides]
    try:
        runpy.run_path(str(ROOT / "run.py"), run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    return clock.seconds


def processor(words: list[str], environment: dict[str, str]) -> tuple[float, str]:
    """Seconds of the processor that a process of Python takes, and the last line it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, (done.stdout.splitlines() or [""])[-1]


def measured(overrides: list[str], folder: Path) -> Seconds:
    """Seconds of a run by part, and `total`, with the caches in the folder."""
    caches = {"XDG_CACHE_HOME": str(folder / "cache"), "NUMBA_CACHE_DIR": str(folder / "numba")}
    with tempfile.TemporaryDirectory(dir=folder) as run:
        words = ["-m", "benchmarks.minute", "--one", f"hydra.run.dir={run}", *overrides]
        used, line = processor(words, caches | {"OMP_NUM_THREADS": "1"})
    seconds: Seconds = json.loads(line)
    seconds["rest"] = used - sum(seconds.values())  # Hydra, tables, files, start and end of Python
    return seconds | {"total": used}


def beside(seconds: Seconds) -> float:
    """Seconds of a run that are not its training and the validation between the epochs."""
    return seconds["total"] - seconds["training"] - seconds["validation"]


def compare(name: str, rounds: int) -> None:
    """Prints the parts of a run, without caches and with them."""
    overrides, bound = RUNS[name]
    with tempfile.TemporaryDirectory() as folder:
        cold = measured(overrides, Path(folder))
        warm, torch = [], []
        for _ in range(rounds):
            warm.append(measured(overrides, Path(folder)))
            torch.append(processor(["-c", "import torch"], {"OMP_NUM_THREADS": "1"})[0])
    print(f"{name}: seconds of the processor, of the first run and of later ones")
    for part in (*PARTS, "total"):
        print(f"  {part:<12}{cold[part]:7.2f}{statistics.median(one[part] for one in warm):7.2f}")
    ours, peer = statistics.median(map(beside, warm)), statistics.median(torch)
    print(f"  beside training and validation {ours:.2f} (at most {bound} on an idle core),")
    print(f"  import torch alone {peer:.2f}: {ours / peer:.2f} times", flush=True)


def main() -> None:
    """Prints both runs."""
    if sys.argv[1:2] == ["--one"]:
        said, sys.stdout = sys.stdout, sys.stderr
        seconds = one_run(sys.argv[2:])
        print(json.dumps(seconds), file=said)
        return
    rounds = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else ROUNDS
    for name in RUNS:
        compare(name, rounds)


if __name__ == "__main__":
    main()
