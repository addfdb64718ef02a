"""Imports point down: each module of zeta_exp imports from its own floor or a lower one."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {
    "errors": 0,
    "files": 0,
    "garbage": 0,
    "metrics": 0,
    "overrides": 0,
    "ranks": 0,
    "recipe": 0,
    "revision": 0,
    "split": 0,
    "theory": 0,
    "torchrun": 0,
    "graph": 1,
    "labels": 1,
    "target": 1,
    "zeros": 1,
    "batch": 2,
    "features": 2,
    "losses": 3,
    "models": 3,
    "starting": 4,
    "strategies": 4,
    "evaluation": 5,
    "tracking": 5,
    "budget": 6,
    "checkpoint": 6,
    "experiment": 6,
    "faults": 6,
    "hardware": 6,
    "measurement": 6,
    "memory": 6,
    "optimizer": 6,
    "parts": 6,
    "plan": 6,
    "result": 6,
    "trained": 6,
    "training": 6,
    "report": 7,
    "verdict": 7,
    "cli": 8,
}
UNKNOWN_TO_ZETA_EXP = {"hydra", "hydra_plugins", "launchers"}
UNKNOWN_TO_LAUNCHERS = {"torch", "zeta_exp"}
# modules of zeta_exp that import neither torch nor hydra, and nothing else of zeta_exp
LIGHT = {
    *("zeta_exp.errors", "zeta_exp.files", "zeta_exp.parts", "zeta_exp.recipe"),
    *("zeta_exp.revision", "zeta_exp.torchrun"),
}


def imported(source: str, package: str) -> list[str]:
    """Dotted names imported anywhere in `source`, a module of `package`; lazy imports count."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            ancestors = package.split(".")[: len(package.split(".")) + 1 - node.level]
            module = ".".join([*(ancestors if node.level else []), *filter(None, [node.module])])
            names += [f"{module}.{alias.name}" for alias in node.names]
    return names


def offences(source: str, room: str, package: str | None = None) -> list[str]:
    """What `source`, a module of the room `zeta_exp.<room>`, imports that it must not."""
    found = []
    for name in imported(source, package or f"zeta_exp.{room}"):
        top, _, rest = name.partition(".")
        if top in UNKNOWN_TO_ZETA_EXP:
            found.append(f"{room} imports {name}, which zeta_exp must not know")
        if top == "zeta_exp" and not rest.startswith("__"):
            target = rest.partition(".")[0]
            if target not in FLOORS:
                found.append(f"{room} imports {name}, which has no floor")
            elif FLOORS[target] > FLOORS[room]:
                found.append(f"{room} (floor {FLOORS[room]}) imports {name} ({FLOORS[target]})")
    return found


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "zeta_exp").parts[0].removesuffix(".py")


ROOMS = [path for path in modules("zeta_exp") if room_of(path) != "__init__"]


def test_every_module_has_a_floor():
    assert {room_of(path) for path in ROOMS} <= FLOORS.keys()


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path):
    package = ".".join(path.relative_to(ROOT).parts[:-1])
    assert offences(path.read_text(), room_of(path), package) == []


def test_the_package_itself_imports_nothing():
    assert imported((ROOT / "zeta_exp" / "__init__.py").read_text(), "zeta_exp") == []


def test_launchers_know_neither_torch_nor_zeta_exp():
    names = [n for path in modules("launchers") for n in imported(path.read_text(), "launchers")]
    heavy = {name for name in names if name.rpartition(".")[0] not in LIGHT}
    assert {name.partition(".")[0] for name in heavy}.isdisjoint(UNKNOWN_TO_LAUNCHERS)


@pytest.mark.parametrize("name", sorted(LIGHT))
def test_what_launchers_may_know_is_light(name: str):
    source = (ROOT / name.replace(".", "/")).with_suffix(".py").read_text()
    own = {n for n in imported(source, "zeta_exp") if n.startswith(("zeta_exp", "torch"))}
    assert own <= {"zeta_exp.errors.UserError"}


@pytest.mark.parametrize(
    "source",
    [
        "from zeta_exp.training import train",
        "import zeta_exp.report.plots",
        "from zeta_exp import strategies",
        "from ..report import plots",
        "def lazily():\n    from zeta_exp.models.base import Model",
        "from zeta_exp.cellar import wine",
        "from hydra.utils import instantiate",
        "import hydra",
    ],
)
def test_the_checker_sees_an_offence(source: str):
    assert len(offences(source, "features")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from zeta_exp.theory.phases import turns_at",
        "from zeta_exp.features import Features",
        "from zeta_exp import __version__, errors",
        "from . import Features",
        "from ..theory import counting",
        "import torch",
        "from hydrate import water",
    ],
)
def test_the_checker_lets_pass_what_is_allowed(source: str):
    assert offences(source, "features") == []
