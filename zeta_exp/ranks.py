"""The processes of one run: who owns which blocks, and sums over all of them.

The transport is torch.distributed, gloo between CPUs and nccl between GPUs; torchrun starts the
processes and tells each its place.
"""

import atexit
import importlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from zeta_exp.torchrun import LostRankError, Place, launched

# One process validates while the others wait for it at the next sum; a lost one is noticed at once.
PATIENCE = timedelta(hours=6)
STORE_PATIENCE = timedelta(seconds=5)
LAST_WORD = "last word"
Item = TypeVar("Item")


@dataclass(frozen=True)
class Ranks(Place):
    """A place, and what the processes of a run do together."""

    store: Store | None = field(default=None, compare=False, repr=False)  # torchrun's own

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """The consecutive items that this process works on; none where there are too few."""
        count = len(items)
        first, last = (count * rank // self.world for rank in (self.rank, self.rank + 1))
        return items[first:last]

    def sum_(self, tensors: Iterable[Tensor]) -> None:
        """Replaces each tensor by its sum over the processes, the same bits in each of them.

        Raises `LostRankError` where another process has gone.
        """
        if self.alone:
            return
        by_type: dict[torch.dtype, list[Tensor]] = {}
        for tensor in tensors:
            by_type.setdefault(tensor.dtype, []).append(tensor)
        for group in by_type.values():  # one message for all: latency, not bytes, is what costs
            packed = torch.cat([tensor.reshape(-1) for tensor in group])
            with _losses_explained():
                _sum(packed)
            parts = packed.split([tensor.numel() for tensor in group])
            for tensor, part in zip(group, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def agree(self, value: Item) -> Item:
        """The first process's value, in every process; a plain object.

        Raises `LostRankError` where another process has gone.
        """
        if self.alone:
            return value
        box = [value]
        with _losses_explained():
            torch.distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def alike(self, value: object) -> bool:
        """Whether all processes have the same value; the same answer in each of them."""
        others = torch.tensor([int(self.agree(value) != value)])
        self.sum_([others])
        return not others.any()

    def has_last_word(self) -> bool:
        """Whether this process says and writes how a run ended that has not come to its end.

        That is the first to ask, as the first process may be the one that is lost.
        """
        if self.store is None:
            return True
        try:
            self.store.set_timeout(STORE_PATIENCE)
            return bool(self.store.compare_set(LAST_WORD, "", str(self.rank)) == self._name)
        except RuntimeError:  # torchrun has gone too, and nobody can be asked
            return True

    @property
    def _name(self) -> bytes:
        return str(self.rank).encode()


ALONE = Ranks()


@contextmanager
def joined() -> Iterator[Ranks]:
    """The processes of the run, connected for the time of the context.

    One that leaves it with an error stays connected until it exits, so that it can have its say
    before the others notice.
    """
    place = launched()
    if place.alone:
        yield ALONE
        return
    # Its functions take for a default the group of the moment they are defined.  First imported by
    # an optimiser, in the midst of the run, they would keep ours and its threads until the
    # interpreter is torn down, where such a thread now and then aborts the process.
    importlib.import_module("torch.distributed.nn.functional")
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    store, rank, world = next(rendezvous("env://", timeout=PATIENCE))
    torch.distributed.init_process_group(
        backend, store=store, rank=rank, world_size=world, timeout=PATIENCE
    )
    try:
        yield Ranks(**asdict(place), store=store)
    except BaseException:
        atexit.register(torch.distributed.destroy_process_group)
        raise
    with _losses_explained():  # no connection closes while another process is at work with it
        torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def _sum(packed: Tensor) -> None:
    """Σ over the processes in place."""
    if packed.is_cuda:
        # nccl would wait for a lost process for ever, and no signal reaches Python meanwhile:
        # gloo, which notices, comes first, after all that has to be computed
        torch.cuda.current_stream().synchronize()
        torch.distributed.all_reduce(torch.zeros(1))
    torch.distributed.all_reduce(packed)


@contextmanager
def _losses_explained() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # what torch.distributed raises, whatever the backend
        raise LostRankError("another process of the run has gone") from error
