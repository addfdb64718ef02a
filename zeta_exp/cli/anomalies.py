"""`zeta anomalies`: the largest errors and the closest pairs of a range, with p-values."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from zeta_exp.cli.held_back import Errors, add_range, errors_of
from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser, whole

_DESCRIPTION = """\
The largest errors of a run's model on ordinals that it was not trained on, and the closest pairs of
zeros there with the spacing that the model predicts for them.

The p-value of the k-th largest error is the chance that k of so many errors are as large where all
have one law, its tail fitted to their largest tenth.  That of the k-th closest pair is the chance
of k gaps as small in so many, as rare as zeros at that height have them: Gaudin's law,
pi^2 s^3/9 at small s, times 1 - 12*1.57314/log(t/2pi)^2.
"""

_EXAMPLES = """\
examples:
  zeta anomalies outputs/DATE/TIME
  zeta anomalies outputs/DATE/TIME --start 1e9 --count 1e5 --json
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "anomalies",
        help="largest errors and closest pairs, with p-values",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    add_range(parser)
    parser.add_argument("--largest", type=whole, metavar="K", help="how many of each (default 20)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(command=anomalies)


def anomalies(arguments: argparse.Namespace) -> int:
    """Find and show them; returns 0."""
    found = _found(errors_of(arguments), arguments.largest)
    tell(json.dumps(found, indent=1) if arguments.json else "\n".join(_lines(found)))
    return 0


def _found(errors: Errors, largest: int | None) -> dict[str, Any]:
    """What stands out, as plain values."""
    from zeta_exp.evaluation.anomalies import SHOWN, closest_pairs, largest_errors
    from zeta_exp.evaluation.statistics import rmse, spacings
    from zeta_exp.zeros.stretch import stretch_of_residuals

    count = SHOWN if largest is None else largest
    start, predicted, true = errors.start, errors.predicted, errors.true
    heights, said = stretch_of_residuals(start, true).ordinates(), spacings(predicted)
    misses = largest_errors(start, predicted, true, count)
    pairs = closest_pairs(start, true, count)
    return {
        "start": start,
        "count": true.size,
        "rmse": rmse(predicted, true),
        "errors": [
            asdict(e) | {"error": e.error, "height": float(heights[e.ordinal - start])}
            for e in misses
        ],
        "pairs": [
            asdict(pair)
            | {
                "predicted": float(said[pair.ordinal - start]),
                "height": float(heights[pair.ordinal - start]),
            }
            for pair in pairs
        ],
    }


def _lines(found: dict[str, Any]) -> list[str]:
    """Two tables."""
    last = found["start"] + found["count"] - 1
    lines = [
        f"ordinals {found['start']:,} to {last:,}, RMSE {found['rmse']:.4g} mean spacings",
        "",
        "largest errors (mean spacings)",
        f"{'ordinal':>18}{'height':>22}{'predicted':>11}{'true':>9}{'error':>9}{'p-value':>10}",
    ]
    lines += [
        f"{e['ordinal']:18,}{e['height']:22,.6f}{e['predicted']:11.4f}{e['true']:9.4f}"
        f"{e['error']:9.4f}{e['p_value']:10.3g}"
        for e in found["errors"]
    ]
    lines += [
        "",
        "closest pairs (an ordinal and the next)",
        f"{'ordinal':>18}{'height':>22}{'spacing':>11}{'predicted':>18}{'p-value':>10}",
    ]
    lines += [
        f"{p['ordinal']:18,}{p['height']:22,.6f}{p['spacing']:11.5f}{p['predicted']:18.5f}"
        f"{p['p_value']:10.3g}"
        for p in found["pairs"]
    ]
    return lines
