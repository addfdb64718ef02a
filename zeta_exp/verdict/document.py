"""A verdict as JSON."""

import math
from dataclasses import asdict
from typing import Any

from zeta_exp.verdict import words
from zeta_exp.verdict.decision import LEAST_ORIGINS, LEAST_SEEDS, LEVEL
from zeta_exp.verdict.effects import as_percent
from zeta_exp.verdict.findings import Finding
from zeta_exp.verdict.judge import Judgement


def document(judgement: Judgement) -> dict[str, Any]:
    """All that the tables show and what it was computed from; null for what is unknown."""
    request = judgement.request
    return _finite(
        {
            "sentence": words.sentence(judgement),
            "study": judgement.name,
            "folder": request.folder,
            "factor": judgement.factor,
            "without": request.without,
            "metric": request.metric,
            "margin": request.margin,
            "level": LEVEL,
            "least": {"seeds": LEAST_SEEDS, "origins": LEAST_ORIGINS},
            "valid": not judgement.invalid,
            "invalid": judgement.invalid,
            "controls": judgement.controls,
            "allowed": list(request.allow),
            "notes": judgement.notes,
            "findings": [_finding(finding) for finding in judgement.findings],
            "arms_descriptive": [asdict(arm) for arm in judgement.arms],
            "references": [asdict(reference) for reference in judgement.references],
            "baselines": [asdict(baselines) for baselines in judgement.baselines],
        }
    )


def _finding(finding: Finding) -> dict[str, Any]:
    effect, comparison = finding.effect, finding.comparison
    return {
        "label": finding.label,
        "N": comparison.N,
        "level": comparison.level,
        "seeds": comparison.seeds,
        "origins": comparison.origins,
        "verdict": finding.verdict,
        "room": finding.room,
        "log_ratio": float(effect.estimate),
        "percent": float(as_percent(effect.estimate)),
        "standard_error": float(effect.standard_error),
        "df": float(effect.df),
        "df_satterthwaite": float(effect.satterthwaite),
        "interval_of": effect.scope,
        "interval95_percent": _bounds(finding, 0.95),
        "interval90_percent": _bounds(finding, 0.9),
        "components_sd": {k: math.sqrt(v) for k, v in asdict(finding.components).items()},
        "components_assumed": effect.scope != "seeds and origins",
        "p": {name: float(p) for name, p in vars(finding.raw).items()},
        "p_holm": {name: float(p) for name, p in vars(finding.corrected).items()}
        if finding.large_enough
        else None,
        "family": {"N": finding.family, "tests": finding.tested},
        "needed": [asdict(plan) for plan in finding.needed],
        "convergence": {name: asdict(speed) for name, speed in finding.speed.items()},
        "log_ratios": finding.cells.tolist(),
        "runs": [
            {
                "seed": cell.seed,
                "start": cell.start,
                "without": without.name,
                "with": with_it.name,
                "wall_s": [without.result.get("wall_s"), with_it.result.get("wall_s")],
                "cost_usd": [without.result.get("cost_usd"), with_it.result.get("cost_usd")],
            }
            for cell, (without, with_it) in comparison.pairs.items()
        ],
    }


def _bounds(finding: Finding, level: float) -> list[float]:
    return [float(as_percent(bound)) for bound in finding.effect.interval(level)]


def _finite(value: Any) -> Any:
    """With null for what JSON can't hold."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
