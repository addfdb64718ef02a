"""What makes a study's comparison unfair, and how each fault is put into words."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from zeta_exp.errors import UserError
from zeta_exp.report.runs import COMPLETED, Run

if TYPE_CHECKING:
    from zeta_exp.verdict.pairs import Comparison

# what --allow may name, and what is then done
REASONS = {
    "unequal": "pairs that differ in more than the factor: the nearest runs are compared",
    "unpaired": "seeds or origins without a partner: the largest complete table is used",
    "unfinished": "runs that have not finished, or have no finite error: they are left out",
    "versions": "runs of different commits, package versions or uncommitted changes",
    "zeros": "runs of one range that saw different zeros",
    "devices": "runs on different devices or numbers of threads",
    "overlap": "origins that share zeros, or that tuning has seen",
}
_SHOWN = 3  # of a list, before "and n more"


@dataclass(frozen=True)
class Problem:
    """A fault: one sentence that says what is wrong and what to do."""

    reason: str
    sentence: str


def listed(items: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def refuse(problems: Sequence[Problem], allowed: Iterable[str], where: str) -> list[Problem]:
    """Raise UserError for the problems that are not allowed; returns those that are."""
    allowed = set(allowed)
    refused = [problem for problem in problems if problem.reason not in allowed]
    if refused:
        reasons = list(dict.fromkeys(p.reason for p in refused if p.reason in REASONS))
        lines = [f"  {problem.reason}: {problem.sentence}" for problem in refused]
        mend = f"mend this, or accept it with --allow {' '.join(reasons)}" if reasons else "mend it"
        count = f"{len(refused)} problems" if len(refused) > 1 else "a problem"
        raise UserError("\n".join([f"{where} can't be judged, it has {count}: {mend}", *lines]))
    return list(problems)


def unfinished(runs: Iterable[Run], metric: str) -> list[Problem]:
    """Runs that have not finished, and those whose error is no positive number."""
    lost = [f"{run.name} ({run.status})" for run in runs if run.status != COMPLETED]
    endless = [
        f"{run.name} ({run.result.get(metric)})"
        for run in runs
        if run.status == COMPLETED and not usable(run, metric)
    ]
    found = []
    if lost:
        found.append(f"{len(lost)} runs have not finished: {listed(lost)}; resume them")
    if endless:
        found.append(
            f"{len(endless)} runs have no positive finite {metric}: {listed(endless)}; find out why"
        )
    return [Problem("unfinished", sentence) for sentence in found]


def usable(run: Run, metric: str) -> bool:
    """Whether the run has finished with an error whose logarithm exists."""
    value = run.result.get(metric)
    if run.status != COMPLETED or not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 < value < float("inf")


def mixed(runs: Sequence[Run]) -> list[Problem]:
    """Different code, packages, devices, or zeros of one range."""
    problems = []
    differing = _differing_packages(runs)
    for reason, what, read in (
        ("versions", "code", _code),
        ("versions", "packages", lambda run: _packages(run, differing)),
        ("devices", "devices", _device),
    ):
        counts = Counter(read(run) for run in runs)
        if len(counts) > 1:
            shown = [f"{count} runs of {value}" for value, count in counts.most_common()]
            problems.append(
                Problem(reason, f"the {what} are not the same: {listed(shown)}; use one for all")
            )
    return problems + _zeros(runs)


def _code(run: Run) -> str:
    provenance = run.provenance
    commit = str(provenance.get("git") or "unknown")[:10]
    return f"commit {commit}{' with changes' if provenance.get('dirty') else ''}"


def _versions(run: Run) -> dict[str, Any]:
    return dict(run.provenance.get("versions") or {})


def _differing_packages(runs: Iterable[Run]) -> list[str]:
    seen: dict[str, set[Any]] = defaultdict(set)
    told = [_versions(run) for run in runs]
    for name in {name for versions in told for name in versions}:
        seen[name] = {versions.get(name) for versions in told}
    return sorted(name for name, values in seen.items() if len(values) > 1)


def _packages(run: Run, names: Sequence[str]) -> str:
    versions = _versions(run)
    return " ".join(f"{name} {versions.get(name, 'unknown')}" for name in names)


def _device(run: Run) -> str:
    return f"{run.provenance.get('device')} with {run.provenance.get('threads')} threads"


def _zeros(runs: Iterable[Run]) -> list[Problem]:
    seen: dict[Any, dict[str, str]] = defaultdict(dict)
    for run in runs:
        source = json.dumps(run.config.get("zeros"), sort_keys=True)
        place = (run.config.get("start"), run.config.get("N"), source)
        seen[place].setdefault(str(run.provenance.get("zeros_sha256")), run.name)
    return [
        Problem(
            "zeros",
            f"the zeros from {start:,} on (N = {N:,}) are not the same: sha256 "
            f"{listed([f'{sha[:10]} in {name}' for sha, name in names.items()])}; "
            "make one table and run again",
        )
        for (start, N, _), names in seen.items()
        if len(names) > 1
    ]


def overlapping(comparison: "Comparison", tuning: Iterable[Run]) -> list[Problem]:
    """Origins that share zeros with each other or with what tuning has seen."""
    N, origins = comparison.N, comparison.origins
    shared = [f"{a:,} and {b:,}" for a, b in pairwise(origins) if b < a + N]
    found = []
    if shared:
        found.append(
            f"origins of N = {N:,} share zeros: {listed(shared)}; set starts N or more apart"
        )
    known = {(int(r.config["start"]), int(r.config["N"])) for r in tuning if r.config}
    seen = [
        f"{origin:,} (tuned from {start:,} on)"
        for origin in origins
        for start, size in sorted(known)
        if origin < start + size and start < origin + N + N // 10  # the last tenth is the test
    ]
    if seen:
        found.append(f"tuning has seen zeros of the origins {listed(seen)}; choose other starts")
    return [Problem("overlap", sentence) for sentence in found]
