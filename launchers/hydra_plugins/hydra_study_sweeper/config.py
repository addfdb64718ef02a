"""Types and defaults of hydra/sweeper=study; Hydra imports this file each time it starts."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


class OtherCode(Enum):
    """What becomes of finished runs of a study whose code was another one."""

    refuse = "refuse"
    rerun = "rerun"
    keep = "keep"


@dataclass
class Axis:
    """A key that is moved away from the centre, alone."""

    key: str = MISSING
    values: list[Any] = MISSING


@dataclass
class Point:
    """What is different where an axis has one value, `NAME=VALUE` in `at`."""

    starts: list[int] | None = None  # origins of its own, null for those of the study
    arms: dict[str, list[str]] = field(default_factory=dict)  # more overrides of some arms


@dataclass
class Part:
    """Some of the arms, compared at the centre and along some axes."""

    arms: list[str] | None = None  # null for all
    losses: list[str] | None = None
    axes: list[str] | None = None  # null for all, [] for none
    centre: bool = True  # false leaves out the runs where no axis is moved
    seeds: int | None = None  # how many of the study's, from the first; null for all
    starts: int | None = None


@dataclass
class Step:
    """One search, in order: the best value stays for the steps that follow."""

    key: str = MISSING
    values: list[Any] = MISSING
    arms: list[str] | None = None  # null for all
    losses: list[str] | None = None


@dataclass
class Tuning:
    """The same small search for each arm and loss, on an origin and a seed of its own."""

    steps: list[Step] = field(default_factory=list)
    share: float = 0.25  # of the budget
    seed: int | None = None  # needed where there are steps
    start: int | None = None
    axes: list[str] = field(default_factory=list)  # along which each value is tuned by itself


@dataclass
class Controls:
    """Runs that must show no skill: what each changes, of which arms."""

    runs: dict[str, list[str]] = field(default_factory=dict)
    arms: list[str] = field(default_factory=list)
    losses: list[str] | None = None  # null for the first


@dataclass
class References:
    """Runs at the centre that are shown beside the arms and compared with nothing."""

    runs: dict[str, list[str]] = field(default_factory=dict)  # overrides of no arm: untuned
    seeds: int | None = 1  # how many of the study's, from the first; null for all
    starts: int | None = None


@dataclass
class StudyConf:
    """The keys of hydra.sweeper; conf/hydra/sweeper/study.yaml says what each is for."""

    _target_: str = "hydra_plugins.hydra_study_sweeper.study_sweeper.StudySweeper"
    name: str = MISSING
    factor: str = MISSING
    arms: dict[str, list[str]] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)
    axes: dict[str, Axis] = field(default_factory=dict)
    at: dict[str, Point] = field(default_factory=dict)
    seeds: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)
    tuning: Tuning = field(default_factory=Tuning)
    controls: Controls = field(default_factory=Controls)
    references: References = field(default_factory=References)
    other_code: OtherCode = OtherCode.refuse
    dry_run: bool = False


ConfigStore.instance().store(
    group="hydra/sweeper", name="study_schema", node=StudyConf, provider="hydra_study_sweeper"
)
