"""How a job is run: exit codes, refusals, interruption and resuming."""

import dataclasses
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, InstantiationException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conf import schema
from conf.explain import explain, unknown_key
from zeta_exp.errors import UserError

USER_ERROR, FAILED_JOBS, INTERRUPTED = 2, 1, 130
RESUMABLE = ("budget", "hardware", "tracking")  # what a resumed run may change
Execute = Callable[[DictConfig, Path, bool], float]
log = logging.getLogger("zeta_exp")


def _run_directory(resume: str | None, otherwise: str) -> str:
    """Where the run writes: the run that is resumed, or a directory of its own."""
    if resume is None:
        return otherwise
    if not (Path(resume) / "config.yaml").is_file():
        raise UserError(f"resume={resume}: no run there (config.yaml is missing)")
    return resume


def _hydra_directory(resume: str | None) -> str:
    """Where Hydra keeps what it composed: never over the record of the run that is resumed."""
    return ".hydra" if resume is None else f".hydra/resumed-{int(time.time())}"


def guarded(main: Callable[[], Any]) -> int:
    """Runs the program; a user's error becomes one sentence and exit code 2."""
    schema.register()
    OmegaConf.register_new_resolver("run_directory", _run_directory, replace=True)
    OmegaConf.register_new_resolver("hydra_directory", _hydra_directory, replace=True)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise where it would print and exit with 1
    try:
        main()
    except Exception as error:
        if reason := _reason(error):
            return _refuse(reason)
        raise
    return 0


def _refuse(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return USER_ERROR


def _storage(error: OSError) -> str:
    """A full disk, a read-only or missing directory."""
    name = f" {error.filename}" if error.filename else ""
    return f"cannot write{name}: {error.strerror or error}; give another hydra.run.dir=PATH"


def _reason(error: BaseException) -> str | None:
    """The sentence for an error that the user can mend; None for a defect of the program."""
    chain: BaseException | None = error
    while chain is not None:  # Hydra and OmegaConf wrap what an object or resolver raises
        if isinstance(chain, UserError):
            return str(chain)
        chain = chain.__cause__ or chain.__context__
    if isinstance(error, InstantiationException) and isinstance(error.__cause__, OSError):
        error = error.__cause__
    if isinstance(error, OSError):
        return _storage(error)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return None if isinstance(error, InstantiationException) else explain(error)
    return None


def _refuse_unread_keys(node: DictConfig, path: str = "") -> None:
    """Refuses keys that no schema knows: what `+key=value` adds, nobody would read."""
    node_type = OmegaConf.get_type(node)
    for key in node:
        here = f"{path}{key}"
        if dataclasses.is_dataclass(node_type) and key not in node_type.__dataclass_fields__:
            raise UserError(unknown_key(here))
        child = node._get_node(key)
        if isinstance(child, DictConfig) and not child._is_none() and not child._is_missing():
            _refuse_unread_keys(child, f"{here}.")


def job(config: DictConfig, execute: Execute) -> float:
    """One job; the objective for sweepers, NaN where a job of a sweep was refused or failed."""
    hydra = HydraConfig.get()
    directory = Path(hydra.runtime.output_dir)
    if hydra.mode == RunMode.RUN:
        return _single(config, execute, directory)
    try:
        if config.resume is not None:
            raise UserError("resume continues one run: leave out -m")
        return execute(_written(config, directory), directory, False)
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            log.error("%s", "".join(traceback.format_exception(error)))
        status, reason = ("refused", reason) if reason else ("failed", repr(error))
        log.error("%s: %s", status, reason)
        text = json.dumps({"status": status, "reason": reason}, indent=2)
        (directory / "result.json").write_text(text + "\n")
        return float("nan")


def _single(config: DictConfig, execute: Execute, directory: Path) -> float:
    try:
        _refuse_ignored_launcher()
        resume = config.resume is not None
        effective = _stored(config, directory) if resume else _written(config, directory)
        return execute(effective, directory, resume)
    except KeyboardInterrupt:
        log.info("interrupted; to continue: python run.py resume=%s", directory)
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:
        if reason := _reason(error):
            raise SystemExit(_refuse(reason)) from error
        raise


def _refuse_ignored_launcher() -> None:
    """Hydra runs a job without -m locally, whatever launcher was asked for."""
    launcher = HydraConfig.get().runtime.choices["hydra/launcher"]
    # Hydra adds hydra.mode=RUN to its own list of overrides, so only the command line tells
    explicit = any(argument.startswith("hydra.mode=") for argument in sys.argv[1:])
    if launcher != "basic" and not explicit:
        raise UserError(
            f"hydra/launcher={launcher} would be ignored without -m: "
            "add -m, or hydra.mode=RUN to run here"
        )


def _written(config: DictConfig, directory: Path) -> DictConfig:
    """The resolved config, written as config.yaml once."""
    _refuse_unread_keys(config)
    resolved = OmegaConf.create(OmegaConf.to_container(config, resolve=True, throw_on_missing=True))
    path = directory / "config.yaml"
    if path.exists():
        raise UserError(
            f"{directory} already holds a run: give another hydra.run.dir, "
            f"or resume={directory} to continue it"
        )
    OmegaConf.save(resolved, path)
    return resolved


def _stored(config: DictConfig, directory: Path) -> DictConfig:
    """The config of the run that is resumed, with what may change taken from the command line."""
    stored = OmegaConf.load(directory / "config.yaml")
    overrides = HydraConfig.get().overrides
    keys = [o.key_or_group for o in OverridesParser.create().parse_overrides(list(overrides.task))]
    for key in [*keys, *(override.split("=")[0] for override in overrides.hydra)]:
        if key not in ("resume", "hydra.mode") and key.split(".")[0] not in RESUMABLE:
            raise UserError(
                f"{key} can't change in a resumed run: only budget.*, hardware and tracking can; "
                "start a new run for the rest"
            )
    for key in sorted(set(keys) - {"resume"}, key=lambda key: "." in key):
        value = OmegaConf.select(config, key)
        plain = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        OmegaConf.update(stored, key, plain, merge=False)
    return stored


class SweepStatus(Callback):
    """Ends a sweep with exit code 1 where a job did not complete."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remembers when the sweep began: a directory may hold an earlier one."""
        self._begun = time.time() - 1

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Counts the jobs that were refused or failed."""
        results = [
            (path, json.loads(path.read_text()))
            for path in sorted(Path(config.hydra.sweep.dir).rglob("result.json"))
            if path.stat().st_mtime >= self._begun
        ]
        missed = [(path, r) for path, r in results if r["status"] != "completed"]
        for path, result in missed:
            print(f"{path.parent}: {result['status']}: {result.get('reason')}", file=sys.stderr)
        if missed:
            print(f"{len(missed)} of {len(results)} jobs did not complete", file=sys.stderr)
            raise SystemExit(FAILED_JOBS)
