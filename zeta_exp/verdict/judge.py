"""The whole way from a sweep's directory to a verdict for each group of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from zeta_exp.errors import UserError
from zeta_exp.report.runs import Run, flattened, read_runs
from zeta_exp.verdict import beside, problems
from zeta_exp.verdict.arms import Arm, arms_of
from zeta_exp.verdict.beside import Baselines, Reference
from zeta_exp.verdict.findings import Finding, findings_of
from zeta_exp.verdict.pairs import Comparison, Question, comparisons, complete
from zeta_exp.verdict.problems import Problem
from zeta_exp.verdict.study import CONFIRM, CONTROL, REFERENCE, TUNING, Study, read_study

FACTOR, METRIC, MARGIN = "loss.weights.rg", "extrapolation_error_next10pct", 0.05
CONTROL_R2 = 0.02  # of the residual over the next 10%, which a control reaches by chance


@dataclass(frozen=True)
class Request:
    """What is asked of a sweep."""

    folder: str
    factor: str | None = None  # None: the study's, else loss.weights.rg
    without: Any = 0  # the factor's value that stands for its absence
    metric: str = METRIC  # an error of result.json
    margin: float = MARGIN  # ratios of errors up to 1 + margin, either way, are no difference
    allow: tuple[str, ...] = ()  # reasons of `problems.REASONS`


@dataclass(frozen=True)
class Judgement:
    """All that is found in a study."""

    request: Request
    factor: str
    name: str | None  # of the study
    findings: list[Finding]
    controls: int  # how many were run
    invalid: list[str]  # why nothing may be concluded
    notes: list[str]
    arms: list[Arm]  # descriptive
    baselines: list[Baselines]  # of the same zeros, untrained
    references: list[Reference]  # compared with nothing


def judge(request: Request) -> Judgement:
    """Read a sweep and decide.  Raises UserError where it can't be judged."""
    return judge_runs(request, read_runs(request.folder), read_study(request.folder))


def question_of(request: Request, study: Study) -> Question:
    """What the study asks where the request leaves it open."""
    factor = request.factor or study.factor or FACTOR
    return Question(factor, request.without, study.tuned, study.losses)


def judge_runs(request: Request, runs: Sequence[Run], study: Study) -> Judgement:
    """Decide on runs that were read.  Raises UserError where they can't be judged."""
    question = question_of(request, study)
    confirm, controls = study.of_phase(runs, CONFIRM), study.of_phase(runs, CONTROL)
    usable = [run for run in confirm if problems.usable(run, request.metric)]
    _check_asked(request, question.factor, usable)
    groups, faults = comparisons(usable, question)
    faults += problems.unfinished([*confirm, *controls], request.metric)
    faults += _faults(groups, study.of_phase(runs, TUNING))
    accepted = problems.refuse(faults, request.allow, request.folder)
    if not groups:
        raise UserError(
            f"{request.folder} has no two runs of one seed and start that differ in "
            f"{question.factor} alone: sweep over {question.factor}={request.without} and another "
            "value, or name another --factor"
        )
    invalid = _skilful(controls)
    references = study.of_phase(runs, REFERENCE)
    margin = float(np.log1p(request.margin))
    tables = [complete(group) for group in groups]
    findings = findings_of(tables, request.metric, margin, valid=not invalid, references=references)
    return Judgement(
        request=request,
        factor=question.factor,
        name=study.name,
        findings=findings,
        controls=len(controls),
        invalid=invalid,
        notes=[
            *_accepted(accepted),
            *_notes(study, runs, findings, controls),
            *beside.missing(references, request.metric),
        ],
        arms=arms_of(usable, study, question, request.metric),
        baselines=beside.baselines_of(usable, request.metric),
        references=beside.references_of(references, study, request.metric),
    )


def _check_asked(request: Request, factor: str, usable: Sequence[Run]) -> None:
    """Raise UserError where no run has an error, or none knows the factor."""
    if not usable:
        raise UserError(
            f"no run of {request.folder} has finished with a positive {request.metric}: wait for "
            "the sweep, or name another --metric of result.json"
        )
    keys = sorted({key for run in usable for key in flattened(run.config)})
    if factor not in keys:
        close = get_close_matches(factor, keys, 1)
        hint = f"did you mean {close[0]}?" if close else "give a key of config.yaml"
        raise UserError(f"no run of {request.folder} has a setting {factor!r}: {hint}")


def _faults(groups: Sequence[Comparison], tuning: Sequence[Run]) -> list[Problem]:
    """What is unfair in the pairs."""
    paired = [run for group in groups for pair in group.pairs.values() for run in pair]
    found = problems.mixed(list({run.name: run for run in paired}.values()))
    for group in groups:
        if missing := group.missing:
            shown = [f"seed {cell.seed} at start {cell.start:,}" for cell in missing]
            sentence = f"{group.name} has no pair of {problems.listed(shown)}; run what is missing"
            found.append(Problem("unpaired", sentence))
        found += problems.overlapping(group, tuning)
    return list(dict.fromkeys(found))


def _skilful(controls: Sequence[Run]) -> list[str]:
    """Why the study is invalid: controls that show skill."""
    found = []
    for run in controls:
        r2 = run.result.get("next10pct_r2")
        if isinstance(r2, int | float) and r2 > CONTROL_R2:
            found.append(
                f"the control {run.name} shows skill where there can be none: R² = {r2:.3f} of the "
                f"residual over the next 10% is above {CONTROL_R2}"
            )
    return found


def _accepted(faults: Sequence[Problem]) -> list[str]:
    return [f"accepted ({fault.reason}): {fault.sentence}" for fault in faults]


def _notes(
    study: Study, runs: Sequence[Run], findings: Sequence[Finding], controls: Sequence[Run]
) -> list[str]:
    """What a reader should know beside the numbers."""
    notes = []
    if strangers := study.strangers(runs):
        names = problems.listed([run.name for run in strangers])
        notes.append(f"{len(strangers)} runs are not in study.json and are left out: {names}")
    if not controls:
        notes.append("no control was run: nothing shows that the skill is about the zeros")
    notes += [
        f"tuning of {arm}: the validation error was best without the factor"
        for arm, values in study.chosen.items()
        if values.get("zero_was_best")
    ]
    notes += [
        f"{finding.label}: the pairs are equal to the last digit, so the factor did nothing"
        for finding in findings
        if not finding.cells.any()
    ]
    notes += [
        f"{finding.label}: the speed of training is unknown ({finding.no_speed})"
        for finding in findings
        if finding.no_speed
    ]
    paired = (run for f in findings for pair in f.comparison.pairs.values() for run in pair)
    if any(run.provenance.get("dirty") for run in paired):
        notes.append("runs were made with changes that were not committed")
    return notes
