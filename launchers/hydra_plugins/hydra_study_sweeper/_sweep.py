"""A study from its file to its last run: tuning, then confirmation, controls and references."""

import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus

from ._directory import Directory
from ._plan import (
    CONFIRM,
    CONTROL,
    REFERENCE,
    TUNING,
    Cell,
    Composer,
    Run,
    Values,
    check_origins,
    check_room,
    confirmations,
    controls,
    references,
)
from ._progress import Costs, Progress, Work
from ._study import check_command_line, read
from ._tuning import Search

if TYPE_CHECKING:
    from .study_sweeper import StudySweeper

FAILED_JOBS = 1
RESUMING_LAUNCHERS = ("vertex",)  # they know by themselves what became of a job


def sweep(sweeper: "StudySweeper", arguments: Sequence[str]) -> None:
    """Runs what the study still lacks.

    Raises `UserError` before anything is run, SystemExit in the end where runs have failed.
    """
    study = Study(sweeper, arguments)
    if study.conf.dry_run:
        print("\n".join(study.described()))
        raise SystemExit(0)
    with study.directory.claimed(study.conf.name):
        try:
            study.tune()
            study.confirm()
        except KeyboardInterrupt:
            print("interrupted; the same command goes on", file=sys.stderr)
            raise
    for path, reason in study.failed.items():
        print(f"{path}: {reason}", file=sys.stderr)
    if study.failed:
        print(f"{len(study.failed)} runs did not complete", file=sys.stderr)
        raise SystemExit(FAILED_JOBS)


class Study:
    """A study under way.  Raises `UserError` for one that can't be run."""

    def __init__(self, sweeper: "StudySweeper", arguments: Sequence[str]) -> None:
        self.conf = read(sweeper.config)
        check_command_line(self.conf, arguments)
        self._sweeper, self._arguments = sweeper, list(arguments)
        self.directory = Directory(Path(sweeper.config.hydra.sweep.dir), self.conf.other_code)
        self.composer = Composer(sweeper.hydra_context, sweeper.config, self.conf, self._arguments)
        self._confirmations, self._controls = confirmations(self.conf), controls(self.conf)
        self._references = references(self.conf)
        wanted = [*self._confirmations, *self._controls, *self._references]
        cells = list(dict.fromkeys(cell for cell, _, _ in wanted))
        check_origins(self.conf, self.composer, cells)
        check_room(self.composer, self._confirmations)
        tuned = dict.fromkeys(cell.tuned_by(self.conf) for cell in cells)
        self._searches = {cell: Search(self.conf, cell) for cell in tuned if cell is not None}
        self._runs: dict[str, Run] = {}  # by directory, as far as they are known
        self._first: dict[tuple[str, ...], Run] = {}  # of equal runs
        self.failed: dict[str, str] = {}  # why, by directory or by what could not be planned
        self._costs = Costs()
        self._launched = 0

    @property
    def _grids(self) -> int:
        return max((len(search.steps()) for search in self._searches.values()), default=0)

    def tune(self) -> None:
        """One grid after another, each for all cells at once."""
        for index in range(self._grids):
            trials = {
                search: search.trials(self.composer, index)
                for search in self._searches.values()
                if len(search.chosen) == len(search.steps()[:index])
            }
            self._launch([run for runs in trials.values() for run in runs], grids_done=index + 1)
            for search, runs in trials.items():
                if runs and not search.choose(index, [self._error(run) for run in runs]):
                    what = f"{search.cell.label}: tuning of {search.steps()[index].key}"
                    self.failed[what] = "no trial has completed, so that nothing is chosen"

    def confirm(self) -> None:
        """What is compared and the controls, all with what tuning has chosen, and references."""
        phases = (
            (CONTROL, self._controls),
            (REFERENCE, self._references),
            (CONFIRM, self._confirmations),
        )
        runs = []
        for phase, wanted in phases:
            for cell, seed, start in wanted:
                chosen = self._chosen(cell)
                if chosen is not None:
                    values = {**chosen, "seed": seed, "start": start}
                    runs.append(self.composer.run(phase, cell, values))
        self._launch(runs, grids_done=None)

    def _chosen(self, cell: Cell) -> Values | None:
        """What tuning has chosen for a cell; None where a search found nothing."""
        tuned = cell.tuned_by(self.conf)
        if tuned is None:
            return {}
        search = self._searches[tuned]
        return search.chosen if len(search.chosen) == len(search.steps()) else None

    def _error(self, run: Run) -> float:
        """The validation RMSE of a run; NaN where it has none."""
        same = self._first.get(_identity(run), run)
        value = (self.directory.result(same) or {}).get("val_rmse")
        return math.nan if value is None else float(value)

    def _launch(self, runs: Sequence[Run], grids_done: int | None) -> None:
        """Runs those that have not completed yet and notes which then still have not."""
        batch = {
            _identity(run): self._first.setdefault(_identity(run), run) for run in runs
        }.values()
        self._runs |= {run.directory: run for run in batch}
        todo = self.directory.unfinished(batch)
        self._write()
        if not todo:
            return
        overrides = [self._overrides(run) for run in todo]
        later = self._later(grids_done)
        done = len(self._runs) - len(todo)
        works = {run.directory: self._work(run.phase, run.cell) for run in todo}
        by_name = {run.directory: run for run in todo}

        def seconds(name: str) -> float | None:
            result = self.directory.result(by_name[name])
            return None if result is None else float(result.get("total_s") or 0)

        launcher = self._sweeper.launcher
        if hasattr(launcher, "jobs_in_all"):  # one that bounds the cost of the whole
            launcher.jobs_in_all = self._launched + len(todo) + len(later)
        with Progress(done, works, later, seconds, self._costs):
            answers = launcher.launch(overrides, initial_job_idx=self._launched)
        self._launched += len(todo)
        for run, answer in zip(todo, answers, strict=True):
            if self.directory.result(run) is None:
                self.failed[str(self.directory.path / run.directory)] = self._why(run, answer)

    def _overrides(self, run: Run) -> list[str]:
        """The job of a run; one that was cut short goes on."""
        job = [*self._arguments, *run.overrides, f"hydra.sweep.subdir={run.directory}"]
        launcher = self._sweeper.config.hydra.runtime.choices["hydra/launcher"]
        if launcher in RESUMING_LAUNCHERS:
            return job
        resumed = self.directory.prepare(run)
        if resumed is not None:
            text = str(resumed).replace("\\", "\\\\").replace('"', '\\"')
            job.append(f'resume="{text}"')
        return job

    def _why(self, run: Run, answer: JobReturn) -> str:
        if answer.status == JobStatus.FAILED:
            return str(answer._return_value).strip().split("\n", 1)[0]
        return self.directory.reason(run)

    def _work(self, phase: str, cell: Cell) -> Work:
        return Work(cell.arm, self.conf.tuning.share if phase == TUNING else 1.0)

    def _later(self, grids_done: int | None) -> list[Work]:
        """The runs of all batches after this one."""
        if grids_done is None:
            return []
        trials = [
            self._work(TUNING, search.cell)
            for search in self._searches.values()
            for step in search.steps()[grids_done:]
            for _ in step.values
        ]
        wanted = [*self._controls, *self._references, *self._confirmations]
        return [*trials, *(self._work(CONFIRM, cell) for cell, _, _ in wanted)]

    def _write(self) -> None:
        """study.json: what is planned so far and what was chosen."""
        self.directory.write(
            {
                "name": self.conf.name,
                "factor": self.conf.factor,
                "tuned": list(dict.fromkeys(step.key for step in self.conf.tuning.steps)),
                "chosen": {
                    search.cell.label: search.record()
                    for search in self._searches.values()
                    if search.chosen
                },
                "runs": {name: self._told(run) for name, run in sorted(self._runs.items())},
            }
        )

    def _told(self, run: Run) -> dict[str, Any]:
        cell = run.cell
        about = {"loss": cell.loss, "point": cell.point, "control": cell.control}
        return {
            "phase": run.phase,
            "arm": cell.arm,
            **{key: value for key, value in about.items() if value is not None},
            "overrides": [*self._arguments, *run.overrides],
        }

    def described(self) -> list[str]:
        """The plan in lines: what dry_run prints."""
        counts = Counter(cell for cell, _, _ in self._confirmations)
        total = len(self._later(0))
        trials = total - len(self._confirmations) - len(self._controls) - len(self._references)
        lines = [f"study {self.conf.name} in {self.directory.path}: {total} runs"]
        tuning = self.conf.tuning
        if trials:
            lines.append(
                f"tuning, {trials} runs at {tuning.share:g} of the budget, seed {tuning.seed}, "
                f"from {tuning.start} on:"
            )
        for search in self._searches.values():
            grids = (f"{step.key} in {list(step.values)}" for step in search.steps())
            lines.append(f"  {search.cell.label}: {', then '.join(grids)}")
        lines.append(f"confirmation, {len(self._confirmations)} runs:")
        for cell, count in counts.items():
            lines.append(f"  {cell.label}: {count}, {' '.join(cell.overrides(self.conf))}")
        lines.append(f"controls, {len(self._controls)} runs:")
        for cell, _, _ in self._controls:
            lines.append(f"  {cell.label}: {cell.control}, {' '.join(cell.overrides(self.conf))}")
        lines.append(f"references, {len(self._references)} runs:")
        for cell, count in Counter(cell for cell, _, _ in self._references).items():
            lines.append(f"  {cell.label}: {count}, {' '.join(cell.overrides(self.conf))}")
        return lines


def _identity(run: Run) -> tuple[str, ...]:
    """Equal for runs that need be made once: those of an axis whose value is the centre's."""
    return run.phase, run.cell.arm, run.cell.control or "", run.digest
