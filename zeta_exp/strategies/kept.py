"""The graphs of a step's first portions, kept between its two passes where there is room."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from zeta_exp.losses.weighted import Statistics

# On a CPU a quarter to two thirds of 10^5 zeros; more would cost the memory that blocks save.  The
# figure of a GPU is derived from its blocks of 2^18, not measured.
KEPT_BYTES = {"cpu": 64 * 2**20, "cuda": 2 * 2**30}


class KeptGraphs:
    """Statistics with their graphs, in the order of their portions, within `KEPT_BYTES`."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = {_place(parameter) for parameter in parameters}
        self._room = KEPT_BYTES[parameters[0].device.type] if parameters else 0
        self._graphs: deque[Statistics] = deque()
        self._taken = self._largest = 0  # bytes
        self._full = False

    def __len__(self) -> int:
        return len(self._graphs)

    @property
    def has_room(self) -> bool:
        """Whether one more of the largest so far would fit; the first is tried."""
        return not self._full and self._taken + self._largest <= self._room

    @contextmanager
    def measured(self, lent: Tensor | None = None) -> Iterator[None]:
        """Counts the bytes that the graphs made in the context keep alive, without those lent."""
        free = self._parameters if lent is None else self._parameters | {_place(lent)}
        sizes: dict[int, int] = {}  # by storage: views of one count once

        def count(tensor: Tensor) -> Tensor:
            place = _place(tensor)
            if place not in free:
                size = tensor.numel() * tensor.element_size()
                sizes[place] = max(size, sizes.get(place, 0))
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            yield
        self._largest = max(self._largest, sum(sizes.values()))
        self._taken += sum(sizes.values())

    def put(self, statistics: Statistics) -> None:
        """Keeps the graph just measured, unless there is no room: then none that follow either."""
        self._full = self._taken > self._room
        if not self._full:
            self._graphs.append(statistics)

    def take(self) -> Statistics:
        """The graph of the next portion; its memory is free when it is dropped."""
        return self._graphs.popleft()

    def clear(self) -> None:
        """Makes room for another step."""
        self._graphs.clear()
        self._taken, self._full = 0, False


def _place(tensor: Tensor) -> int:
    """The address of its storage, that of views of it too."""
    return tensor.untyped_storage().data_ptr()
