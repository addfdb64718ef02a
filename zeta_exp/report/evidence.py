"""What a report and its figures are about: the runs below a folder, in arms, and the verdict."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.report.runs import COMPLETED, Run, flattened, read_runs
from zeta_exp.verdict.arms import groups_of
from zeta_exp.verdict.judge import Judgement, Request, judge_runs, question_of
from zeta_exp.verdict.pairs import Question, heights
from zeta_exp.verdict.problems import usable
from zeta_exp.verdict.study import CONFIRM, STUDY, Study, read_study

Role = Literal["with", "without"]  # the factor; None where it is not what is compared


@dataclass(frozen=True)
class Arm:
    """Runs equal but for seed and start."""

    label: str
    runs: list[Run]
    role: Role | None = None


@dataclass(frozen=True)
class Panel:
    """Arms that are to be seen side by side."""

    label: str
    arms: list[Arm]

    @property
    def runs(self) -> list[Run]:
        """Those of all arms."""
        return [run for arm in self.arms for run in arm.runs]


@dataclass(frozen=True)
class Evidence:
    """All that is known of a folder of runs."""

    request: Request
    runs: list[Run]  # all that are there
    study: Study
    judgement: Judgement | None = None  # None: nothing was compared, or `refusal` says why not
    refusal: str | None = None
    studies: list[str] = field(default_factory=list)  # folders of studies below, each to be asked

    @property
    def factor(self) -> str:
        """The last part of the factor's key, such as rg."""
        return self.question.factor.rpartition(".")[2]

    @property
    def question(self) -> Question:
        """What is compared."""
        return question_of(self.request, self.study)

    @cached_property
    def shown(self) -> list[Run]:
        """The finished runs that confirm; a single run whatever became of it."""
        if len(self.runs) == 1:
            return self.runs
        confirm = self.study.of_phase(self.runs, CONFIRM)
        return [run for run in confirm if usable(run, self.request.metric) and is_told(run)]

    @cached_property
    def panels(self) -> list[Panel]:
        """The groups of pairs of a verdict, the largest first, or all arms in one panel.

        Raises UserError where no run has finished.
        """
        if self.judgement is not None:
            panels = [self._pairs(place) for place in range(len(self.judgement.findings))]
            return sorted(panels, key=lambda panel: -len(panel.runs))
        if not self.shown:
            raise UserError(
                f"no run of {self.request.folder} that a figure could show has finished: wait for "
                "the runs, or give the folder of a finished one"
            )
        return [Panel("", self.arms)]

    @cached_property
    def arms(self) -> list[Arm]:
        """All runs that are shown, in groups equal but for seed and start."""
        if len(self.shown) == 1:
            return [Arm("", self.shown)]
        groups = groups_of(self.shown, self.study, self.question)
        names = Counter(group.label for group in groups)
        made = []
        for group in groups:
            level = f", {self.factor} = {group.level}" if names[group.label] > 1 else ""
            made += [Arm(f"{group.label}{level}{at}", runs) for at, runs in _by_height(group.runs)]
        return made

    def _pairs(self, place: int) -> Panel:
        """A group of pairs as two arms."""
        assert self.judgement is not None
        finding = self.judgement.findings[place]
        pairs = list(finding.comparison.pairs.values())
        without, with_it = ([pair[arm] for pair in pairs] for arm in (0, 1))
        return Panel(
            finding.label,
            [
                Arm(f"with {self.factor}", with_it, "with"),
                Arm(f"without {self.factor}", without, "without"),
            ],
        )


Source = str | Path | Evidence  # what a figure is drawn of: the folder of a run, a sweep, a study


def evidence_of(source: Source) -> Evidence:
    """The evidence itself, or that of a folder."""
    return source if isinstance(source, Evidence) else gather(Request(str(source)))


def gather(request: Request) -> Evidence:
    """Read the runs in and below a folder, and judge them where they compare something.

    Raises UserError where there is no run; what can't be judged is a `refusal`.
    """
    runs, study = read_runs(request.folder), read_study(request.folder)
    evidence = Evidence(request, runs, study, studies=_studies(request.folder, study))
    if not _compares(evidence):
        return evidence
    try:
        judgement = judge_runs(request, runs, study)
    except UserError as error:
        return Evidence(request, runs, study, refusal=str(error))
    return Evidence(request, runs, study, judgement)


def _studies(folder: str, study: Study) -> list[str]:
    """Folders of studies below one that is none itself."""
    if study.places is not None:
        return []
    with files.explained(folder):
        return [path.rpartition("/")[0] for path in files.below(folder, {STUDY})]


def _compares(evidence: Evidence) -> bool:
    """Whether a study is planned, a factor was asked for, or runs have it and have it not."""
    if evidence.study.places is not None or evidence.request.factor:
        return True
    if evidence.studies:
        return False  # two studies in one table would be a comparison that nobody planned
    levels = {_level(run, evidence.question.factor) for run in evidence.shown}
    absent = {level for level in levels if evidence.question.is_without(level)}
    return bool(absent) and len(levels) > 1


def _level(run: Run, factor: str) -> object:
    level = flattened(run.config).get(factor)
    return level if isinstance(level, str | int | float) else str(level)


def is_told(run: Run) -> bool:
    """Whether its config says which zeros it saw, and its seed."""
    return all(isinstance(run.config.get(name), int) for name in ("N", "start", "seed"))


def _by_height(runs: Sequence[Run]) -> list[tuple[str, list[Run]]]:
    """Runs of one height each, and what to say of it where there are several."""
    starts = {int(run.config["start"]) for run in runs}
    groups = heights(starts, max(int(run.config["N"]) for run in runs))
    return [
        (
            f", from {group[0]:,}" if len(groups) > 1 else "",
            [run for run in runs if run.config["start"] in group],
        )
        for group in groups
    ]


def one_of(arms: Sequence[Arm]) -> Run:
    """The run of an example: of the first arm the one in the middle by its error."""
    runs = sorted(arms[0].runs, key=lambda run: run.result.get("val_rmse") or float("inf"))
    return runs[(len(runs) - 1) // 2]


def finished(runs: Sequence[Run]) -> list[Run]:
    """Those that came to their end."""
    return [run for run in runs if run.status == COMPLETED]
