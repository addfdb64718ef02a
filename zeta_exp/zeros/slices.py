"""One of the jobs that together make a table of shards: each makes a slice of it."""

from dataclasses import dataclass

from zeta_exp.errors import UserError
from zeta_exp.zeros import engine
from zeta_exp.zeros.shards import (
    SHARD_SIZE,
    Manifest,
    Plan,
    Slice,
    Watcher,
    computed,
    form_for,
    write_table,
)

_IN_MEMORY = "memory://"


@dataclass(frozen=True)
class SliceJob:
    """What `zeta zeros generate --shard` makes, with jobs counted from 0 as sweeps count.

    Its files are of 10^7 zeros, or fewer where there would be too few for the jobs.  Raises
    `UserError` for a slice that can't be.
    """

    count: int  # zeros of the whole table
    start: int  # ordinal of its first
    form: str | None  # ordinates, offsets or residuals; None for what suits their height
    shards: int  # jobs that share the work
    shard: int  # which of them this is, 0 … shards − 1
    out: str  # folder of the table, local or remote
    workers: int = 1  # threads

    def __post_init__(self) -> None:
        if self.shards < 1:
            raise UserError(f"shards={self.shards} leaves nobody to work: use shards=1 or more")
        if not 0 <= self.shard < self.shards:
            raise UserError(
                f"shard={self.shard} is none of the {self.shards} slices: use 0 to "
                f"{self.shards - 1}, in a sweep 'shard=range(0,{self.shards})'"
            )
        if not self.out.strip():
            raise UserError("out is empty: give the folder of the table, local or gs://…")
        if self.out.startswith(_IN_MEMORY):
            raise UserError(
                f"out={self.out} is gone when the job ends: give a folder on a disk or in a bucket"
            )
        engine.validate(self.start, self.count, self.workers)

    @property
    def part(self) -> Slice:
        """The slice, counted from 1."""
        return Slice(self.shard + 1, self.shards)

    def make(self, watcher: Watcher | None = None) -> Manifest:
        """Makes what of the slice is not there yet; raises `UserError` as `write_table` does."""
        supply = computed(self.workers)
        form = form_for(self.start + self.count - 1, self.form)
        size = max(1, min(SHARD_SIZE, self.count // self.shards))
        plan = Plan(self.start, self.count, size, form, supply.source)
        return write_table(self.out, plan, supply, self.part, watcher)
