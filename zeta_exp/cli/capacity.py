"""How many zeros each strategy can take in a given memory: `zeta doctor` tells."""

from collections.abc import Iterator
from typing import Any

from zeta_exp import recipe
from zeta_exp.features import PrimePhases
from zeta_exp.graph import adelic_offsets
from zeta_exp.losses import make_loss
from zeta_exp.memory import Room, Workload, largest
from zeta_exp.models import Relational
from zeta_exp.split import Split
from zeta_exp.strategies import FullBatch, MiniBatch, Strategy, Streamed

ASKED = 10**12  # zeros: as good as any number
# What `python run.py` takes where nothing else is said.
MAX_PRIME = 300
PRIMES: list[int] = []
SIZES_AT = 1_000_000  # zeros: whose width and depth are taken, near those of any longer line
MODEL: dict[str, Any] = {
    "reflection": True,
    "hidden": recipe.hidden(SIZES_AT, 1, MAX_PRIME),
    "layers": recipe.layers(SIZES_AT, 1, MAX_PRIME),
}
LOSS: dict[str, Any] = {
    "weights": {"mse": 1.0, "gue_nll": 0.0, "gue_nll_matched": 0.0, "gue_mmd": 0.0, "rg": 0.0},
    "spacing": "smooth",
    "gue_nll_matched": {"reference": "finite_height"},
    "gue_mmd": {"reference": "surmise", "windows": [1], "calibrated": False},
    "rg": {"form": "block_spin", "scales": [2, 4]},
}
MINIBATCH: dict[str, Any] = {
    "block_size": None,
    "parts": None,
    "blocks_per_step": 4,
    "halo": None,
    "partition": "contiguous",
    "debias": True,
    "partition_cache": None,
    "seed": 0,
}
STRATEGIES: tuple[Strategy, ...] = (
    MiniBatch(**MINIBATCH),
    Streamed(block_size=None, steps_per_epoch=1, seed=0),
    FullBatch(),
)


def capacity(device_type: str, room: Room) -> Iterator[tuple[str, int]]:
    """Each strategy and the largest N that fits, to two digits; 0 where none does.

    device_type: cpu | cuda.
    """
    work = workload(device_type)
    for strategy in STRATEGIES:
        yield strategy.name, largest(strategy, work, room)


def workload(device_type: str) -> Workload:
    """The default run, with more zeros than any machine holds."""
    offsets = adelic_offsets(PRIMES)
    features = PrimePhases(MAX_PRIME)
    return Workload(
        split=Split(1, ASKED),
        loss=make_loss(**LOSS),
        model=Relational(features.dim, offsets, **MODEL),
        dim=features.dim,
        offsets=offsets,
        device_type=device_type,
    )


def told(found: list[tuple[str, int]]) -> str:
    """The capacities in words."""
    return ", ".join(
        f"strategy={name} " + (f"to N={N:,}" if N < ASKED // 2 else "for any N")
        for name, N in found
        if N
    )
