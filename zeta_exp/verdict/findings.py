"""Groups of pairs decided: effects, families, Holm's correction, and what is still needed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zeta_exp.errors import UserError
from zeta_exp.recipe import LEAST_ROOM
from zeta_exp.report.runs import Run
from zeta_exp.verdict import labels
from zeta_exp.verdict.convergence import Speed, speeds, table_of
from zeta_exp.verdict.decision import (
    INVALID,
    LEAST_ORIGINS,
    LEAST_SEEDS,
    LEVEL,
    NO_DIFFERENCE,
    NO_ROOM,
    UNDECIDED,
    PValues,
    p_values_of,
    verdicts_of,
)
from zeta_exp.verdict.effects import Array, Components, Effect, components_of, effect_of
from zeta_exp.verdict.pairs import Comparison, apart
from zeta_exp.verdict.power import Plan, plans
from zeta_exp.verdict.room import room_of
from zeta_exp.verdict.simulation import MEASURED


@dataclass(frozen=True)
class Finding:
    """One group of pairs, and what is made of it."""

    label: str  # what sets it apart from the others
    comparison: Comparison  # complete: every seed at every origin
    cells: Array  # (S, O) log ratios of the errors, without / with: above 0 the factor helps
    effect: Effect  # their mean; scalars
    components: Components
    family: list[int]  # the N of the family that Holm's correction is over
    tested: int  # members of the family that are large enough to be decided
    raw: PValues
    corrected: PValues  # 1 where the table is too small to be decided
    verdict: str
    needed: list[Plan]  # where undecided
    room: float | None  # share of the squared error that could have been removed; None: unknown
    speed: Mapping[str, Speed]  # by currency; {} where it is unknown
    no_speed: str | None  # why

    @property
    def large_enough(self) -> bool:
        """Whether anything may be claimed."""
        return _large_enough(self.effect)


@dataclass(frozen=True)
class _Member:
    """A comparison of a family before the correction."""

    comparison: Comparison
    cells: Array
    effect: Effect
    raw: PValues


def findings_of(
    groups: Sequence[Comparison],
    metric: str,
    margin: float,
    *,
    valid: bool = True,
    references: Sequence[Run] = (),
) -> list[Finding]:
    """A finding for each group, in their order.

    groups: complete tables.  margin: on the scale of the effects, log 1.05 for 5%.  references:
    whose errors are a floor of theirs.
    """
    members = []
    for group in groups:
        cells = table_of(group, metric)
        effect = effect_of(cells)
        members.append(_Member(group, cells, effect, p_values_of(effect, margin)))
    names = _labels(groups)
    families: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, key in enumerate(_family_keys(groups)):
        families[key].append(place)
    found: dict[int, Finding] = {}
    for places in families.values():
        family = [members[place] for place in places]
        corrected = _corrected(family)
        for place, p in zip(places, corrected, strict=True):
            room = room_of(groups[place], references, metric)
            found[place] = _finding(names[place], members[place], family, p, margin, valid, room)
    return [found[place] for place in range(len(groups))]


def _finding(
    label: str,
    member: _Member,
    family: Sequence[_Member],
    p: PValues,
    margin: float,
    valid: bool,
    room: float | None,
) -> Finding:
    effect = member.effect
    components = components_of(member.cells, MEASURED.of_difference())
    tested = sum(_large_enough(one.effect) for one in family)
    verdict = str(verdicts_of(effect.estimate, p)) if valid else INVALID
    if verdict in (NO_DIFFERENCE, UNDECIDED) and room is not None and room < LEAST_ROOM:
        verdict = NO_ROOM
    needed = []
    if verdict == UNDECIDED:
        size, level = (effect.seeds, effect.origins), LEVEL / max(tested, 1)
        needed = plans(float(effect.estimate), components, size, margin, level)
    speed, no_speed = _speed(member.comparison)
    return Finding(
        label=label,
        comparison=member.comparison,
        cells=member.cells,
        effect=effect,
        components=components,
        family=sorted({one.comparison.N for one in family}),
        tested=tested,
        raw=member.raw,
        corrected=p,
        verdict=verdict,
        needed=needed,
        room=room,
        speed=speed,
        no_speed=no_speed,
    )


def _speed(comparison: Comparison) -> tuple[Mapping[str, Speed], str | None]:
    """How fast the arms come near their ends; results may be kept without what that takes."""
    try:
        return speeds(comparison), None
    except UserError as error:
        return {}, str(error)


def _large_enough(effect: Effect) -> bool:
    return effect.seeds >= LEAST_SEEDS and effect.origins >= LEAST_ORIGINS


def _corrected(family: Sequence[_Member]) -> list[PValues]:
    """Holm's correction over the members that are large enough; for the others nothing is shown.

    Whether a member is large enough depends on its plan and not on its numbers, so leaving it out
    costs no error rate.
    """
    large = [member.raw for member in family if _large_enough(member.effect)]
    rows: list[PValues] = []
    if large:
        columns = ([getattr(raw, name) for raw in large] for name in ("zero", "margin", "outside"))
        holm = PValues(*map(np.array, columns)).holm()
        rows = [
            PValues(*map(np.asarray, row))
            for row in zip(holm.zero, holm.margin, holm.outside, strict=True)
        ]
    nothing = PValues(np.ones(()), np.ones(()), np.ones(()))
    left = iter(rows)
    return [next(left) if _large_enough(member.effect) else nothing for member in family]


def _labels(groups: Sequence[Comparison]) -> list[str]:
    """Names of the groups, with the height where nothing else tells two apart."""
    names = labels.labels([group.settings for group in groups])
    if len(set(names)) == len(names):
        return names
    return [f"{name}, from {g.origins[0]:,}" for name, g in zip(names, groups, strict=True)]


def _family_keys(groups: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """What makes a family: the height, and all settings but N and the recipe that suits it."""
    places: dict[int, int] = {}
    place, end = 0, 0
    for group in sorted(groups, key=lambda group: group.origins[0]):
        place += apart(group.origins[0], end) if places else 0
        places[id(group)] = place
        end = max(end, group.origins[-1] + group.N)
    return [(str(places[id(group)]), *labels.asked(group.settings)) for group in groups]
