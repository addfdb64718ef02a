"""Repeating a run from its directory alone: `replay=RUN`."""

import dataclasses
import json
import logging
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from conf.schema import Config
from zeta_exp.errors import UserError
from zeta_exp.files import contents, explained, is_folder, join, write_atomically
from zeta_exp.overrides import override, shown
from zeta_exp.report.differences import differences
from zeta_exp.report.provenance import changed
from zeta_exp.report.runs import COMPLETED, CONFIG, Run, read_runs
from zeta_exp.report.settings import settings

REPLAY, RESUME = "replay", "resume"  # keys that say where numbers go, and are no part of a run
FREE = (REPLAY, "hydra.run.dir", "hydra.mode")  # what may be given beside it; Hydra adds the last
NO_TRACKER = {"_target_": "zeta_exp.tracking.NoTracker"}  # the services have that run already
log = logging.getLogger("zeta_exp")


def replays(config: DictConfig) -> bool:
    """Whether the config is that of a run which repeats another."""
    return REPLAY in config and config.replay is not None


def check_replay(config: DictConfig) -> None:
    """Raise `UserError` for a run that can't be repeated, and for what is given beside it."""
    given = config.hydra.overrides
    parsed = OverridesParser.create().parse_overrides(list(given.task))
    keys = [each.key_or_group for each in parsed]
    for key in [*keys, *(text.split("=")[0] for text in given.hydra)]:
        if key not in FREE:
            raise UserError(
                f"{key} can't change in a replay, which repeats a run as it was: only "
                "hydra.run.dir can; start a new run for the rest"
            )
    _finished(config.replay)


def repeated(config: DictConfig) -> DictConfig:
    """The config of the run that is repeated, as it was at its end, without its trackers."""
    told = {**_finished(config.replay).config, "tracking": NO_TRACKER}
    return OmegaConf.create(told)


def tell(config: DictConfig, directory: Path) -> None:
    """Says how far the numbers in `directory` are those that were to be repeated.

    Also in `result.json`, as "replay".
    """
    from zeta_exp.report.agreement import agreement

    before = _finished(config.replay)
    (after,) = read_runs(str(directory))
    found = agreement(before, after)
    log.info("replay of %s: %s", config.replay, found.sentence())
    differences = _differences(before, after)
    if differences:
        log.warning("warning: made under other circumstances: %s", "; ".join(differences))
    kept = {"of": config.replay, **vars(found), "circumstances": differences}
    text = json.dumps({**after.result, REPLAY: kept}, indent=2)
    write_atomically(directory / "result.json", text.encode() + b"\n")


def _differences(before: Run, after: Run) -> list[str]:
    """What else than chance may have made the numbers differ."""
    found = changed(before.result, after.result)
    if before.config["budget"]["kind"] == "seconds":
        found.append("a budget in seconds buys as many updates as the machine is fast")
    return found + _resumed(before)


def _resumed(before: Run) -> list[str]:
    """What was changed when the run was resumed: one that is not resumed can't have both."""
    path = join(before.path, CONFIG)
    with explained(path):
        begun = OmegaConf.to_container(OmegaConf.create(contents([path])[0].decode()))
    told = differences([settings(begun), settings(before.config)])
    return [
        f"{one.key} was {shown(one.values[0])} until the run was resumed with "
        f"{shown(one.values[1])}"
        for one in told
    ]


def _finished(path: str) -> Run:
    """The run in a directory, local or remote."""
    if not path.strip():
        raise UserError("replay= is empty: give the directory of a run, replay=PATH")
    if not is_folder(path):
        raise UserError(f"replay={path}: no folder is there; give the directory of a run")
    runs = read_runs(path)
    if runs[0].name != ".":
        raise UserError(
            f"replay={path}: there are {len(runs)} runs below it; give the directory of one, such "
            f"as {override(REPLAY, runs[0].path)}"
        )
    if runs[0].status != COMPLETED:
        raise UserError(
            f"replay={path}: that run is {runs[0].status}, and only a finished one has the "
            "numbers to repeat; resume it first, with resume=PATH"
        )
    _check_keys(path, runs[0])
    return runs[0]


def _check_keys(path: str, run: Run) -> None:
    """Raise `UserError` for a config that this version can't read."""
    wanted = {field.name for field in dataclasses.fields(Config)} - {RESUME, REPLAY}
    differing = sorted(wanted ^ set(run.config))
    if differing:
        commit = run.provenance.get("git")
        raise UserError(
            f"replay={path}: its config is another version's (it differs in "
            f"{', '.join(differing)}); replay it with the code that made it"
            + (f", git checkout {commit}" if commit else "")
        )
