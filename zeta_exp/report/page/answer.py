"""The answer of a report in one sentence, and what must be said beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zeta_exp.report.evidence import Arm, Evidence
from zeta_exp.report.runs import COMPLETED, Run
from zeta_exp.report.table import LEARNT_NOTHING
from zeta_exp.verdict import words
from zeta_exp.verdict.decision import INVALID, LEAST_ORIGINS, LEAST_SEEDS
from zeta_exp.verdict.findings import Finding
from zeta_exp.verdict.judge import Judgement

BASELINES = {  # in the order in which they are told
    "smooth": "the smooth count's",
    "linear": "the linear model's",
}
REFUSED, NONE = "not judged", ""  # badges that are no verdicts
_LEAST = f"{LEAST_SEEDS} seeds × {LEAST_ORIGINS} origins"


@dataclass(frozen=True)
class Answer:
    """What a reader sees first."""

    title: str
    sentence: str
    badge: str  # one or two words; "" where nothing is decided
    more: list[str] = field(default_factory=list)  # further sentences
    reasons: list[str] = field(default_factory=list)  # why there is no verdict, or none that holds
    is_comparison: bool = False  # whether `zeta verdict` has something to say

    @property
    def kind(self) -> str:
        """The badge as the name of a style."""
        return "explained" if "explained" in self.badge else self.badge.replace(" ", "-")


def answer(evidence: Evidence) -> Answer:
    """The verdict with its interval; where nothing is compared, the error beside the baselines."""
    if evidence.judgement is not None:
        return _of_judgement(evidence, evidence.judgement)
    if evidence.refusal is not None:
        return _of_refusal(evidence, evidence.refusal)
    if len(evidence.runs) == 1:
        return _of_run(evidence.runs[0])
    return _of_sweep(evidence)


def _of_judgement(evidence: Evidence, judgement: Judgement) -> Answer:
    """All that was decided; where nothing was, the largest comparison."""
    sentence, badge, more = words.sentence(judgement), INVALID, []
    if not judgement.invalid:
        decided = [finding for finding in judgement.findings if finding.large_enough]
        largest = max(judgement.findings, key=lambda finding: finding.cells.size)
        told = decided or [largest]
        if len(told) < len(judgement.findings):
            sentence = f"{judgement.factor} {'; '.join(map(words.told, told))}."
            more = [_others(len(judgement.findings) - len(told))]
        if not decided:
            more.insert(0, f"Nothing is claimed of fewer than {_LEAST}.")
        badge = _badge(told)
    reasons = judgement.invalid[1:]  # the first one is in the sentence
    return Answer(f"Is {evidence.factor} essential?", sentence, badge, more, reasons, True)


def _others(count: int) -> str:
    others = "One more comparison is" if count == 1 else f"{count} more comparisons are"
    return f"{others} smaller than {_LEAST}; the estimates stand in the table below."


def _badge(findings: list[Finding]) -> str:
    verdicts = list(dict.fromkeys(finding.verdict for finding in findings))
    return verdicts[0] if len(verdicts) == 1 else "mixed"


def _of_refusal(evidence: Evidence, refusal: str) -> Answer:
    """Refused, or nothing is there to be compared yet."""
    first, *others = refusal.splitlines()
    done = len([run for run in evidence.runs if run.status == COMPLETED])
    planned = len(evidence.study.places or evidence.runs)
    unfair = "what there is would be no fair comparison, for the reason below"
    which = unfair if evidence.shown else "none of those that count"
    return Answer(
        f"Is {evidence.factor} essential?",
        f"There is no verdict: {done:,} of {planned:,} runs have finished, and {which}.",
        REFUSED,
        reasons=[first, *(line.strip() for line in others)],
        is_comparison=True,
    )


def _of_run(run: Run) -> Answer:
    N = run.provenance.get("N")
    title = f"A run on {N:,} zeros" if isinstance(N, int) else "A run"
    error = run.result.get("extrapolation_error_next10pct")
    if run.status != COMPLETED:
        told = f"The run has not finished ({run.status}), so there is no error beyond its range."
        return Answer(title, told, run.status)
    if not isinstance(error, int | float):
        told = "The run has finished, but its error beyond the range is no number: it diverged."
        return Answer(title, told, "diverged")
    r2 = run.result.get("next10pct_r2")
    sentence = (
        f"Over the 10% of ordinals beyond the zeros it has seen, the model's error is "
        f"{error:#.3g} mean spacings{_beside(run, float(error))}."
    )
    more, badge = [tail(run.result.get("baselines") or {})], NONE
    if isinstance(r2, int | float):
        more.insert(0, f"R² of the residual over the same ordinals is {r2:.4f}.")
        badge = (
            f"{100 * r2:.1f}% of the fluctuation explained"
            if r2 > LEARNT_NOTHING
            else "learnt nothing"
        )
    return Answer(title, sentence, badge, [one for one in more if one])


def _beside(run: Run, error: float) -> str:
    """How many times smaller than the baselines' errors it is, or larger."""
    baselines = run.result.get("baselines") or {}
    parts = []
    for name, whose in BASELINES.items():
        other = (baselines.get(name) or {}).get("next10pct")
        if other and error:
            ratio = other / error
            times = f"{ratio:.3g} times smaller" if ratio >= 1 else f"{1 / ratio:.3g} times larger"
            parts.append(f"{times} than {whose} {other:#.3g}")
    return f": {' and '.join(parts)}" if parts else " (no baseline was measured)"


def tail(baselines: Mapping[str, Any]) -> str:
    """Where the prime-tail scale is, in a sentence."""
    if "prime_tail" not in baselines:
        return ""
    scale = baselines["prime_tail"].get("next10pct")
    if not scale:
        return (
            "The primes in the features reach beyond √(t/2π), so there is no prime-tail scale to "
            "compare with."
        )
    return (
        f"The prime-tail scale, what the primes above those in the features would explain, is "
        f"{scale:#.3g} mean spacings (a scale, not an error)."
    )


def _of_sweep(evidence: Evidence) -> Answer:
    title = f"{len(evidence.runs):,} runs"
    finished = len(evidence.shown)
    if not finished:
        return Answer(title, f"None of {len(evidence.runs):,} runs has finished.", NONE)
    metric = evidence.request.metric
    best = min(evidence.arms, key=lambda arm: _mean(arm, metric))
    runs = "1 run" if len(best.runs) == 1 else f"{len(best.runs)} runs, geometric mean"
    sentence = (
        f"Of {len(evidence.arms)} configurations, {best.label or 'one'} has the smallest error "
        f"over the next 10%: {_mean(best, metric):#.3g} mean spacings ({runs})"
        f"{_beside(best.runs[0], _mean(best, metric))}."
    )
    more = ["Nothing was planned as a comparison here, so no verdict follows from the order."]
    if evidence.studies:
        more.append(f"Below are studies with verdicts of their own: {', '.join(evidence.studies)}.")
    return Answer(title, sentence, NONE, more)


def _mean(arm: Arm, metric: str) -> float:
    """Geometric, of the error."""
    return float(np.exp(np.log([float(run.result[metric]) for run in arm.runs]).mean()))
