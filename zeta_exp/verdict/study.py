"""study.json: what each run of a study is for, and what was tuned."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.report.runs import Run

STUDY = "study.json"
TUNING, CONFIRM, CONTROL, REFERENCE = "tuning", "confirm", "control", "reference"
PHASES = (TUNING, CONFIRM, CONTROL, REFERENCE)


@dataclass(frozen=True)
class Study:
    """What is planned; a directory without study.json is a study whose every run confirms."""

    name: str | None = None
    factor: str | None = None  # the key that decides, such as loss.weights.rg
    tuned: tuple[str, ...] = ()  # keys whose value was chosen for each arm
    places: Mapping[str, Mapping[str, Any]] | None = None  # run → {"phase", "arm", "overrides"}
    chosen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # what tuning chose

    def of_phase(self, runs: Sequence[Run], phase: str) -> list[Run]:
        """The runs of a phase.  One that is planned and not begun has no result."""
        if self.places is None:
            return list(runs) if phase == CONFIRM else []
        found = {run.name: run for run in runs}
        return [
            found.get(name, Run(name, name, {}))
            for name, place in self.places.items()
            if place["phase"] == phase
        ]

    def arm(self, run: Run) -> str | None:
        """The name of the run's arm; None where the study names none."""
        arm = (self.places or {}).get(run.name, {}).get("arm")
        return None if arm is None else str(arm)

    @property
    def losses(self) -> dict[str, str]:
        """The loss of each run, where the study names it."""
        places = (self.places or {}).items()
        return {name: str(place["loss"]) for name, place in places if place.get("loss")}

    def strangers(self, runs: Sequence[Run]) -> list[Run]:
        """Runs in the directory that the study does not know."""
        return [] if self.places is None else [run for run in runs if run.name not in self.places]


def read_study(folder: str) -> Study:
    """The study of a sweep's directory.  Raises UserError for a file that is none."""
    path = files.join(folder, STUDY)
    if not files.exists(path):
        return Study()
    with files.explained(path):
        text = files.contents([path])[0]
    try:
        plan = json.loads(text)
        places = {str(name).strip("/"): dict(place) for name, place in plan["runs"].items()}
        phases = {place["phase"] for place in places.values()}
        if not phases <= set(PHASES):
            raise ValueError(f"phase {min(phases - set(PHASES))!r}")
        return Study(
            name=plan.get("name"),
            factor=plan.get("factor"),
            tuned=tuple(plan.get("tuned") or ()),
            places=places,
            chosen=dict(plan.get("chosen") or {}),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is no plan of a study ({type(error).__name__}: {error}): let the sweep write "
            "it again, or remove it to compare all runs"
        ) from None
