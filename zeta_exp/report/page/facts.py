"""The few facts about the runs that a reader wants before any detail."""

from collections.abc import Iterable, Sequence
from typing import Any

from zeta_exp.report.evidence import Evidence
from zeta_exp.report.runs import COMPLETED, Run
from zeta_exp.theory.counting import smooth_height

MOST = 4  # values that are listed


def facts(evidence: Evidence) -> list[tuple[str, str]]:
    """Names and values; what is unknown is left out."""
    done = [run for run in evidence.runs if run.status == COMPLETED]
    planned = len(evidence.study.places or evidence.runs)
    shown = evidence.shown
    found = [
        ("study", evidence.study.name or ""),
        ("runs", _of(len(done), planned) if len(evidence.runs) > 1 else ""),
        ("zeros seen (N)", _listed({run.provenance.get("N") for run in shown})),
        ("first ordinal", _listed({run.provenance.get("start") for run in shown})),
        ("heights t", _heights(shown)),
        ("seed", _count({run.config.get("seed") for run in shown})),
        ("training time", _hours(run.result.get("wall_s") for run in done)),
        ("device", _words({run.provenance.get("device") for run in shown})),
    ]
    return [(name, value) for name, value in found if value]


def _of(done: int, planned: int) -> str:
    return f"{done:,}" if done == planned else f"{done:,} of {planned:,} finished"


def _listed(values: set[Any]) -> str:
    known = sorted(value for value in values if isinstance(value, int))
    shown = ", ".join(f"{value:,}" for value in known[:MOST])
    return f"{shown}, … ({len(known)})" if len(known) > MOST else shown


def _count(values: set[Any]) -> str:
    known = {value for value in values if value is not None}
    return f"{len(known)} different ones" if len(known) > 1 else _words(known)


def _words(values: set[Any]) -> str:
    return ", ".join(sorted(str(value) for value in values if value is not None))


def _heights(runs: Sequence[Run]) -> str:
    """From the first zero seen to the last one."""
    told = [(run.provenance.get("start"), run.provenance.get("N")) for run in runs]
    ranges = [
        (start, start + N) for start, N in told if isinstance(start, int) and isinstance(N, int)
    ]
    if not ranges:
        return ""
    low, high = min(start for start, _ in ranges), max(stop for _, stop in ranges)
    return f"{float(smooth_height(low)):,.0f} to {float(smooth_height(high)):,.0f}"


def _hours(seconds: Iterable[Any]) -> str:
    total = sum(value for value in seconds if isinstance(value, int | float))
    if total >= 5_400:
        return f"{total / 3_600:,.1f} hours in all"
    return f"{total / 60:,.1f} minutes in all" if total >= 90 else f"{total:,.0f} s" * (total > 0)
