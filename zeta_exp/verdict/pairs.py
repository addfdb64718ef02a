"""Runs equal but for the factor, side by side in a table of seeds × origins."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from zeta_exp.parts import of_numbers
from zeta_exp.report.runs import Run, flattened
from zeta_exp.report.settings import FOLLOWERS
from zeta_exp.verdict.problems import Problem, listed

_WEIGHTS = "loss.weights."
HEIGHTS_APART = 10  # ordinals that grow by this factor are another height


class Cell(NamedTuple):
    """A row and a column of the table."""

    seed: int
    start: int  # of the origin: ordinal of the first zero seen


@dataclass(frozen=True)
class Settings:
    """What a run was told, without what varies in a table."""

    cell: Cell
    N: int
    level: Any  # the factor's value
    shared: Mapping[str, str]  # dotted key → value as JSON: must be equal in a pair
    own: Mapping[str, str]  # the same of what means nothing without the factor


@dataclass
class Comparison:
    """Pairs of one group: (without, with) the factor, in as many cells as have both."""

    N: int
    level: Any  # the factor's value in the arm with it; the first where it was tuned
    settings: dict[str, str]  # what all runs of the arm with it share, as JSON
    pairs: dict[Cell, tuple[Run, Run]] = field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """Ascending."""
        return sorted({cell.seed for cell in self.pairs})

    @property
    def origins(self) -> list[int]:
        """First ordinals, ascending."""
        return sorted({cell.start for cell in self.pairs})

    @property
    def missing(self) -> list[Cell]:
        """Cells of seeds × origins that have no pair."""
        grid = (Cell(seed, start) for start in self.origins for seed in self.seeds)
        return [cell for cell in grid if cell not in self.pairs]

    @property
    def name(self) -> str:
        """For messages: an arm's directory would say less."""
        return f"N = {self.N:,} from {self.origins[0]:,}" if self.pairs else f"N = {self.N:,}"


@dataclass(frozen=True)
class Question:
    """The factor, what it is without, and what may differ beside it."""

    factor: str
    without: Any = 0
    tuned: tuple[str, ...] = ()
    losses: Mapping[str, str] = field(default_factory=dict)  # run → the loss as its study names it

    def settings_of(self, run: Run) -> Settings:
        """What the run was told."""
        flat = flattened(of_numbers(run.config))
        top = {name: flat.get(name) for name in FOLLOWERS}
        kept = {
            key: json.dumps(value, sort_keys=True)
            for key, value in flat.items()
            if key not in (self.factor, *self.tuned, "seed", "start")
            and not ("." in key and top.get(key.rpartition(".")[2], _Never) == value)
        }
        if run.name in self.losses:  # two losses may differ in nothing but weights that were tuned
            kept["loss"] = json.dumps(self.losses[run.name])
        own = {key for key in kept if self._is_own(key)}
        return Settings(
            Cell(int(flat["seed"]), int(flat["start"])),
            int(flat["N"]),
            flat.get(self.factor),
            {key: text for key, text in kept.items() if key not in own},
            {key: kept[key] for key in own},
        )

    def _is_own(self, key: str) -> bool:
        """Whether a key says how the factor works: loss.rg.form of loss.weights.rg."""
        term = self.factor.removeprefix(_WEIGHTS)
        return term != self.factor and key.startswith(f"loss.{term}.")

    def is_without(self, level: Any) -> bool:
        """Whether this value of the factor stands for its absence."""
        return bool(level == self.without)


class _Never:
    """Equal to no value of a config."""


def comparisons(runs: Iterable[Run], question: Question) -> tuple[list[Comparison], list[Problem]]:
    """Groups of pairs equal in everything but factor, tuned keys, seed and start; and the faults.

    Each group is of one height: starts are origins of one group until the next is `HEIGHTS_APART`
    times as far as the last one's end.
    """
    told = [(run, question.settings_of(run)) for run in runs]
    groups: dict[bool, dict[Any, list[tuple[Run, Settings]]]] = {
        True: defaultdict(list),
        False: defaultdict(list),
    }
    for run, settings in told:
        without = question.is_without(settings.level)
        identity = [*settings.shared.items()]
        if not without:
            identity += settings.own.items()
            if question.factor not in question.tuned:
                identity.append((question.factor, json.dumps(settings.level)))
        groups[without][tuple(sorted(identity))].append((run, settings))
    problems: list[Problem] = []
    found = []
    matched: set[str] = set()
    for members in groups[False].values():
        partners = _partners(members, groups[True].values(), question, problems)
        matched.update(run.name for run, _ in partners)
        found += _paired(members, partners, problems)
    taken = {pair[0].name for comparison in found for pair in comparison.pairs.values()}
    done = {_place(settings) for run, settings in told if run.name in taken}
    left = [
        (run, settings)
        for run, settings in told
        if run.name in matched and _place(settings) not in done
    ]
    problems += _unpaired(left, "with it", question.factor)
    return [comparison for comparison in found if comparison.pairs], problems


def _place(settings: Settings) -> tuple[Any, ...]:
    """Equal for runs without the factor that mean the same."""
    return (settings.cell, *sorted(settings.shared.items()))


def _partners(
    members: Sequence[tuple[Run, Settings]],
    candidates: Iterable[list[tuple[Run, Settings]]],
    question: Question,
    problems: list[Problem],
) -> list[tuple[Run, Settings]]:
    """The runs without the factor that are equal to these, or the nearest and a problem."""
    first = members[0][1]
    same_size = [group for group in candidates if group[0][1].N == first.N]
    nearest = min(same_size, key=lambda g: len(_differing(first, g[0][1])), default=None)
    where = f"{question.factor} = {first.level} at N = {first.N:,} ({members[0][0].name}, …)"
    if nearest is None:
        problems.append(
            Problem("unequal", f"{where} has no runs without it: add them to the sweep")
        )
        return []
    differing = _differing(first, nearest[0][1])
    if differing:
        other = nearest[0][1].shared
        shown = [
            f"{key} ({first.shared.get(key, 'absent')}, without {other.get(key, 'absent')})"
            for key in differing
        ]
        problems.append(
            Problem(
                "unequal",
                f"{where} and the nearest runs without it ({nearest[0][0].name}, …) also differ in "
                f"{listed(shown)}: make them equal",
            )
        )
    return nearest


def _differing(one: Settings, other: Settings) -> list[str]:
    keys = one.shared.keys() | other.shared.keys()
    return sorted(key for key in keys if one.shared.get(key) != other.shared.get(key))


def _paired(
    members: Sequence[tuple[Run, Settings]],
    partners: Sequence[tuple[Run, Settings]],
    problems: list[Problem],
) -> list[Comparison]:
    """One comparison a height."""
    first = members[0][1]
    with_it = _by_cell(members, first.own, problems)
    without = _by_cell(partners, first.own, problems)
    found = []
    for starts in heights({cell.start for cell in with_it}, first.N):
        comparison = Comparison(first.N, first.level, {**first.shared, **first.own})
        comparison.pairs = {
            cell: (without[cell], with_it[cell])
            for cell in sorted(with_it)
            if cell.start in starts and cell in without
        }
        found.append(comparison)
    alone = [(run, settings) for run, settings in members if settings.cell not in without]
    if partners:
        problems += _unpaired(alone, "without it", f"level {first.level}")
    return found


def _by_cell(
    members: Sequence[tuple[Run, Settings]], own: Mapping[str, str], problems: list[Problem]
) -> dict[Cell, Run]:
    """The run of each cell; of several that differ in what means nothing, the one with `own`."""
    cells: dict[Cell, tuple[Run, Settings]] = {}
    for run, settings in members:
        earlier, its = cells.setdefault(settings.cell, (run, settings))
        if earlier is not run and its.own == settings.own:
            problem = Problem(
                "duplicates",
                f"{earlier.name} and {run.name} are the same experiment (seed {settings.cell.seed} "
                f"at start {settings.cell.start:,}): move one of them away",
            )
            if problem not in problems:
                problems.append(problem)
        elif settings.own == own:
            cells[settings.cell] = (run, settings)
    return {cell: run for cell, (run, _) in cells.items()}


def _unpaired(alone: Sequence[tuple[Run, Settings]], partner: str, factor: str) -> list[Problem]:
    if not alone:
        return []
    shown = [
        f"seed {settings.cell.seed} at start {settings.cell.start:,} ({run.name})"
        for run, settings in alone
    ]
    return [
        Problem(
            "unpaired",
            f"{len(alone)} runs ({factor}, N = {alone[0][1].N:,}) have no partner {partner}: "
            f"{listed(shown)}; run the partners",
        )
    ]


def apart(start: int, end: int) -> bool:
    """Whether a range that begins at `start` is at another height than one that ends at `end`."""
    return start > HEIGHTS_APART * end


def heights(starts: Iterable[int], N: int) -> list[list[int]]:
    """Starts in groups of one height each, ascending."""
    groups: list[list[int]] = []
    for start in sorted(starts):
        if not groups or apart(start, groups[-1][-1] + N):
            groups.append([])
        groups[-1].append(start)
    return groups


def complete(comparison: Comparison) -> Comparison:
    """Without the seeds and origins that lack cells: the row or column with most gaps goes first.

    What is left is a full table; nothing is said of the cells that were taken away.
    """
    kept = Comparison(comparison.N, comparison.level, comparison.settings, dict(comparison.pairs))
    while missing := kept.missing:
        gaps = {
            **{
                ("seed", s): sum(c.seed == s for c in missing) / len(kept.origins)
                for s in kept.seeds
            },
            **{
                ("start", o): sum(c.start == o for c in missing) / len(kept.seeds)
                for o in kept.origins
            },
        }
        axis, value = max(gaps, key=lambda line: (gaps[line], line))
        kept.pairs = {c: pair for c, pair in kept.pairs.items() if getattr(c, axis) != value}
    return kept
