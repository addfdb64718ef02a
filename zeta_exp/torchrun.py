"""The place that torchrun gives a process; knows nothing of torch, whose import takes seconds."""

import os
from dataclasses import dataclass


class LostRankError(Exception):
    """Another process of the run has gone: no mistake of the user, and nothing is lost by it."""


@dataclass(frozen=True)
class Place:
    """This process among the processes of a run."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0  # among those on this machine
    local_world: int = 1

    @property
    def first(self) -> bool:
        """This is the process that writes and speaks."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """There is no other."""
        return self.world == 1


def launched() -> Place:
    """What torchrun wrote into the environment; alone where it did not start this process."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return Place()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return Place(*(int(os.environ[name]) for name in names))
