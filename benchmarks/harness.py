"""What the benchmarks share: functions timed in turn, memory of fresh processes, rows of ratios.

A script that compares has `measure(report, options)` and ends in `script(measure)`.  It runs alone
as `python -m benchmarks.steps`, or with all others as `python -m benchmarks`.
"""

import argparse
import gc
import importlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import torch

MIB = 2**20
ROOT = Path(__file__).parents[1]
OUTPUTS = ROOT / "outputs" / "bench"
PAGES = (ROOT / "docs" / "scale.md", ROOT / "docs" / "losses.md")
Functions = Mapping[str, Callable[[], object]]


class Rounds(dict[str, list[float]]):
    """Seconds of each function in each of the rounds they took in turn."""

    def medians(self) -> dict[str, float]:
        """Median seconds of each function."""
        return {name: statistics.median(seconds) for name, seconds in self.items()}

    def ratio(self, over: str, under: str) -> float:
        """Median over the rounds of the time of `over` divided by that of `under`."""
        pairs = zip(self[over], self[under], strict=True)
        return statistics.median(long / short for long, short in pairs)


def in_turn(
    functions: Functions, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> Rounds:
    """Runs each function once to warm up, then all of them in turn, `rounds` times.

    clock: `time.process_time` for seconds of the processor, in all threads.
    """
    for function in functions.values():
        function()
    times = Rounds({name: [] for name in functions})
    for _ in range(rounds):
        for name, function in functions.items():
            gc.collect()  # what the function before has left is not this one's time
            began = clock()
            function()
            times[name].append(clock() - began)
    return times


def alternate(functions: Functions, rounds: int) -> dict[str, float]:
    """Median seconds of each function, run in turn after one warm-up each."""
    return in_turn(functions, rounds).medians()


@dataclass(frozen=True)
class Usage:
    """What a function took in a process of its own."""

    peak_mb: float  # peak resident memory above that after the imports, MiB
    imports_mb: float  # resident memory after the imports, MiB
    seconds: float  # of the function, without the imports
    answer: Any  # what it returned, as JSON has it


def in_fresh_process(
    function: Callable[..., object], threads: int, timeout: float | None = None, **arguments: object
) -> Usage:
    """Runs a function of a module's top level with plain arguments in a new process.

    The imports are those of the function's module and of torch's optimisers.  Raises
    `subprocess.CalledProcessError` where the function fails, `subprocess.TimeoutExpired` after
    `timeout` seconds.
    """
    module = sys.modules[function.__module__]
    name = module.__spec__.name if module.__spec__ else function.__module__  # also of __main__
    task = json.dumps([name, function.__name__, threads, arguments])
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.harness", task],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=timeout,
    )
    return Usage(**json.loads(done.stdout.splitlines()[-1]))


def _peak_bytes() -> int:
    """Peak resident memory of this process.

    Not ru_maxrss, which on Linux begins at the peak of the process that started this one.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM")


def _measured(module: str, function: str, threads: int, arguments: dict[str, Any]) -> Usage:
    """Imports, runs, and measures the function in this process."""
    torch.set_num_threads(threads)
    work = getattr(importlib.import_module(module), function)
    torch.optim.SGD([torch.zeros(1)])  # the first optimiser imports torch's compiler, 70 MB
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    answer = work(**arguments)
    seconds = time.perf_counter() - began
    above = max(0, _peak_bytes() - before)
    return Usage(above / MIB, before / MIB, seconds, answer)


@dataclass(frozen=True)
class Row:
    """One comparison.  The bar is for the ratio, or for `ours` where there is no peer."""

    name: str
    ours: float
    peer: float | None
    ratio: float | None
    unit: str
    bar: float | None = None
    at_most: bool = False  # the bar is a ceiling

    @property
    def measured(self) -> float:
        """What the bar is for."""
        return self.ours if self.ratio is None else self.ratio

    @property
    def margin(self) -> float | None:
        """How many times better than the bar; None where there is none."""
        if self.bar is None:
            return None
        return self.bar / max(self.measured, 1e-300) if self.at_most else self.measured / self.bar

    @property
    def met(self) -> bool | None:
        """Whether the bar is met."""
        return None if self.margin is None else self.margin >= 1

    def cells(self) -> list[str]:
        """What a table shows of it, under `COLUMNS`."""
        bar = "" if self.bar is None else f"{'≤' if self.at_most else '≥'} {self.bar:g}"
        met = {None: "", True: "yes", False: "NO"}[self.met]
        peer, ratio = ("" if x is None else number(x) for x in (self.peer, self.ratio))
        return [self.name, number(self.ours), peer, self.unit, ratio, bar, met]


COLUMNS = ("what", "ours", "peer", "unit", "ratio", "bar", "met")


def number(value: float) -> str:
    """Three significant digits, or a whole number where it is large."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass
class Report:
    """The rows of a benchmark and, where rows do not fit, its tables."""

    rows: list[Row] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)  # the head first
    barred: bool = True  # False: bars are dropped, as they are for full sizes

    def add(self, row: Row) -> None:
        """Keeps the row and says it."""
        row = row if self.barred else replace(row, bar=None)
        self.rows.append(row)
        name, ours, peer, unit, ratio, bar, met = row.cells()
        against = f" against {peer}" if peer else ""
        times = f": ratio {ratio}" if ratio else ""
        verdict = f", bar {bar}: {'met' if met == 'yes' else 'MISSED'}" if bar else ""
        print(f"  {name}: {ours}{against} {unit}{times}{verdict}", flush=True)

    def faster(
        self,
        name: str,
        times: Rounds,
        ours: str,
        peer: str,
        bar: float | None = None,
        nodes: int | None = None,
    ) -> None:
        """How many times faster ours is: seconds, or nodes a second where each run visits some."""
        median = times.medians()
        ratio = times.ratio(peer, ours)
        if nodes is None:
            self.add(Row(name, median[ours], median[peer], ratio, "s", bar))
        else:
            self.add(Row(name, nodes / median[ours], nodes / median[peer], ratio, "nodes/s", bar))

    def slower(
        self, name: str, times: Rounds, ours: str, peer: str, bar: float | None = None
    ) -> None:
        """Seconds of ours and of the peer; the ratio says how many times longer ours takes."""
        median = times.medians()
        ratio = times.ratio(ours, peer)
        self.add(Row(name, median[ours], median[peer], ratio, "s", bar, at_most=True))

    def limit(self, name: str, ours: float, unit: str, bar: float | None = None) -> None:
        """A number that should stay below the bar."""
        self.add(Row(name, ours, None, None, unit, bar, at_most=True))

    def as_json(self) -> dict[str, Any]:
        """Rows, each with its verdict, and tables."""
        return {
            "rows": [asdict(row) | {"met": row.met} for row in self.rows],
            "tables": self.tables,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Report":
        """The report that `as_json` wrote."""
        rows = [{k: v for k, v in row.items() if k != "met"} for row in content["rows"]]
        return cls([Row(**row) for row in rows], dict(content["tables"]))


def show(rows: Iterable[Row], title: str) -> None:
    """Prints the rows as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("what", "unit") else "right")
    for row in rows:
        table.add_row(*row.cells(), style="red" if row.met is False else None)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


@dataclass(frozen=True)
class Options:
    """How a benchmark is run."""

    quick: bool  # small sizes, to see that everything works
    threads: int  # of torch, for ours and for every peer
    docs: bool  # write the tables into docs/ too

    def words(self) -> list[str]:
        """The same options for another command."""
        chosen = [f"--{name}" for name in ("quick", "docs") if getattr(self, name)]
        return [*chosen, "--threads", str(self.threads)]


def parser(description: str) -> argparse.ArgumentParser:
    """The arguments that every script takes."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--quick", action="store_true", help="small sizes, for a smoke test")
    arguments.add_argument("--docs", action="store_true", help="rewrite the tables in docs/")
    # one by default: several wait for each other on a machine that does anything else
    arguments.add_argument("--threads", type=int, default=1, help="torch threads")
    return arguments


def script(measure: Callable[[Report, Options], None]) -> None:
    """Runs one benchmark from the command line and keeps its rows in outputs/bench."""
    module = sys.modules[measure.__module__]
    given = parser((module.__doc__ or "").partition("\n")[0]).parse_args()
    torch.set_num_threads(given.threads)
    report = Report(barred=not given.quick)
    measure(report, Options(given.quick, given.threads, given.docs))
    name = Path(str(module.__file__)).stem
    show(report.rows, name)
    keep(OUTPUTS / f"{name}.json", report.as_json())
    if given.docs:
        document(report, name)


def document(report: Report, name: str) -> None:
    """Rewrites those tables of `PAGES` that are the report's own, or that of its rows."""
    from docs.results import between_markers, table

    rows = [row.cells()[:-1] for row in report.rows]
    for marker, (head, *body) in ({name: [[*COLUMNS[:-1]], *rows]} | report.tables).items():
        for page in PAGES:
            if f"<!-- {marker} -->" in page.read_text():
                between_markers(page, marker, table(head, body))


def keep(path: Path, content: object) -> None:
    """Writes JSON for people and programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(*json.loads(sys.argv[1])))))
