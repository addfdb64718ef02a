"""What is refused before a run is begun: before torch is imported and anything is written."""

import dataclasses
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from hydra.conf import HydraConf
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from conf.explain import explain, unknown_key
from conf.replay import REPLAY, RESUME, check_replay, replays
from zeta_exp.errors import UserError
from zeta_exp.overrides import override
from zeta_exp.torchrun import launched

HYDRA = "hydra"  # the key of Hydra's own part
STUDY = "study"  # the sweeper of studies
MIRROR = "vertex"  # the callback that keeps a job's directory in a bucket, through its attempts
VERTEX_SWEEP = "vertex_sweep.json"  # in the directory of a sweep on Vertex AI
CONFIG = "config.yaml"  # in the run directory: the resolved config, written once
RESUMABLE = ("budget", "hardware", "tracking")  # what a resumed run may change
USER_ERROR, FAILED_JOBS = 2, 1
LARGEST_SEED = 2**63 - 1
GRACE = 10.0  # seconds that the first of several processes gets to refuse what another refuses


class OccupiedError(UserError):
    """Another run is in the directory, and nothing of it may be touched."""


def refuse(sentence: str) -> int:
    """Tells the user, once for all processes of a run; returns the exit code."""
    if not launched().first:
        _wait_for_the_first()
    print(f"error: {sentence}", file=sys.stderr)
    return USER_ERROR


def _wait_for_the_first() -> None:
    """Exits when torchrun says so: the first process has refused the same, and told the user.

    Without this pause torchrun could end the first one before it speaks.  Returns where the first
    goes on, for the mistake is on this process's machine alone.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(USER_ERROR)

    signal.signal(signal.SIGTERM, leave)
    time.sleep(GRACE)


def resolved(config: DictConfig) -> DictConfig:
    """The config of a run: interpolations replaced by values, without what is no part of it.

    Raises `UserError` for keys that nobody reads and values that no run can have.
    """
    _refuse_unread_keys(config)
    apart = (HYDRA, RESUME, REPLAY)
    own = OmegaConf.masked_copy(config, [key for key in config if key not in apart])
    for field in dataclasses.fields(OmegaConf.get_type(config)):
        if field.name not in (*own, *apart):
            raise UserError(f"{field.name} can't be left out: every run needs it")
    plain = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
    if not 0 <= plain.get("seed", 0) <= LARGEST_SEED:
        raise UserError(f"seed={plain['seed']} is out of range: use 0 to {LARGEST_SEED}")
    return OmegaConf.create(plain)


def _refuse_unread_keys(node: DictConfig, path: str = "") -> None:
    """Refuses keys that no schema knows: what `+key=value` adds, nobody would read."""
    node_type = OmegaConf.get_type(node)
    for key in node:
        here = f"{path}{key}"
        if here == HYDRA:
            continue
        if dataclasses.is_dataclass(node_type) and key not in node_type.__dataclass_fields__:
            raise UserError(unknown_key(here) if path else unknown_key(here, node_type))
        child = node._get_node(key)
        if isinstance(child, DictConfig) and not child._is_none() and not child._is_missing():
            _refuse_unread_keys(child, f"{here}.")


def stored(directory: Path) -> DictConfig:
    """The config of the run in `directory`."""
    path = directory / CONFIG
    if not path.is_file():
        raise UserError(
            f"resume={directory}: no run there ({CONFIG} is missing); "
            "name the directory of a run, such as outputs/DATE/TIME"
        )
    try:
        config = OmegaConf.load(path)
    except Exception as error:  # whatever YAML makes of it
        raise UserError(f"{path} can't be read ({type(error).__name__}): restore it") from error
    wanted = {*RESUMABLE, "N", "model", "loss", "strategy"}
    if not isinstance(config, DictConfig) or not wanted <= set(config):
        raise UserError(f"{path} is not the config of a run: restore it")
    return config


def resumed_keys(overrides: list[str], of_hydra: list[str]) -> list[str]:
    """The keys that the command line changes in the run it resumes, groups first.

    Raises `UserError` for those that may not change.
    """
    parsed = OverridesParser.create().parse_overrides(overrides)
    keys = [each.key_or_group for each in parsed]
    for key in [*keys, *(text.split("=")[0] for text in of_hydra)]:
        if key not in (RESUME, "hydra.mode") and key.split(".")[0] not in RESUMABLE:
            raise UserError(
                f"{key} can't change in a resumed run: only budget.*, hardware and tracking can; "
                "start a new run for the rest"
            )
    return sorted(set(keys) - {RESUME}, key=lambda key: "." in key)


def resumes(config: DictConfig) -> bool:
    """Whether the config is that of a run which goes on; slices of zeros have no such key."""
    return RESUME in config and config.resume is not None


def _check_resume(config: DictConfig) -> None:
    if not config.resume.strip():
        raise UserError("resume= is empty: give the directory of a run, resume=PATH")
    overrides = config.hydra.overrides
    resumed_keys(list(overrides.task), list(overrides.hydra))
    stored(Path(config.resume))


def _check_new_run(config: DictConfig) -> None:
    directory = str(config.hydra.run.dir)
    if not directory.strip():
        raise UserError("hydra.run.dir= is empty: give a directory for the run")
    refuse_occupied(Path(directory))


def mirrored(hydra: HydraConf) -> bool:
    """Whether the directory is kept in a bucket: what is in it is an earlier attempt of this run.

    The callback that keeps it has seen to that, and refused what is another run.
    """
    return MIRROR in hydra.callbacks


def refuse_occupied(directory: Path) -> None:
    """Refuses to write where a run is."""
    if (directory / CONFIG).exists():
        raise OccupiedError(
            f"{directory} already holds a run: give another hydra.run.dir (hydra.sweep.dir "
            f"with -m), or {resume_argument(directory)} to continue it"
        )


def resume_argument(directory: Path) -> str:
    """The argument that resumes the run, ready for a shell and for Hydra's grammar."""
    return override(RESUME, str(directory))


def _check_launcher(config: DictConfig) -> None:
    """Hydra runs one job without -m, here, whatever launcher and sweeper were asked for."""
    choices = config.hydra.runtime.choices
    launcher, sweeper = choices["hydra/launcher"], choices["hydra/sweeper"]
    # Hydra adds hydra.mode=RUN to its own list of overrides, so only the command line tells
    explicit = any(argument.startswith("hydra.mode=") for argument in sys.argv[1:])
    if launcher != "basic" and not explicit:
        raise UserError(
            f"hydra/launcher={launcher} would be ignored without -m: "
            "add -m, or hydra.mode=RUN to run here"
        )
    if sweeper == STUDY and not explicit:
        raise UserError(
            f"{choices.get('experiment') or 'this'} is a study, of which one run would be made "
            "without -m: add -m, or hydra.mode=RUN for that one"
        )


def check_run(config: DictConfig) -> None:
    """Refuses what a single run can't be; `config` holds Hydra's own part too."""
    _check_launcher(config)
    resolved(config)
    if resumes(config):
        _check_resume(config)
        return
    if replays(config):
        check_replay(config)
    if launched().first:  # for another process the first may be in the directory already
        _check_new_run(config)


def write_nothing(config: DictConfig) -> None:
    """Keeps Hydra from making files for this process: those of the run are the first one's."""
    console = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}
    logging = {"version": 1, "handlers": {"console": console}, "root": {"handlers": ["console"]}}
    logging["root"]["level"] = "INFO"
    logging["disable_existing_loggers"] = False
    with read_write(config), open_dict(config):
        config.hydra.run.dir = "."
        config.hydra.output_subdir = None
        config.hydra.job_logging = logging


def check_sweep(config: DictConfig) -> None:
    """Refuses what no sweep can be; what a job can't be is for the job to say."""
    if not launched().alone:
        raise UserError("torchrun starts the processes of one run: leave out -m")
    for argument in config.hydra.overrides.task:
        key = argument.split("=")[0].lstrip("+~")
        if key in (RESUME, REPLAY):
            what = "continues" if key == RESUME else "repeats"
            raise UserError(f"{key} {what} one run: leave out -m")
    unresolved = OmegaConf.to_container(config.hydra.sweep, resolve=False)
    first = Path(config.hydra.sweep.dir) / "0"
    vertex = config.hydra.runtime.choices["hydra/launcher"] == "vertex"
    again = vertex and (first.parent / VERTEX_SWEEP).exists()  # repeated, a sweep there resumes
    if unresolved["subdir"] == "${hydra.job.num}" and (first / CONFIG).exists() and not again:
        raise OccupiedError(f"{first.parent} already holds a sweep: give another hydra.sweep.dir")


def _or_exit(check: Callable[[DictConfig], None], config: DictConfig) -> None:
    """Hydra turns an exception of a callback into a warning; only SystemExit stops the program."""
    try:
        check(config)
    except Exception as error:
        if reason := explain(error):
            raise SystemExit(refuse(reason)) from error
        traceback.print_exc()
        raise SystemExit(1) from error


class Checks(Callback):
    """Hydra's callback at both ends: refuses a run or sweep, and counts what a sweep missed."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before Hydra writes its record; a mirrored job leaves a record of what refuses it too."""
        if not mirrored(config.hydra):
            _or_exit(check_run, config)
        if not launched().first:
            write_nothing(config)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before Hydra launches; remembers the results of earlier sweeps in the directory."""
        _or_exit(check_sweep, config)
        self._before = _written_at(Path(config.hydra.sweep.dir))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Ends a sweep with exit code 1 where a job did not complete."""
        now = _written_at(Path(config.hydra.sweep.dir))
        new = [path for path, time in now.items() if self._before.get(path) != time]
        results = [(path, json.loads(path.read_text())) for path in sorted(new)]
        missed = [(path, result) for path, result in results if result["status"] != "completed"]
        for path, result in missed:
            print(f"{path.parent}: {result['status']}: {result.get('reason')}", file=sys.stderr)
        if missed:
            print(f"{len(missed)} of {len(results)} jobs did not complete", file=sys.stderr)
            raise SystemExit(FAILED_JOBS)


def _written_at(sweep: Path) -> dict[Path, int]:
    """The results below the directory of a sweep, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in sweep.rglob("result.json")}
