"""Every run below a folder, local or remote: what its `result.json` and `metrics.csv` say."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.metrics import Row, parse_metrics

RESULT, CONFIG, METRICS = "result.json", "config.yaml", "metrics.csv"
COMPLETED, UNFINISHED = "completed", "unfinished"


@dataclass(frozen=True)
class Run:
    """One run directory."""

    path: str  # of the directory, local or an address
    name: str  # the same, below the folder that was read; "." for that folder itself
    result: Mapping[str, Any]  # the contents of result.json; {} where the run has left none

    @property
    def status(self) -> str:
        """What the run says of its end, "unfinished" where it says nothing."""
        return str(self.result.get("status", UNFINISHED))

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved config; {} where there is no result."""
        config = self.result.get("config")
        return config if isinstance(config, Mapping) else {}

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Commit, versions, device, zeros; {} where there is no result."""
        provenance = self.result.get("provenance")
        return provenance if isinstance(provenance, Mapping) else {}


def read_runs(folder: str) -> list[Run]:
    """The runs in and below a folder, in the natural order of their names.

    A directory with `config.yaml` and no `result.json` is a run that has not finished; runs inside
    runs are not looked for.  Raises UserError where the folder can't be read or holds no run.
    """
    if not files.is_folder(folder):
        raise UserError(f"{folder} is no folder: give the directory of a sweep or of a run")
    with files.explained(folder):
        found = files.below(folder, {RESULT, CONFIG})
        results = [path for path in found if path.endswith(RESULT)]
        texts = dict(zip(map(_parent, results), files.contents(results), strict=True))
    directories = _outermost({_parent(path) for path in found})
    if not directories:
        raise UserError(f"{folder} holds no run (a directory with {RESULT}): check the path")
    runs = [
        Run(path, _name(folder, path), _parsed(path, texts[path]) if path in texts else {})
        for path in directories
    ]
    return sorted(runs, key=lambda run: natural(run.name))


def read_metrics_of(runs: Sequence[Run]) -> list[list[Row]]:
    """The rows of each run's metrics.csv, one an epoch.  Raises UserError where one is missing."""
    paths = [files.join(run.path, METRICS) for run in runs]
    if not paths:
        return []
    with files.explained(runs[0].path if files.is_remote(paths[0]) else paths[0]):
        missing = [p for p in paths if not files.is_remote(p) and not files.exists(p)]
        if missing:
            raise UserError(f"{missing[0]} does not exist: every finished run has one")
        return [parse_metrics(text.decode()) for text in files.contents(paths)]


def natural(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts 2 before 10."""
    parts = re.split(r"(\d+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def flattened(config: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Dotted keys of a nested config, as JSON and YAML are read."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):  # to ask for any Mapping takes as long as all the rest
            flat |= flattened(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _name(folder: str, path: str) -> str:
    return path[len(folder.rstrip("/")) :].strip("/") or "."


def _outermost(directories: set[str]) -> list[str]:
    """Without what lies in another one."""
    kept: list[str] = []
    for path in sorted(directories, key=lambda path: path.split("/")):
        if not kept or not path.startswith(f"{kept[-1]}/"):
            kept.append(path)
    return kept


def _parsed(path: str, text: bytes) -> dict[str, Any]:
    try:
        result = json.loads(text)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise UserError(
            f"{files.join(path, RESULT)} holds no result of a run: run it again or move it away"
        )
    return result
