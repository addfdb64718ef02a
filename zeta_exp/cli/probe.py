"""`zeta probe`: the spectrum of a model's errors at the primes that it was not given."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from zeta_exp.cli.held_back import add_range, errors_of
from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser

if TYPE_CHECKING:
    from zeta_exp.evaluation.probe import Probe

_DESCRIPTION = """\
Fourier amplitude of a model's errors, on ordinals that it was not trained on, at log p for the last
20 primes that its features hold and the first 20 that they don't, beside 1,000 frequencies of no
prime power.  `share` is the amplitude in units of 1/(pi sqrt p), that of a prime which is left out
of S(t); `p-value` the share of null frequencies with as much power.
"""

_EXAMPLES = """\
examples:
  zeta probe outputs/DATE/TIME
  zeta probe outputs/DATE/TIME --count 16384 --figure probe.png
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "probe",
        help="which primes a run's errors still hold",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    add_range(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--figure", metavar="FILE", help="draw it: .png, .svg or .pdf")
    parser.set_defaults(command=probe)


def probe(arguments: argparse.Namespace) -> int:
    """Measure, show and draw; returns 0."""
    from zeta_exp.evaluation.probe import residual_probe

    if arguments.figure is not None:
        from zeta_exp.report.figure_file import check_name

        check_name(arguments.figure)
    errors = errors_of(arguments)
    found = residual_probe(errors.start, errors.predicted - errors.true, errors.max_prime)
    if arguments.figure is not None:
        from zeta_exp.report.figure_file import save
        from zeta_exp.report.probe import residual_probe as drawn

        save(drawn(found), arguments.figure)
    tell(json.dumps(_document(found), indent=1) if arguments.json else "\n".join(_lines(found)))
    return 0


def _document(found: "Probe") -> dict[str, Any]:
    """Everything as plain values, the null law by its quantiles."""
    known = asdict(found)
    known["null"] = {f"{100 * q:g}%": power for q, power in _quantiles(found).items()}
    return known


def _quantiles(found: "Probe") -> dict[float, float]:
    import numpy as np

    return {q: float(np.quantile(found.null, q)) for q in (0.5, 0.95, 0.99)}


def _lines(found: "Probe") -> list[str]:
    """What stands out, and a row for each prime."""
    last = found.start + found.count - 1
    null = ", ".join(f"{100 * q:g}% below {power:.3g}" for q, power in _quantiles(found).items())
    lines = [f"errors at the ordinals {found.start:,} to {last:,}, primes up to {found.max_prime}"]
    for given, what in ((False, "left out"), (True, "given")):
        count = sum(p.given == given for p in found.primes)
        lines.append(f"{found.standing_out(given)} of {count} primes {what} stand out at 1%")
    lines += [
        f"power at frequencies of no prime: {null}",
        "",
        f"{'prime':>8}{'given':>7}{'power':>10}{'share':>8}{'p-value':>10}",
    ]
    lines += [
        f"{p.prime:8}{'yes' if p.given else 'no':>7}{p.power:10.3g}{p.share:8.3f}{p.p_value:10.3g}"
        for p in found.primes
    ]
    return lines
