"""The runs of a study: which there are, what each is composed of, and where it writes."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hydra.types import HydraContext
from hydra_plugins.hydra_vertex_launcher._identity import config_digest
from omegaconf import DictConfig, OmegaConf

from zeta_exp.errors import UserError
from zeta_exp.parts import NOT_OF_NUMBERS
from zeta_exp.recipe import LEAST_ROOM, cut_off, expected_room

from ._study import place, point_of
from .config import Part, StudyConf

TUNING, CONFIRM, CONTROL, REFERENCE = "tuning", "confirm", "control", "reference"
HASH_DIGITS = 8
HEADLINE = 100  # ordinals that a run sees beyond its range at least; a tenth of N where more
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """What a run is, but for its tuned values, seed and origin."""

    arm: str  # or the name of a reference
    loss: str | None = None
    axis: str | None = None  # the one that is moved, None at the centre
    value: Any = None
    control: str | None = None
    reference: bool = False

    @property
    def point(self) -> str | None:
        """Where on which axis."""
        return None if self.axis is None else place(self.axis, self.value)

    def overrides(self, study: StudyConf) -> list[str]:
        """What makes the cell of the config of the command line."""
        if self.reference:
            return list(study.references.runs[self.arm])
        found = list(study.arms[self.arm])
        if self.loss is not None:
            found.append(f"loss={self.loss}")
        if self.axis is not None:
            key = study.axes[self.axis].key
            found += [] if key == "start" else [f"{key}={self.value}"]  # each run has its own start
            found += point_of(study, self.axis, self.value).arms.get(self.arm, [])
        if self.control is not None:
            found += study.controls.runs[self.control]
        return found

    def tuned_by(self, study: StudyConf) -> "Cell | None":
        """The cell whose tuning serves this one; None for a reference, whose values are its own."""
        if self.reference:
            return None
        if self.axis in study.tuning.axes:
            return Cell(self.arm, self.loss, self.axis, self.value)
        return Cell(self.arm, self.loss)

    @property
    def label(self) -> str:
        """What `chosen` calls the cell."""
        return "|".join(filter(None, (self.arm, self.loss, self.point)))


@dataclass(frozen=True)
class Run:
    """One run of a study."""

    phase: str
    cell: Cell
    overrides: tuple[str, ...]  # beside those of the command line
    values: tuple[tuple[str, Any], ...]  # the last of them: tuned values, seed and start
    digest: str  # of its config, as config_sha256 in result.json
    directory: str  # relative to the study's


class Composer:
    """Composes runs: a cell once, and what is a plain number in it run by run."""

    def __init__(
        self, context: HydraContext, config: DictConfig, study: StudyConf, arguments: Sequence[str]
    ) -> None:
        self._context, self._config = context, config
        self._study, self._arguments = study, list(arguments)
        self._composed: dict[Cell, DictConfig] = {}

    def config(self, cell: Cell) -> DictConfig:
        """The config of a cell; raises what Hydra raises."""
        if cell not in self._composed:
            overrides = [*self._arguments, *cell.overrides(self._study)]
            whole = self._context.config_loader.load_sweep_config(self._config, overrides)
            own = [str(key) for key in whole if key not in NOT_OF_NUMBERS]
            self._composed[cell] = OmegaConf.masked_copy(whole, own)
        return self._composed[cell]

    def span(self, cell: Cell) -> int:
        """Ordinals that a run sees, those beyond its range included."""
        N = int(self.config(cell).N)
        return N + max(N // 10, HEADLINE)

    def budget(self, cell: Cell, share: float) -> Values:
        """A share of the budget, in its own currency."""
        budget = self.config(cell).budget
        amount = OmegaConf.select(budget, budget.kind)
        if amount is None:
            raise UserError(f"budget.kind={budget.kind} needs budget.{budget.kind}: give it")
        part = amount * share
        whole = part if isinstance(amount, float) else max(1, round(part))
        return {f"budget.{budget.kind}": whole}

    def run(self, phase: str, cell: Cell, values: Values) -> Run:
        """The run of a cell with these values, the last ones of its overrides."""
        config = deepcopy(self.config(cell))
        for key, value in values.items():
            OmegaConf.update(config, key, value)
        digest = config_digest(config)
        told = [text for text in (self._name(key, v) for key, v in values.items()) if text]
        parts = [
            cell.arm,
            cell.loss,
            cell.control,
            cell.point and self._name(cell.axis, cell.value),
        ]
        name = "-".join([*filter(None, parts), *told, digest[:HASH_DIGITS]])
        return Run(
            phase=phase,
            cell=cell,
            overrides=(*cell.overrides(self._study), *(f"{k}={v}" for k, v in values.items())),
            values=tuple(values.items()),
            digest=digest,
            directory=f"{phase}/{name}",
        )

    @staticmethod
    def _name(key: str | None, value: Any) -> str:
        """A value in the name of a directory, where nothing needs a quote."""
        short = str(key).rpartition(".")[2]
        return re.sub(r"[^A-Za-z0-9_.]+", "_", f"{short}_{value}")


def confirmations(study: StudyConf) -> list[tuple[Cell, int, int]]:
    """Cell, seed and origin of every confirmatory run: those of one origin and seed together."""
    found: dict[tuple[int, int], list[tuple[Cell, int, int]]] = {}
    for part in study.parts.values():
        for cell in _cells(study, part):
            for i, start in enumerate(starts_of(study, cell)[: part.starts]):
                for j, seed in enumerate(study.seeds[: part.seeds]):
                    found.setdefault((i, j), []).append((cell, seed, start))
    return list(dict.fromkeys(run for key in sorted(found) for run in found[key]))


def controls(study: StudyConf) -> list[tuple[Cell, int, int]]:
    """Cell, seed and origin of every control: at the centre, once."""
    losses = _or_all(study.controls.losses, study.losses[:1])
    return [
        (Cell(arm, loss, control=name), study.seeds[0], study.starts[0])
        for name in study.controls.runs
        for arm in study.controls.arms
        for loss in losses or [None]
    ]


def references(study: StudyConf) -> list[tuple[Cell, int, int]]:
    """Cell, seed and origin of every reference: at the centre."""
    wanted = study.references
    return [
        (Cell(name, reference=True), seed, start)
        for name in wanted.runs
        for start in study.starts[: wanted.starts]
        for seed in study.seeds[: wanted.seeds]
    ]


def _cells(study: StudyConf, part: Part) -> Iterator[Cell]:
    axes = _or_all(part.axes, study.axes)
    for loss in _or_all(part.losses, study.losses) or [None]:
        for arm in _or_all(part.arms, study.arms):
            if part.centre:
                yield Cell(arm, loss)
            for axis in axes:
                for value in study.axes[axis].values:
                    yield Cell(arm, loss, axis, value)


def _or_all(chosen: list[str] | None, every: Any) -> list[Any]:
    """Those chosen that the study still has, in its order; all where none are named."""
    return [name for name in every if chosen is None or name in chosen]


def starts_of(study: StudyConf, cell: Cell) -> list[int]:
    """The origins of a cell."""
    own = None if cell.axis is None else point_of(study, cell.axis, cell.value).starts
    return study.starts if own is None else own


def check_room(composer: Composer, wanted: Sequence[tuple[Cell, int, int]]) -> None:
    """Refuses what is to be compared where no loss could make a difference."""
    for cell, start in dict.fromkeys((cell, start) for cell, _, start in wanted):
        config = composer.config(cell)
        max_prime = OmegaConf.select(config, "features.max_prime")
        fraction = OmegaConf.select(config, "labels.fraction", default=1.0)
        room = expected_room(int(config.N), start, max_prime, fraction)
        if room is not None and room < LEAST_ROOM:
            enough = math.ceil(cut_off(start + int(config.N)))
            raise UserError(
                f"{cell.label} from {start} on has no room: the primes above {max_prime} make "
                f"{100 * (1 - room):.0f}% of the squared error or more, which no loss can remove; "
                f"give the study features.max_prime={enough}, or leave this out"
            )


def check_origins(study: StudyConf, composer: Composer, cells: Sequence[Cell]) -> None:
    """Refuses origins whose runs would see the same zeros, and tuning on those of confirmation."""
    tuned = study.tuning.start if study.tuning.steps else None
    for cell in cells:
        span = composer.span(cell)
        starts = sorted(starts_of(study, cell))
        for first, second in pairwise(starts):
            if second < first + span:
                raise UserError(
                    f"the runs from {first} and from {second} on see the same zeros where "
                    f"{cell.label} has {span} of them: give starts at least {span} apart"
                )
        search = cell.tuned_by(study)
        if tuned is None or search is None:
            continue
        own = composer.span(search)
        for start in starts:
            if start < tuned + own and tuned < start + span:
                raise UserError(
                    f"tuning from {tuned} on sees zeros of the confirmatory runs from "
                    f"{start} on ({cell.label}): give another hydra.sweeper.tuning.start"
                )
