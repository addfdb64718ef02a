"""`zeta doctor`: what this machine can run, and what else is asked for, line by line."""

import argparse
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from zeta_exp.cli import plugins
from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser

EXTRAS = {  # of pyproject.toml, and what each brings
    "gcp": ("google.cloud.aiplatform", "google.cloud.storage", "gcsfs"),
    "mlflow": ("mlflow",),
    "sweep": ("optuna",),
    "sparse": ("torch_scatter", "torch_sparse"),
    "docs": ("mkdocs", "latex2mathml"),
}
PINS = Path(__file__).parents[2] / "constraints.txt"  # the versions tested together; in a checkout
SHOWN = 5  # of the packages that differ
FEWEST = 10_000  # zeros that the main job, python run.py, takes
OLDEST_PYTHON = (3, 11)
NAMED_GPUS = ("a100", "l4", "h100")  # options of hardware that ask for one by name
LEAST_MEMORY_GB, LEAST_DISK_GB = 1.0, 1.0
GIB = 2**30

_DESCRIPTION = """\
Says what this machine can run: Python and versions beside what is asked for and what was tested,
devices, how many zeros each strategy can take on them (as the check before each run counts it),
and extras.  Each line is ok or a problem with advice; the exit code is 0 where `python run.py` can
run, and all else that was asked for, and 1 where not.  Nothing is left behind, and no password or
token is shown.
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
        else:
            lines += _shown(iter([Line(True, f"{name}: not looked at, --{name} does")]))
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
    yield from _versions()
    if not _installed("torch"):
        return
    yield from _torch()
    yield _memory()
    yield from _capacities()
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


def _versions() -> Iterator[Line]:
    """What zeta_exp asks for, and whether it is what was tested."""
    from packaging.requirements import Requirement

    asked = [Requirement(text) for text in requires("zeta_exp") or []]
    mended = "run make setup, or pip install it so"
    whole = True
    for requirement in asked:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = _version(requirement.name)
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            whole = False
            yield Line(False, f"{requirement} is needed and {found or 'none'} is here: {mended}")
    if whole:
        yield Line(True, f"zeta_exp {version('zeta_exp')} and all that it needs")
    if PINS.exists():
        yield _tested(dict(line.split("==") for line in PINS.read_text().split() if "==" in line))


def _tested(pins: Mapping[str, str]) -> Line:
    """How the versions that are here differ from those tested together; no problem in itself."""
    here = {name: _version(name) for name in pins}
    other = [
        f"{name} {found} (tested: {pins[name]})"
        for name, found in here.items()
        if found is not None and found.partition("+")[0] != pins[name]
    ]
    if not other:
        return Line(True, "versions: those of constraints.txt, which were tested together")
    more = f" and {len(other) - SHOWN} more" if len(other) > SHOWN else ""
    return Line(True, f"versions other than tested: {', '.join(other[:SHOWN])}{more}")


def _torch() -> Iterator[Line]:
    """Its build, the cores it may use and the GPUs it sees."""
    import torch

    from zeta_exp.hardware import ALL_THREADS

    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "for the CPU alone"
    yield Line(True, f"torch {torch.__version__}, {build}")
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


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _memory() -> Line:
    from zeta_exp.hardware import host_bytes

    free = host_bytes() / GIB
    text = f"memory free: {free:.1f} GiB"
    if free < LEAST_MEMORY_GB:
        return Line(False, f"{text}: a small run takes {LEAST_MEMORY_GB:g}; end something else")
    return Line(True, text)


def _capacities() -> Iterator[Line]:
    """How many zeros fit on each device, with the default model and features."""
    import torch

    from zeta_exp.cli.capacity import capacity, told
    from zeta_exp.hardware import host_bytes
    from zeta_exp.memory import Room

    host = host_bytes()
    rooms = {"CPU": ("cpu", Room(host, host))}
    for number in range(torch.cuda.device_count()):
        free, _ = torch.cuda.mem_get_info(number)
        rooms[f"GPU {number}"] = ("cuda", Room(free, host))
    for name, (kind, room) in rooms.items():
        found = list(capacity(kind, room))
        text = f"room on the {name}, {room.device / GIB:.1f} GiB free: {told(found) or 'none'}"
        if dict(found)["minibatch"] < FEWEST:
            yield Line(False, f"{text}; python run.py takes {FEWEST:,} zeros: end something else")
        else:
            yield Line(True, text)


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
