"""`zeta zeros`: tables of zeros made, checked, converted and described."""

import argparse
from collections.abc import Callable
from typing import Any

from zeta_exp.cli.output import tell
from zeta_exp.cli.parser import Parser, whole

_PATHS = """\
A table is a folder of shards, a text file (one ordinate a line, .gz too), a table of Odlyzko's, of
LMFDB's (binary) or a .npy file; the format is recognised by content.  Paths may be local or
addresses such as gs://bucket/folder.  Numbers may be written 1e8 or 100_000_000.
"""

_EXAMPLES = """\
examples:
  zeta zeros generate --count 1e8 --out zeros --workers 2      about a minute, 800 MB
  zeta zeros generate --start 1e12 --count 1e7 --out high
  zeta zeros generate --count 1e9 --form residuals --out gs://bucket/zeros --shard 3/8
  zeta zeros verify zeros --deep
  zeta zeros convert zeros6.gz zeros/
  zeta zeros convert zeros first.txt.gz
  zeta zeros stats zeros
  zeta zeros pairs zeros
"""

_GENERATE = """\
Compute zeros and write them to a folder of shards, with a manifest that holds the sha256 of each.
Each block of zeros is checked for completeness by Turing's method.  Interrupted, the same command
continues; the table then has the same bytes as one made in one go.
"""

_FORM = "ordinates, offsets or residuals; by default ordinates, offsets from ordinal 1e10 on"


def add_to(groups: Any) -> None:
    """Enter the group and its commands.  groups: what `add_subparsers` gives."""
    summary = "make, check, convert and describe tables of zeros"
    group: Parser = groups.add_parser("zeros", help=summary, description=_PATHS, epilog=_EXAMPLES)
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_generate(commands)
    _add_verify(commands)
    _add_convert(commands)
    _add_stats(commands)
    _add_pairs(commands)


def _command(
    commands: Any,
    run: Callable[[argparse.Namespace], int],
    summary: str,
    description: str,
    examples: str,
) -> Parser:
    parser: Parser = commands.add_parser(
        run.__name__.lstrip("_"),
        help=summary,
        description=description,
        epilog=f"examples:\n{examples}",
    )
    parser.set_defaults(command=run)
    return parser


def _add_generate(commands: Any) -> None:
    parser = _command(
        commands,
        _generate,
        "compute zeros into a folder of shards",
        _GENERATE,
        "  zeta zeros generate --count 1e8 --out zeros --workers 2     the first 10^8, 800 MB\n"
        "  zeta zeros generate --start 1e12 --count 1e7 --out high\n"
        "  zeta zeros generate --count 1e9 --form residuals --out gs://bucket/zeros --shard 3/8\n",
    )
    add = parser.add_argument
    add("--start", type=whole, default=1, metavar="N", help="first ordinal (default 1)")
    add("--count", type=whole, required=True, metavar="N", help="how many zeros")
    add("--out", required=True, metavar="DIR", help="folder, local or remote")
    add("--workers", type=whole, default=1, metavar="W", help="threads of the engine (default 1)")
    add("--form", metavar="FORM", help=f"{_FORM}; residuals are float32, half the size")
    add("--shard", metavar="I/K", help="make slice I of K only, the others elsewhere")
    add("--shard-size", type=whole, metavar="N", help="zeros of a shard (default 1e7)")


def _add_source(parser: Parser, path: str) -> None:
    parser.add_argument(path.lower(), metavar=path, help="a table")
    parser.add_argument(
        "--start",
        type=whole,
        metavar="N",
        help="ordinal of its first zero (default: what the table says, else 1)",
    )


def _add_verify(commands: Any) -> None:
    parser = _command(
        commands,
        _verify,
        "check a table: order, completeness, hashes",
        "Check a table for zeros that are missing, extra, doubled, swapped or moved, and a folder\n"
        "of shards for its hashes.  The exit code is 1 where there are faults.",
        "  zeta zeros verify zeros                        order, completeness and hashes\n"
        "  zeta zeros verify zeros --deep --workers 2     each zero computed again\n"
        "  zeta zeros verify high.txt --start 1e12        one that doesn't say where it begins\n",
    )
    _add_source(parser, "PATH")
    parser.add_argument(
        "--deep",
        action="store_true",
        help="compare every zero with the engine's, to the last digit",
    )
    parser.add_argument("--workers", type=whole, default=1, metavar="W", help="threads (default 1)")


def _add_convert(commands: Any) -> None:
    parser = _command(
        commands,
        _convert,
        "write a table in another format",
        "Write a table in another format: that of the name's ending, or shards for a folder (or a\n"
        "name that ends in /).",
        "  zeta zeros convert zeros6.gz zeros/            one of Odlyzko's tables as shards\n"
        "  zeta zeros convert zeros first.txt.gz          one ordinate a line, compressed\n"
        "  zeta zeros convert zeros small/ --form residuals\n",
    )
    _add_source(parser, "SRC")
    add = parser.add_argument
    add("dst", metavar="DST", help="the file or folder to write")
    add("--format", metavar="F", help="text, odlyzko, npy, lmfdb or shards")
    add("--form", metavar="FORM", help=f"of shards: {_FORM}")
    add("--overwrite", action="store_true", help="replace a file that is there")


def _add_stats(commands: Any) -> None:
    parser = _command(
        commands,
        _stats,
        "spacing statistics of a table beside random-matrix theory",
        "Spacings in mean spacings, beside the values of the Gaussian unitary ensemble; then\n"
        "number variance, rigidity, pair correlation and form factor, with standard errors of\n"
        "blocks, and beside Berry's formula for zeros at the mean height.",
        "  zeta zeros stats zeros                         all statistics\n"
        "  zeta zeros stats zeros --brief                 of spacings only: 10^8 zeros in 4 s\n"
        "  zeta zeros stats zeros --json                  for a program\n",
    )
    _add_source(parser, "PATH")
    parser.add_argument("--json", action="store_true", help="all of it as JSON")
    parser.add_argument("--brief", action="store_true", help="spacings only, which is faster")


def _add_pairs(commands: Any) -> None:
    parser = _command(
        commands,
        _pairs,
        "the closest pairs of a table, with p-values",
        "The closest pairs of a table, in mean spacings.  The p-value of the k-th is the chance\n"
        "of k gaps as small in so many, as rare as zeros at their heights have them: by Gaudin's\n"
        "law, pi^2 s^3/9 at small s, times 1 - 12*1.57314/log(t/2pi)^2.",
        "  zeta zeros pairs zeros                         the twenty closest\n"
        "  zeta zeros pairs zeros --closest 5 --json      for a program\n",
    )
    _add_source(parser, "PATH")
    parser.add_argument("--closest", type=whole, metavar="K", help="how many (default 20)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _generate(arguments: argparse.Namespace) -> int:
    from zeta_exp.cli.made import made
    from zeta_exp.cli.sources import check_target
    from zeta_exp.zeros import engine
    from zeta_exp.zeros.shards import SHARD_SIZE, Plan, computed, form_for

    check_target(arguments.out, "--out")
    start, count = arguments.start, arguments.count
    engine.validate(start, count, arguments.workers)
    supply = computed(arguments.workers)
    form = form_for(start + count - 1, arguments.form)
    size = SHARD_SIZE if arguments.shard_size is None else arguments.shard_size
    plan = Plan(start, count, size, form, supply.source)
    made(arguments.out, plan, supply, arguments.shard)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from zeta_exp.cli.watch import Watch
    from zeta_exp.zeros.formats import read
    from zeta_exp.zeros.integrity import verify

    table = read(arguments.path, arguments.start)
    with Watch("verifying") as watch:
        watch.begin(getattr(table, "count", None))
        report = verify(
            table, deep=arguments.deep, workers=arguments.workers, progress=watch.advance
        )
    tell("\n".join(report.lines()))
    return 0 if report.ok else 1


def _convert(arguments: argparse.Namespace) -> int:
    from zeta_exp.cli.convert import convert

    return convert(arguments)


def _stats(arguments: argparse.Namespace) -> int:
    from zeta_exp.cli.convert import Counted
    from zeta_exp.cli.sources import sound
    from zeta_exp.cli.watch import Watch
    from zeta_exp.evaluation.spectral_table import shown_table, table_as_json
    from zeta_exp.evaluation.statistics.spectrum import Spectrum
    from zeta_exp.evaluation.table_statistics import table_statistics

    table = sound(arguments.path, arguments.start)
    spectrum = None if arguments.brief else Spectrum()
    with Watch("reading") as watch:
        watch.begin(getattr(table, "count", None))
        statistics = table_statistics(Counted(table.stretches(), watch), spectrum)
    found = None if spectrum is None else spectrum.statistics()
    tell((table_as_json if arguments.json else shown_table)(statistics, found))
    return 0


def _pairs(arguments: argparse.Namespace) -> int:
    from zeta_exp.cli.pairs import pairs

    return pairs(arguments)
