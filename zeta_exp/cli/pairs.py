"""`zeta zeros pairs`: the closest pairs of a table."""

import argparse
import json
from dataclasses import asdict

from zeta_exp.cli.convert import Counted
from zeta_exp.cli.output import tell
from zeta_exp.cli.sources import sound
from zeta_exp.cli.watch import Watch
from zeta_exp.evaluation.anomalies import SHOWN, ClosestPairs


def pairs(arguments: argparse.Namespace) -> int:
    """Read the table once and show them; returns 0."""
    table = sound(arguments.path, arguments.start)
    closest = ClosestPairs(SHOWN if arguments.closest is None else arguments.closest)
    with Watch("reading") as watch:
        watch.begin(getattr(table, "count", None))
        for stretch in Counted(table.stretches(), watch):
            closest.add(stretch.start, stretch.residuals())
    found = closest.found()
    if arguments.json:
        tell(json.dumps({"gaps": closest.gaps, "pairs": [asdict(p) for p in found]}, indent=1))
        return 0
    lines = [f"closest of {closest.gaps:,} gaps, in mean spacings"]
    lines.append(f"{'ordinal':>18}{'spacing':>11}{'p-value':>10}")
    lines += [f"{p.ordinal:18,}{p.spacing:11.5f}{p.p_value:10.3g}" for p in found]
    tell("\n".join(lines))
    return 0
