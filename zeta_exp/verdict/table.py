"""A verdict as tables, in text or Markdown."""

from collections.abc import Iterator

from zeta_exp.report.sheet import Sheet
from zeta_exp.verdict import words
from zeta_exp.verdict.decision import LEVEL, NO_ROOM, UNDECIDED
from zeta_exp.verdict.effects import as_percent
from zeta_exp.verdict.judge import Judgement

_CURRENCIES = {"updates": "updates", "node_visits": "node visits", "wall_s": "seconds"}


def report(judgement: Judgement, *, markdown: bool = False) -> str:
    """The sentence, the tables and the notes."""
    sheets = [make(judgement) for make in SHEETS]
    drawn = [sheet.markdown() if markdown else sheet.text() for sheet in sheets if sheet.rows]
    notes = [f"- {note}" for note in [*judgement.invalid, *_needs(judgement), *judgement.notes]]
    return "\n\n".join([words.sentence(judgement), *drawn, *(["\n".join(notes)] if notes else [])])


def _needs(judgement: Judgement) -> Iterator[str]:
    for finding in judgement.findings:
        if finding.verdict == UNDECIDED:
            yield f"{finding.label}: {words.needed(finding)}"
        if finding.verdict == NO_ROOM:
            yield f"{finding.label}: {words.room(finding)}, so that no loss could have mattered"


def decisions(judgement: Judgement) -> Sheet:
    """One row a group of pairs: how large the effect is, and the verdict."""
    factor = judgement.factor
    return Sheet(
        f"How much more error without {factor} ({judgement.request.metric}), margin ±"
        f"{100 * judgement.request.margin:g}%",
        [
            *("pairs", "seeds × origins", "more error", "95% interval", "90% interval"),
            *("room", "verdict"),
        ],
        [
            [
                f"{finding.label} ({factor.rpartition('.')[2]} = {finding.comparison.level})",
                f"{finding.effect.seeds} × {finding.effect.origins}",
                f"{float(as_percent(finding.effect.estimate)):+.1f}%",
                words.interval(finding, 0.95),
                words.interval(finding, 0.9),
                words.percent(finding.room),
                finding.verdict,
            ]
            for finding in judgement.findings
        ],
    )


def tests(judgement: Judgement) -> Sheet:
    """One row a group of pairs large enough to be decided: the p-values after the correction."""
    margin = f"{100 * judgement.request.margin:g}%"
    return Sheet(
        f"p-values after Holm's correction, each claim below {LEVEL:g}",
        [
            "pairs",
            "family",
            "of no effect",
            f"of at most {margin} (essential)",
            f"of beyond ±{margin} (no difference)",
        ],
        [
            [
                finding.label,
                words.family(finding),
                *(_p(p) for p in vars(finding.corrected).values()),
            ]
            for finding in judgement.findings
            if finding.large_enough
        ],
    )


def convergence(judgement: Judgement) -> Sheet:
    """What it costs to come near the final validation error: one row a group and a currency."""
    return Sheet(
        "Training to 1.1 × the run's own final validation error (geometric means)",
        ["pairs", "in", "without", "with", "without / with", "95% interval"],
        [
            [
                finding.label,
                _CURRENCIES[name],
                _number(speed.without),
                _number(speed.with_it),
                f"{speed.ratio:.3f}",
                "–" if speed.low is None else f"{speed.low:.3f} to {speed.high:.3f}",
            ]
            for finding in judgement.findings
            for name, speed in finding.speed.items()
        ],
    )


def arms(judgement: Judgement) -> Sheet:
    """What each arm reached and cost."""
    return Sheet(
        "Arms, descriptive: strategy, updates and bias of the loss differ too, so no verdict "
        "follows (medians a run; $ in all)",
        ["arm", "factor", "runs", "error", "from", "to", "updates", "node visits", "s", "MB", "$"],
        [
            [
                arm.label,
                arm.level,
                str(arm.runs),
                *(f"{value:.5f}" for value in (arm.error, arm.lowest, arm.highest)),
                *(
                    _number(value)
                    for value in (arm.updates, arm.node_visits, arm.wall_s, arm.peak_rss_mb)
                ),
                "–" if arm.cost_usd is None else f"{arm.cost_usd:.2f}",
            ]
            for arm in judgement.arms
        ],
    )


def references(judgement: Judgement) -> Sheet:
    """What the reference runs reached; a few lost zeros rule an error, not its median."""
    return Sheet(
        "References, compared with nothing (untuned; median and lost zeros over the next 10%)",
        ["reference", "runs", "error", "from", "to", "median", "lost"],
        [
            [
                one.name,
                str(one.runs),
                *(_error(value) for value in (one.error, one.lowest, one.highest)),
                _error(one.median_error),
                "–" if one.lost_share is None else f"{100 * one.lost_share:.2g}%",
            ]
            for one in judgement.references
        ],
    )


def baselines(judgement: Judgement) -> Sheet:
    """What the same zeros have without training; AR(2) sees the two zeros before each."""
    return Sheet(
        "Baselines on the same zeros (geometric means over origins; the prime tail is a scale)",
        ["zeros", "smooth", "AR(2)", "linear", "explicit", "prime tail", "Riemann–Siegel"],
        [
            [
                f"N = {one.N:,}, P = {one.max_prime}, from {one.starts[0]:,}",
                *(_error(error) for error in one.errors.values()),
            ]
            for one in judgement.baselines
        ],
    )


SHEETS = (decisions, tests, convergence, arms, references, baselines)


def _error(value: float | None) -> str:
    """Three digits of an error, or a dash."""
    return "–" if value is None else f"{value:.3g}"


def _p(value: object) -> str:
    p = float(value)  # type: ignore[arg-type]
    return f"{p:.2g}" if p >= 1e-4 else "< 0.0001"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
