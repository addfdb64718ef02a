"""What a study says, checked before anything is composed."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from zeta_exp.errors import UserError

from .config import Point, StudyConf

NAME = re.compile(r"[A-Za-z0-9_]+")
WHERE = "hydra.sweeper"
WEIGHTS = "loss.weights."
APART = ("N", "start")  # axes whose points need origins of their own, which tuning does not have


def read(config: DictConfig) -> StudyConf:
    """The study of a composed config; raises `UserError` for one that can't be run."""
    study: StudyConf = OmegaConf.to_object(config.hydra.sweeper)  # type: ignore[assignment]
    _check_names(study)
    _check_references(study)
    _check_places(study)
    _check_tuning(study)
    return study


def place(axis: str, value: Any) -> str:
    """What `at` and the chosen values call the point of an axis."""
    return f"{axis}={value}"


def point_of(study: StudyConf, axis: str, value: Any) -> Point:
    """What is different where the axis has that value."""
    return study.at.get(place(axis, value)) or Point()


def _check_names(study: StudyConf) -> None:
    if not study.arms:
        raise UserError(f"{WHERE}.arms is empty: a study compares some")
    named: dict[str, Iterable[str]] = {
        "name": [study.name],
        "arms": study.arms,
        "losses": study.losses,
        "axes": study.axes,
        "parts": study.parts,
        "controls.runs": study.controls.runs,
        "references.runs": study.references.runs,
    }
    for what, names in named.items():
        for name in names:
            if not NAME.fullmatch(name):
                raise UserError(f"{WHERE}.{what}: '{name}' is no name: use letters, digits and _")


def _check_references(study: StudyConf) -> None:
    """Every name that a part, a step or a control uses is one of the study's."""
    users = [(f"parts.{name}", part.arms, part.losses) for name, part in study.parts.items()]
    for index, step in enumerate(study.tuning.steps):
        users.append((f"tuning.steps[{index}]", step.arms, step.losses))
    users.append(("controls", study.controls.arms, study.controls.losses))
    for user, arms, losses in users:
        _known(f"{WHERE}.{user}.arms", arms or (), study.arms)
        _known(f"{WHERE}.{user}.losses", losses or (), study.losses)
    for name, part in study.parts.items():
        _known(f"{WHERE}.parts.{name}.axes", part.axes or (), study.axes)
    _known(f"{WHERE}.tuning.axes", study.tuning.axes, study.axes)
    points = [place(name, value) for name, axis in study.axes.items() for value in axis.values]
    _known(f"{WHERE}.at", study.at, points)
    for where, point in study.at.items():
        _known(f"{WHERE}.at.{where}.arms", point.arms, study.arms)


def _known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"{where}: '{name}' is unknown; known: {', '.join(known) or 'none'}")


def _check_places(study: StudyConf) -> None:
    """Seeds and starts are there, and none is listed twice."""
    lists = [("seeds", study.seeds), ("starts", study.starts)]
    lists += [(f"at.{w}.starts", p.starts) for w, p in study.at.items() if p.starts is not None]
    for name, values in lists:
        if not values:
            raise UserError(f"{WHERE}.{name} is empty: give one or more")
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise UserError(f"{WHERE}.{name} lists {twice[0]} twice: its runs would be the same")
    for name, axis in study.axes.items():
        for value in axis.values if axis.key == "start" else []:
            if point_of(study, name, value).starts is None:
                raise UserError(
                    f"{WHERE}.axes.{name} has {value} and no origins there: give "
                    f"{WHERE}.at.'{place(name, value)}'.starts"
                )
    counted = {f"parts.{name}": part for name, part in study.parts.items()}
    for name, some in {**counted, "references": study.references}.items():
        for key, count in (("seeds", some.seeds), ("starts", some.starts)):
            if count is not None and count < 1:
                raise UserError(f"{WHERE}.{name}.{key}={count}: use 1 or more, null for all")


def _check_tuning(study: StudyConf) -> None:
    tuning = study.tuning
    if not tuning.steps:
        return
    for key in ("seed", "start"):
        if getattr(tuning, key) is None:
            raise UserError(f"{WHERE}.tuning.{key} has no value: give {WHERE}.tuning.{key}=…")
    if not 0 < tuning.share <= 1:
        raise UserError(f"{WHERE}.tuning.share={tuning.share} is no share: use 0.25, or up to 1")
    if tuning.seed in study.seeds:
        raise UserError(
            f"{WHERE}.tuning.seed={tuning.seed} is one of {WHERE}.seeds, and what tunes must not "
            "confirm: give another"
        )
    for name in tuning.axes:
        if study.axes[name].key in APART:
            raise UserError(f"{WHERE}.tuning.axes: {name} takes a study of its own, leave it out")
    for step in tuning.steps:
        _check_grid(study, step.key, step.values)


def _check_grid(study: StudyConf, key: str, values: Sequence[Any]) -> None:
    if not values or any(values.count(value) > 1 for value in values):
        raise UserError(f"{WHERE}.tuning: the values of {key} are none, or one is there twice")
    if key.startswith(WEIGHTS) and 0 not in values:
        raise UserError(
            f"{WHERE}.tuning: 0 is not among the values of {key}, and no weight is worth more "
            "than none before it is tried: add it"
        )
    if key == study.factor and not any(values):
        raise UserError(f"{WHERE}.tuning: {key} has no value but 0, and nothing to compare")


def check_command_line(study: StudyConf, arguments: Sequence[str]) -> None:
    """Refuses overrides that the study sets itself, and those of several values."""
    own: dict[str, str] = {"seed": "seeds", "start": "starts", "hydra.sweep.subdir": "name"}
    own |= dict.fromkeys((axis.key for axis in study.axes.values()), "axes")
    own |= {"loss": "losses"} if study.losses else {}
    own |= {key: "arms" for texts in study.arms.values() for key in _keys(texts)}
    own |= {step.key: "tuning.steps" for step in study.tuning.steps}
    for override in _parsed(arguments):
        key = override.key_or_group
        if key in own:
            raise UserError(
                f"{key} is what the study {study.name} sets itself: change {WHERE}.{own[key]}"
            )
        if override.is_sweep_override():
            raise UserError(
                f"{override.input_line} gives several values, and a study lists its own runs: "
                f"give one, or an axis of {WHERE}.axes"
            )


def _parsed(texts: Sequence[str]) -> list[Override]:
    return OverridesParser.create().parse_overrides(list(texts))


def _keys(texts: Sequence[str]) -> list[str]:
    return [override.key_or_group for override in _parsed(texts)]
