"""How a job is run: exit codes, refusals, interruption and resuming."""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from conf import helptext, schema
from conf.checks import (
    CONFIG,
    OccupiedError,
    mirrored,
    refuse,
    refuse_occupied,
    resolved,
    resume_argument,
    resumed_keys,
    resumes,
    stored,
)
from conf.explain import explain
from conf.replay import repeated, replays, tell
from zeta_exp import garbage
from zeta_exp.errors import UserError
from zeta_exp.files import write_atomically
from zeta_exp.torchrun import LostRankError, launched

if TYPE_CHECKING:
    from zeta_exp.ranks import Ranks

INTERRUPTED = 130
LOST = 1  # neither the user's mistake (2) nor wish (130), and the same command may succeed
Execute = Callable[[DictConfig, Path, bool, "Ranks"], float]
_COMPOSED_MODE = Hydra.get_mode
log = logging.getLogger("zeta_exp")


def _run_directory(resume: str | None, otherwise: str) -> str:
    """Where the run writes: the run that is resumed, or a directory of its own."""
    return otherwise if resume is None else resume


def _hydra_directory(resume: str | None) -> str:
    """Where Hydra keeps what it composed: never over the record of the run that is resumed."""
    return ".hydra" if resume is None else f".hydra/resumed-{int(time.time())}"


def guarded(main: Callable[[], Any]) -> int:
    """Runs the program; a user's error becomes one sentence and exit code 2."""
    garbage.spare_exit()
    schema.register()
    OmegaConf.register_new_resolver("run_directory", _run_directory, replace=True)
    OmegaConf.register_new_resolver("hydra_directory", _hydra_directory, replace=True)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise where it would print and exit with 1
    logging.raiseExceptions = False  # run.log on a full disk: the run itself says so, once
    try:
        if helptext.asked(sys.argv[1:]):
            print(helptext.text(sys.argv[1:]))
            return 0
        _check_flags(sys.argv[1:])
        _spare_compositions(sys.argv[1:])
        _join_cluster()
        main()
    except KeyboardInterrupt:
        return INTERRUPTED
    except LostRankError:
        return LOST
    except Exception as error:
        if reason := explain(error):
            return refuse(reason)
        raise
    return 0


def _spare_compositions(arguments: list[str]) -> None:
    """Halves what Hydra takes to compose the config before it runs anything.

    Hydra composes it once more than it needs, for the value of hydra.mode alone; and at each
    composition it copies the store with all its nodes, each of which it copies again when it reads
    it.
    """
    Hydra.get_mode = _COMPOSED_MODE if _may_give_mode(arguments) else lambda *_, **__: None
    ConfigStore.__deepcopy__ = lambda store, _: store


def _may_give_mode(arguments: list[str]) -> bool:
    """Whether hydra.mode can have a value: no config of this package gives it one."""
    parsed, _ = get_args_parser().parse_known_args(arguments)
    folders = parsed.config_dir, parsed.config_path
    words = ("hydra.mode", "hydra.searchpath")
    return any(folders) or any(word in text for text in arguments for word in words)


def _check_flags(arguments: list[str]) -> None:
    """Raises `UserError` for flags that Hydra would answer with its whole usage."""
    parser = get_args_parser()

    def refuse_flags(message: str) -> NoReturn:
        raise UserError(
            f"{message}: python run.py --help lists the flags, which come before all overrides"
        )

    parser.error = refuse_flags
    parser.parse_args(arguments)


def _join_cluster() -> None:
    """Starts the program anew under torchrun where Vertex AI gives it several machines or GPUs."""
    specification = os.environ.get("CLUSTER_SPEC")
    if specification is None or "TORCHELASTIC_RUN_ID" in os.environ:
        return
    from hydra_plugins.hydra_vertex_launcher import _cluster

    gpus = _cluster.visible_gpus(os.environ)
    if command := _cluster.torchrun(_cluster.replica(specification), gpus, sys.argv):
        os.execv(command[0], command)


def job(config: DictConfig, execute: Execute) -> float:
    """One job; the objective for sweepers, NaN where a job of a sweep was refused or failed."""
    hydra = HydraConfig.get()
    directory = Path(hydra.runtime.output_dir)
    run = _single if hydra.mode == RunMode.RUN else _of_sweep
    try:
        return run(config, execute, directory)
    except KeyboardInterrupt:
        if launched().alone:
            _close_interrupted(directory, "interrupted")
        raise


def _together(execute: Execute, config: DictConfig, directory: Path, resume: bool) -> float:
    """Executes in every process of the run, in the directory of the first.

    A run that is cut short says so once, whichever process is left to say it.
    """
    with garbage.paused():
        from zeta_exp.ranks import ALONE, joined

    if launched().alone:
        return execute(config, directory, resume, ALONE)
    with joined() as ranks:
        common, resume = ranks.agree((directory, resume))
        if resume and _is_mirrored():
            _share_checkpoint(common, ranks)
        try:
            return execute(config, common, resume, ranks)
        except (KeyboardInterrupt, LostRankError) as error:
            if ranks.has_last_word():
                _close_interrupted(common, str(error) or "interrupted")
            if isinstance(error, LostRankError):
                raise SystemExit(LOST) from error
            raise
        except BaseException:
            ranks.has_last_word()  # taken, so that the others do not speak of a lost process
            raise


def _is_mirrored() -> bool:
    return mirrored(HydraConfig.get())


def _share_checkpoint(directory: Path, ranks: "Ranks") -> None:
    """Brings the first process's checkpoint to every machine: replicas have disks of their own."""
    for path in ranks.agree(_checkpoints(directory)):
        content = ranks.agree(path.read_bytes() if ranks.first else b"")
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)


def _checkpoints(directory: Path) -> list[Path]:
    return sorted((directory / "checkpoint").glob("*.safetensors"))


def _single(config: DictConfig, execute: Execute, directory: Path) -> float:
    """A run by itself: what the user can mend ends it with exit code 2."""
    resume = resumes(config)
    try:
        effective = _continued(config) if resume else _written(config, directory)
        begun = _is_mirrored() and bool(_checkpoints(directory))
        objective = _together(execute, effective, directory, resume or begun)
        if replays(config) and launched().first:
            tell(config, directory)
        return objective
    except LostRankError:
        raise
    except Exception as error:
        reason = explain(error)
        if launched().first and not resume and not isinstance(error, OccupiedError):
            _close_new(directory, error, reason)
        if reason:
            raise SystemExit(refuse(reason)) from error
        raise


def _close_new(directory: Path, error: Exception, reason: str | None) -> None:
    """Leaves result.json for a run that began or is mirrored; else frees the directory."""
    if reason is None:
        _record(directory, "failed", repr(error))
    elif _is_mirrored() or (directory / "metrics.csv").exists():
        _record(directory, "refused", reason)
    else:
        (directory / CONFIG).unlink(missing_ok=True)


def _of_sweep(config: DictConfig, execute: Execute, directory: Path) -> float:
    """A job that is refused or fails says so in result.json, and the others run."""
    resume = resumes(config)  # only a study's sweeper asks a job to: it knows whose directory it is
    if not resume:
        refuse_occupied(directory)
    try:
        effective = resolved(config) if resume else _written(config, directory)
        if resume and not _same(effective, stored(directory)):
            refuse_occupied(directory)
        return _together(execute, effective, directory, resume)
    except OccupiedError:  # the result.json there is another run's
        raise
    except Exception as error:
        reason = explain(error)
        if reason is None:
            log.error("%s", "".join(traceback.format_exception(error)))
        status, reason = ("refused", reason) if reason else ("failed", repr(error))
        log.error("%s: %s", status, reason)
        _record(directory, status, reason)
        return float("nan")


def _same(one: DictConfig, other: DictConfig) -> bool:
    """Whether the numbers of two runs would be the same."""
    return all(one.get(key) == other.get(key) for key in {*one, *other} - {"tracking"})


def _record(directory: Path, status: str, reason: str) -> None:
    """Says in result.json how the run ended, beside the numbers where it has some."""
    path = directory / "result.json"
    numbers = json.loads(path.read_text()) if path.exists() else {}
    text = json.dumps(numbers | {"status": status, "reason": reason}, indent=2)
    try:
        write_atomically(path, text.encode() + b"\n")
    except OSError as error:  # the disk may be the reason
        log.error("cannot write result.json (%s)", error)


def _close_interrupted(directory: Path, why: str) -> None:
    """Says why the run has stopped and how to continue."""
    if _is_mirrored():
        reason = f"{why}; to continue: give the command of the sweep again"
    elif _checkpoints(directory):
        reason = f"{why}; to continue: {_program()} {resume_argument(directory)}"
    else:
        reason = f"{why} before the first checkpoint: there is nothing to continue"
    log.info("%s", reason)
    path = directory / "result.json"
    if not path.exists() or json.loads(path.read_text())["status"] == "interrupted":
        _record(directory, "interrupted", reason)


def _program() -> str:
    """The command in front of the arguments."""
    place = launched()
    start = "python" if place.alone else f"torchrun --nproc_per_node={place.local_world}"
    return f"{start} run.py"


def _written(config: DictConfig, directory: Path) -> DictConfig:
    """The resolved config, written as config.yaml once: two runs never share a directory."""
    effective = repeated(config) if replays(config) else resolved(config)
    if not launched().first:
        return effective
    path = directory / CONFIG
    try:
        with path.open("x") as file:
            file.write(OmegaConf.to_yaml(effective))
    except FileExistsError:
        if not _is_mirrored():
            refuse_occupied(directory)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return effective


def _continued(config: DictConfig) -> DictConfig:
    """The config of the run that is resumed, with what may change taken from the command line."""
    effective = stored(Path(config.resume))
    overrides = HydraConfig.get().overrides
    for key in resumed_keys(list(overrides.task), list(overrides.hydra)):
        value = OmegaConf.select(config, key)
        plain = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        OmegaConf.update(effective, key, plain, merge=False)
    return effective
