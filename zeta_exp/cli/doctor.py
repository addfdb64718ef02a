"""`zeta doctor`: what this machine can run, and what else is asked for, line by line."""

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, NamedTuple

from zeta_exp.cli import plugins
from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser

EXTRAS = {  # of pyproject.toml, and what each brings
    "gcp": ("google.cloud.aiplatform", "google.cloud.storage", "gcsfs"),
    "mlflow": ("mlflow",),
    "sweep": ("optuna",),
    "sparse": ("torch_scatter", "torch_sparse"),
}
OLDEST_PYTHON = (3, 11)
NAMED_GPUS = ("a100", "l4", "h100")  # options of hardware that ask for one by name
LEAST_MEMORY_GB, LEAST_DISK_GB = 1.0, 1.0
GIB = 2**30

_DESCRIPTION = """\
Says what this machine can run.  Each line is ok or a problem with advice; the exit code is 1 where
there is a problem.  Nothing is left behind, and no password or token is shown.
"""

_EXAMPLES = """\
examples:
  zeta doctor                                         this machine
  zeta doctor --vertex --bucket gs://my-bucket        and what jobs on Vertex AI need
"""


class Line(NamedTuple):
    """One thing that was looked at."""

    ok: bool
    text: str  # with advice where it is not ok


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    summary = "say what this machine can run, and with --vertex what the cloud will accept"
    parser: Parser = groups.add_parser(
        "doctor", help=summary, description=_DESCRIPTION, epilog=_EXAMPLES
    )
    found = plugins.checks()
    for name, checks in found.items():
        parser.add_argument(f"--{name}", action="store_true", help=checks.SUMMARY)
        checks.add_options(parser)
    parser.set_defaults(command=doctor)


def doctor(arguments: argparse.Namespace) -> int:
    """Look at the machine and at what is asked for; returns 1 where there is a problem."""
    lines = list(_shown(_machine()))
    for name, checks in plugins.checks().items():
        if getattr(arguments, name):
            tell(f"\n{name}")
            lines += _shown(Line(*line) for line in checks.check(arguments))
    problems = sum(not line.ok for line in lines)
    tell(f"\n{problems} problem{'s' if problems > 1 else ''}" if problems else "\nall is well")
    return 1 if problems else 0


def _shown(lines: Iterator[Line]) -> Iterator[Line]:
    """Each line on the screen as soon as it is known."""
    for line in lines:
        tell(f"{'ok' if line.ok else 'problem':<8} {line.text}")
        sys.stdout.flush()
        yield line


def _machine() -> Iterator[Line]:
    yield _python()
    yield from _torch()
    yield _memory()
    yield _disk()
    for extra, modules in EXTRAS.items():
        missing = [name for name in modules if not _installed(name)]
        hint = f"without {', '.join(missing)} (pip install 'zeta_exp[{extra}]' if you need it)"
        yield Line(True, f"extra {extra}: {hint if missing else 'installed'}")


def _python() -> Line:
    found = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return Line(False, f"python {found}: zeta_exp needs 3.11 or newer")
    return Line(True, f"python {found} on {platform.system()} {platform.machine()}")


def _torch() -> Iterator[Line]:
    """Its build, the cores it may use and the GPUs it sees."""
    import torch

    from zeta_exp.hardware import ALL_THREADS

    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "for the CPU alone"
    yield Line(True, f"torch {torch.__version__}, {build}; torch_geometric {_version()}")
    yield Line(True, f"{os.cpu_count()} cores, {ALL_THREADS} threads of torch")
    for number in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(number)
        fits = [f"hardware={name}" for name in NAMED_GPUS if name.upper() in found.name]
        runs = " and ".join(["hardware=auto", *fits])
        yield Line(True, f"GPU {number}: {found.name}, {found.total_memory / GIB:.0f} GiB: {runs}")
    if not torch.cuda.is_available():
        if torch.version.cuda and _driver():
            yield Line(
                False,
                f"a driver of NVIDIA is here and torch can't use it: torch is for {build}, which "
                "a newer driver or make setup TORCH_INDEX=… for another build mends",
            )
        else:
            yield Line(True, "no GPU: hardware=auto and hardware=cpu run here")


def _driver() -> bool:
    return os.path.exists("/proc/driver/nvidia/version")


def _version() -> str:
    try:
        return version("torch_geometric")
    except PackageNotFoundError:
        return "is missing"


def _memory() -> Line:
    from zeta_exp.hardware import host_bytes

    free = host_bytes() / GIB
    text = f"memory free: {free:.1f} GiB"
    if free < LEAST_MEMORY_GB:
        return Line(False, f"{text}: a small run takes {LEAST_MEMORY_GB:g}; end something else")
    return Line(True, text)


def _disk() -> Line:
    import psutil

    free = psutil.disk_usage(os.getcwd()).free / GIB
    text = f"disk free here: {free:.1f} GiB"
    if free < LEAST_DISK_GB:
        return Line(False, f"{text}: runs write checkpoints and caches; free some space")
    return Line(True, text)


def _installed(module: str) -> bool:
    """Whether a module can be imported, without importing more than the packages around it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
