"""`zeta heights`: errors of the runs of a sweep along height and primes."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser

if TYPE_CHECKING:
    from zeta_exp.report.heights import Point

_DESCRIPTION = """\
Errors of every completed run below a folder, by the height and the largest prime P of its features:
over the next 10% where it was trained, and where it was evaluated untouched (evaluation.transfer);
beside the smooth count and the explicit formula with the same primes, which is not trained.
The ratio is that to the prime-tail scale, sqrt((1/2pi^2) sum 1/p over P < p <= tau), tau =
sqrt(t/2pi); it is left out where P > tau/3, for the scale bounds nothing there.
"""

_EXAMPLES = """\
examples:
  zeta heights outputs/studies/heights
  zeta heights outputs/studies/heights --figure heights.png --transfer-figure transfer.png
"""


def add_to(groups: Any) -> None:
    """Enter the command.  groups: what `add_subparsers` gives."""
    parser: Parser = groups.add_parser(
        "heights",
        help="errors along height and primes",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("sweep", metavar="SWEEP", help="directory of runs, local or remote")
    add("--json", action="store_true", help="as JSON")
    add("--figure", metavar="FILE", help="draw errors against P: .png, .svg or .pdf")
    add("--transfer-figure", metavar="FILE", help="draw all errors against log P/log t")
    parser.set_defaults(command=heights)


def heights(arguments: argparse.Namespace) -> int:
    """Read the runs, show and draw; returns 0."""
    from zeta_exp.report.heights import points_of
    from zeta_exp.report.runs import read_runs

    runs = read_runs(arguments.sweep)
    points = points_of(runs)
    if arguments.figure is not None or arguments.transfer_figure is not None:
        from zeta_exp.report import heights as figures
        from zeta_exp.report.figure_file import check_name, save

        asked = {arguments.figure: figures.heights, arguments.transfer_figure: figures.transfer}
        asked.pop(None, None)
        for path in asked:
            check_name(path)
        for path, draw in asked.items():
            save(draw(runs), path)
    if arguments.json:
        tell(json.dumps([_document(point) for point in points], indent=1))
    else:
        tell("\n".join(_lines(points)))
    return 0


def _document(point: "Point") -> dict[str, Any]:
    derived = ("prime_tail", "tau", "ratio", "place")
    return asdict(point) | {name: getattr(point, name) for name in derived}


def _lines(points: "list[Point]") -> list[str]:
    """A row for each error."""
    lines = [
        f"{'P':>6}{'trained from':>20}{'measured from':>20}{'height':>10}{'tau':>9}"
        f"{'RMSE':>8}{'smooth':>8}{'formula':>9}{'tail':>8}{'ratio':>7}"
    ]
    for p in points:
        ratio = "" if p.ratio is None else f"{p.ratio:.3f}"
        formula = "" if p.formula is None else f"{p.formula:.4f}"
        lines.append(
            f"{p.max_prime:6}{p.trained:20,}{p.start:20,}{p.height:10.3g}{p.tau:9,.0f}"
            f"{p.rmse:8.4f}{p.smooth:8.4f}{formula:>9}{p.prime_tail:8.4f}{ratio:>7}".rstrip()
        )
    return lines
