"""A verdict in one plain sentence, and what would decide an undecided one."""

from collections import defaultdict
from collections.abc import Sequence

from zeta_exp.verdict.decision import (
    ESSENTIAL,
    HARMS,
    HELPS,
    NO_DIFFERENCE,
    NO_ROOM,
    UNDECIDED,
    VERDICTS,
)
from zeta_exp.verdict.effects import as_percent
from zeta_exp.verdict.findings import Finding
from zeta_exp.verdict.judge import Judgement
from zeta_exp.verdict.power import ENOUGH, MOST

_PHRASES = {
    ESSENTIAL: "is essential",
    HELPS: "helps",
    HARMS: "harms",
    NO_DIFFERENCE: "makes no difference",
    UNDECIDED: "is undecided",
    NO_ROOM: "had no room to matter",
}
_EACH = 3  # findings that are told one by one; more are told by verdict


def sentence(judgement: Judgement) -> str:
    """The answer to whether the factor is essential, as one sentence."""
    factor, findings = judgement.factor, judgement.findings
    if judgement.invalid:
        return f"The study is invalid and says nothing of {factor}: {judgement.invalid[0]}."
    if len(findings) <= _EACH:
        return f"{factor} {'; '.join(map(told, findings))}."
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.verdict].append(finding)
    parts = [
        f"{_PHRASES[verdict]} in {len(groups[verdict])} of {len(findings)} comparisons "
        f"({'; '.join(f'{one.label}: {change(one)}' for one in groups[verdict])})"
        for verdict in VERDICTS
        if verdict in groups
    ]
    return f"{factor} {', '.join(parts)}."


def told(finding: Finding) -> str:
    """What is found in one group of pairs, after the factor's name."""
    size = f"{finding.effect.seeds} seeds × {finding.effect.origins} origins"
    text = f"{_PHRASES[finding.verdict]} at {finding.label}: without it the error is "
    text += f"{change(finding)} ({size})"
    if finding.verdict == UNDECIDED:
        text += f", and {needed(finding)}"
    if finding.verdict == NO_ROOM:
        text += f", and {room(finding)}"
    return text


def room(finding: Finding) -> str:
    """How much of the squared error any loss could have removed."""
    return f"{percent(finding.room)} of the squared error could have been removed at all"


def percent(share: float | None) -> str:
    """A share with two digits, or a dash."""
    return "–" if share is None else f"{100 * share:.2g}%"


def change(finding: Finding) -> str:
    """How much larger the error is without the factor, with its interval."""
    percent = float(as_percent(finding.effect.estimate))
    found = f"{abs(percent):.1f}% {'larger' if percent >= 0 else 'smaller'}"
    return f"{found}, 95% interval {interval(finding, 0.95)}"


def interval(finding: Finding, level: float) -> str:
    """Bounds in per cent, and what they speak for where that is not seeds and origins."""
    effect = finding.effect
    if effect.scope == "none":
        return "unknown"
    low, high = (float(as_percent(bound)) for bound in effect.interval(level))
    alone = "" if effect.scope == "seeds and origins" else f" ({effect.scope} alone)"
    return f"{low:+.1f}% to {high:+.1f}%{alone}"


def needed(finding: Finding) -> str:
    """What would decide it."""
    sizes = [
        f"{plan.seeds} seeds × {plan.origins} origins ({plan.claim})" for plan in finding.needed
    ]
    if not sizes:
        return f"not even {MOST:,} seeds or {MOST:,} origins would be likely to decide it"
    would = f"{' or '.join(sizes)} would decide it with probability {ENOUGH}"
    if finding.effect.scope == "seeds and origins":
        return f"{would} if this estimate is true"
    return f"{would} if this estimate is true and what was not repeated varies as measured before"


def family(finding: Finding) -> str:
    """What Holm's correction was over."""
    sizes: Sequence[str] = [f"{size:,}" for size in finding.family]
    tests = "1 test" if finding.tested == 1 else f"{finding.tested} tests"
    return f"N = {'; '.join(sizes)} ({tests})"
