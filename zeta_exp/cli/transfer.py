"""`zeta transfer`: a run's model evaluated untouched at other heights."""

import argparse
import json
from typing import Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser, whole

_DESCRIPTION = """\
Evaluates the model of a run at other heights, as it is: features are computed at the ordinals that
are asked for, and nothing is trained or rescaled.  Errors are in mean spacings; beside them the
smooth count (no prediction at all) and the prime-tail scale, which is no error.
"""

_EXAMPLES = """\
examples:
  zeta transfer outputs/DATE/TIME --start 1e6 1e9 1e12
  zeta transfer gs://bucket/run --start 1e6 --count 1e5 --json
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "transfer",
        help="evaluate a run's model at other heights",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="directory of a run, local or remote")
    add("--start", type=whole, nargs="+", required=True, metavar="N", help="first ordinals")
    add("--count", type=whole, metavar="N", help="ordinals at each (default: a tenth of the run's)")
    add("--json", action="store_true", help="as JSON")
    parser.set_defaults(command=transfer)


def transfer(arguments: argparse.Namespace) -> int:
    """Evaluate and show; returns 0."""
    from zeta_exp.evaluation.transfer import check_transfer, transfer_count, transfer_errors
    from zeta_exp.parts import built
    from zeta_exp.trained import load_trained

    trained = load_trained(arguments.run)
    max_prime = built(trained.config["evaluation"]).max_prime
    count = transfer_count(trained.split) if arguments.count is None else arguments.count
    check_transfer(arguments.start, count, trained.split, trained.config["target"])
    found = transfer_errors(
        trained.pieces, trained.zeros().residuals, arguments.start, count, max_prime
    )
    tell(json.dumps(found, indent=1) if arguments.json else "\n".join(_lines(found, max_prime)))
    return 0


def _lines(found: dict[str, dict[str, float]], max_prime: int) -> list[str]:
    """A row for each height."""
    lines = [
        f"primes up to {max_prime}; errors in mean spacings",
        f"{'first ordinal':>18}{'height':>12}{'RMSE':>9}{'R2':>9}{'smooth':>9}{'prime tail':>12}",
    ]
    lines += [
        f"{int(start):18,}{row['height']:12.4g}{row['rmse']:9.4f}{row['r2']:9.4f}"
        f"{row['smooth']:9.4f}{row['prime_tail']:12.4f}"
        for start, row in found.items()
    ]
    return lines
