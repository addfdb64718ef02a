"""What a run needs of memory, stated before anything is allocated.

Bytes a node are counted from the arrays that the code makes, times how many are alive at once; only
the bases are measured.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from zeta_exp.errors import UserError
from zeta_exp.evaluation.window import BLOCK, KEPT_BYTES
from zeta_exp.features import TABLE_BYTES
from zeta_exp.losses import WeightedLoss
from zeta_exp.measurement import KEPT
from zeta_exp.models import Model
from zeta_exp.split import MINIMUM_N, Split
from zeta_exp.strategies import Portion, Strategy
from zeta_exp.strategies.kept import KEPT_BYTES as KEPT_GRAPHS
from zeta_exp.zeros.cache import CAPACITY, RUN

MIB, GIB = 2**20, 2**30
FLOAT, DOUBLE = 4, 8  # bytes
# Resident memory that any run adds to that after the imports: code of torch and numba that is read
# when it is first used, threads and their arenas.  Measured: 158 MiB for a linear model on 1,000
# zeros, 165 to 175 left of the peaks of larger runs.
CPU_BASE = 165 * MIB
NODE = 24  # bytes of a node beside its features: two ordinals, three masks, the target
LOSS = 64  # bytes of an output and what the loss terms make of it, in float64
# Making a feature takes, for each pair of cosine and sine, the turn in float64 (8 bytes), the angle
# and both (12), and the two side by side (8).
MAKING = 14
LARGEST_BLOCK = 22  # a power of two
RIDGE = 2 * DOUBLE  # bytes a feature, in the design matrix of the linear baseline
PREDICTION = 2 * DOUBLE * (2 + 3 * 2)  # of two windows: two columns kept, three of npz made twice


@dataclass(frozen=True)
class Workload:
    """What is to be trained, and where."""

    split: Split
    loss: WeightedLoss
    model: Model
    dim: int  # features of a node
    offsets: tuple[int, ...]  # of the edges
    device_type: str  # cpu | cuda

    def of_size(self, N: int) -> "Workload":
        """The same with N zeros."""
        return replace(self, split=Split(self.split.start, N))

    @property
    def seen(self) -> int:
        """Ordinals whose zeros are asked for."""
        return self.split.extrapolation[1] - self.split.start

    @property
    def tabulated(self) -> int:
        """Ordinals whose features are kept in a table; 0 where they are too many."""
        span = self.seen + 2 * (self.model.receptive_field + self.loss.margin())
        return span if span * self.dim * FLOAT <= TABLE_BYTES else 0


@dataclass(frozen=True)
class Memory:
    """Bytes in one place, by what needs them."""

    base: int = 0  # of the process, beside what the imports take
    weights: int = 0  # parameters, their gradients and two moments
    features: int = 0  # of the whole range, where they are kept in a table
    zeros: int = 0  # residuals and ordinates in the cache of their source
    partition: int = 0  # of the whole range into clusters
    batches: int = 0  # at work and waiting
    making: int = 0  # a batch
    activations: int = 0  # of the largest forward and backward pass
    evaluation: int = 0  # batches that are kept for it, and its forward pass
    results: int = 0  # baselines, and predictions that are kept and written

    @property
    def total(self) -> int:
        """The peak: a batch is made while another is at work; measuring comes between and after."""
        held = self.base + self.weights + self.features + self.zeros + self.partition
        training = self.making + self.activations
        return held + self.batches + max(training, self.evaluation + self.results)

    def parts(self) -> dict[str, int]:
        """Bytes by what needs them, without what needs none."""
        return {f.name: b for f in fields(self) if (b := getattr(self, f.name))}


@dataclass(frozen=True)
class Need:
    """The memory of a run on the device and, where that has its own, on the host."""

    device: Memory
    host: Memory | None = None

    def as_mb(self) -> dict[str, Any]:
        """What result.json records: MiB at the peak, and by part."""
        of_host = {} if self.host is None else {"host_mb": round(self.host.total / MIB)}
        parts = {name: round(size / MIB, 1) for name, size in self.device.parts().items()}
        return {"estimated_mb": round(self.device.total / MIB), **of_host, "parts_mb": parts}


def needed(strategy: Strategy, work: Workload) -> Need:
    """The memory that training with the strategy takes."""
    host, device = _host(strategy, work), _device(strategy, work)
    if work.device_type != "cpu":
        return Need(device, host)
    both = {f.name: getattr(host, f.name) + getattr(device, f.name) for f in fields(Memory)}
    return Need(Memory(**both))


def _device(strategy: Strategy, work: Workload) -> Memory:
    """What the model works on."""
    portion = strategy.portion(work.split, work.loss, work.model, work.device_type)
    row, views = FLOAT * work.dim, work.loss.view_nodes
    own = NODE if _features_lent(portion, work) else NODE + row
    prepared = portion.batches if portion.passes > 1 else 1  # views, made with the batch or by it
    per_node = portion.batches * own + prepared * views * (NODE + row)
    return Memory(
        weights=4 * FLOAT * work.model.n_parameters,
        batches=int(portion.nodes * per_node),
        activations=_activations(portion, work),
        evaluation=_evaluation(work),
    )


def _features_lent(portion: Portion, work: Workload) -> bool:
    """Whether features are a slice of the table of the whole range: of one run, if there is one."""
    return portion.one_run and work.tabulated > 0 and work.device_type == "cpu"


def _activations(portion: Portion, work: Workload) -> int:
    """What the backward pass needs at its beginning, when all of the forward pass is there."""
    model, nodes = work.model, portion.nodes * (1 + work.loss.view_nodes)
    size = model.precision.itemsize
    rounded = 0 if size == FLOAT else size * work.dim  # a copy of the features
    saved = nodes * (size * model.floats_per_node + rounded + LOSS)
    if portion.passes > 1:  # graphs are kept between the passes, and their batches with them
        lent = portion.nodes if _features_lent(portion, work) else 0
        resident = portion.batches >= portion.passes  # and counted as such
        own = 0 if resident else nodes * NODE + (nodes - lent) * FLOAT * work.dim
        whole = min(portion.passes, KEPT_GRAPHS[work.device_type] // (saved + own))
        saved = max(saved, whole * (saved + own))
    # a view is back-propagated by itself, so what passes through the layers counts once
    passing = model.floats_remade + model.floats_forward / 2
    return int(saved + size * portion.nodes * passing)


def _host(strategy: Strategy, work: Workload) -> Memory:
    """What batches are made of, and what they are measured by."""
    split = work.split
    portion = strategy.portion(split, work.loss, work.model, work.device_type)
    # from a table; to a table of its own, piece by piece, joined; or all phases at once
    making = 0 if work.tabulated else FLOAT if portion.one_run else MAKING
    made, held = portion.nodes * work.dim * making, 0
    if work.device_type != "cpu":  # a batch keeps its table, and the device a copy of it
        held = portion.batches * made if portion.one_run else 0
    elif portion.batches == 1:  # it is made before it is at work
        made = max(0, made - _activations(portion, work))
    return Memory(
        base=CPU_BASE,
        features=work.tabulated * work.dim * FLOAT,
        zeros=2 * DOUBLE * min(CAPACITY * RUN, work.seen),
        partition=strategy.partition_bytes(split, work.offsets),
        batches=held,
        making=made,
        results=_results(work),
    )


def _results(work: Workload) -> int:
    """Predictions of two windows, and a block of the ridge regression among the baselines."""
    row = work.dim * (RIDGE if work.tabulated else RIDGE + MAKING + FLOAT)
    return min(work.split.N, BLOCK) * row + PREDICTION * min(work.split.N // 10, KEPT)


def _evaluation(work: Workload) -> int:
    """Batches of the validation range and a forward pass of one, every loss term measured."""
    margin = work.model.receptive_field + work.loss.margin()
    length = work.split.validation[1] - work.split.validation[0]
    views = sum(term.view_nodes for term in work.loss.terms.values())
    block = min(length, BLOCK) + 2 * margin
    nodes = -(-length // BLOCK) * block
    keeps = nodes * work.dim * FLOAT <= KEPT_BYTES
    batches = (nodes if keeps else block) * (1 + views) * (NODE + FLOAT * work.dim)
    return int(batches + block * (1 + views) * (FLOAT * work.model.floats_forward + LOSS))


@dataclass(frozen=True)
class Room:
    """Bytes that a run may use, on the device and on the host."""

    device: int
    host: int

    def holds(self, need: Need) -> bool:
        """Whether the run fits."""
        if need.host is not None and need.host.total > self.host:
            return False
        return need.device.total <= self.device


def check(strategy: Strategy, work: Workload, room: Room) -> Need:
    """The need of a run that fits; raises `UserError` with what would fit for one that does not."""
    need = needed(strategy, work)
    if room.holds(need):
        return need
    place, memory, have = work.device_type, need.device, room.device
    if memory.total <= have and need.host is not None:
        place, memory, have = "main memory", need.host, room.host
    raise UserError(
        f"N={work.split.N:_} with strategy={strategy.name} needs about {_gb(memory.total)} and "
        f"{place} has {_gb(have)}: {advice(strategy, work, room)}"
    )


def advice(strategy: Strategy, work: Workload, room: Room) -> str:
    """What fits the room: smaller blocks, fewer zeros, or none."""
    found = [
        words for words in (_blocks(strategy, work, room), _fewer(strategy, work, room)) if words
    ]
    if found:
        return f"use {' or '.join(found)}"
    return f"not even N={MINIMUM_N} fits: use a machine with more, or a smaller model"


def less(strategy: Strategy) -> str:
    """What takes less memory, where the room is not known."""
    other = strategy.in_blocks(None).name
    key = "a smaller strategy.block_size" if other == strategy.name else f"strategy={other}"
    return f"{key}, a smaller model or lower N"


def _blocks(strategy: Strategy, work: Workload, room: Room) -> str:
    """The largest blocks, a power of two, in which the run fits; empty where it fits in none."""
    smaller = strategy.in_blocks(None)
    if smaller.name != strategy.name and _fits(smaller, work, room):
        return f"strategy={smaller.name} ({_told(smaller, work)})"
    for size in (2**k for k in range(LARGEST_BLOCK, 0, -1)):
        smaller = strategy.in_blocks(size)
        if _fits(smaller, work, room):
            name = "" if smaller.name == strategy.name else f"strategy={smaller.name} "
            return f"{name}strategy.block_size={size} ({_told(smaller, work)})"
    return ""


def _fewer(strategy: Strategy, work: Workload, room: Room) -> str:
    """The largest N with which the run fits; empty where there is none."""
    fits = largest(strategy, work, room)
    return f"N={fits:_}" if fits else ""


def largest(strategy: Strategy, work: Workload, room: Room) -> int:
    """The largest N below the one of `work` that fits, to two digits; 0 where there is none."""
    fits, too_many = 0, work.split.N
    while too_many - fits > max(1, fits // 100):
        middle = (fits + too_many) // 2
        if middle >= MINIMUM_N and _fits(strategy, work.of_size(middle), room):
            fits = middle
        elif middle < MINIMUM_N and fits == 0:
            return 0
        else:
            too_many = middle
    digit = 10 ** max(len(str(fits)) - 2, 0)
    return fits // digit * digit


def _fits(strategy: Strategy, work: Workload, room: Room) -> bool:
    """Whether the strategy can serve the run in that room."""
    try:
        strategy.check(work.split, work.loss, work.model)
    except UserError:
        return False
    return room.holds(needed(strategy, work))


def _told(strategy: Strategy, work: Workload) -> str:
    same = f"{strategy.in_blocks_same}, " if strategy.in_blocks_same else ""
    return same + _gb(needed(strategy, work).device.total)


def _gb(size: int) -> str:
    return f"{size / GIB:.2g} GB" if size < 10 * GIB else f"{size / GIB:,.0f} GB"
