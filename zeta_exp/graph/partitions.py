"""METIS clusters of the graph on a range of ordinals, computed once and kept in a cache."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zeta_exp import files
from zeta_exp.errors import UserError

MAX_NODES = 10**8  # METIS counts in int32 and holds the whole graph
MAX_ENTRIES = 2**31 - 1  # of METIS's list of neighbours
PIECE = 2**20  # nodes whose neighbours are written at once


def check_size(nodes: int) -> None:
    """Refuses a graph that METIS can't hold."""
    if nodes > MAX_NODES:
        raise UserError(
            f"strategy.partition=metis with {nodes} training ordinals: METIS holds the whole graph "
            f"and takes {MAX_NODES} at most; use strategy.partition=contiguous"
        )


@dataclass(frozen=True)
class Partition:
    """A cluster for each node."""

    membership: NDArray[np.int32]  # (nodes,) of 0 … parts − 1; a cluster may be empty
    notes: tuple[str, ...] = ()  # what the user must be told of the cache


class PartitionCache:
    """Partitions in a folder, each under the hash of all it depends on."""

    def __init__(self, folder: str | None) -> None:
        """Takes a folder or gs:// prefix; None: zeta_exp/partitions in the user's cache."""
        self._folder = default_folder() if folder is None else folder

    def path(self, nodes: int, offsets: Sequence[int], parts: int) -> str:
        """Where the partition of that graph is kept."""
        return files.join(self._folder, f"{partition_key(nodes, offsets, parts)}.npy")

    def partition(self, nodes: int, offsets: Sequence[int], parts: int) -> Partition:
        """The METIS partition of the graph on `nodes` consecutive ordinals, read or computed.

        A file that is no such partition is replaced; a cache that can't be written to is noted.
        """
        path, notes = self.path(nodes, offsets, parts), []
        try:
            if files.exists(path):
                return Partition(_read(path, nodes, parts))
        except (OSError, ValueError, EOFError, UserError) as error:
            notes.append(f"the cached partition {path} is not usable ({error}): computed again")
        membership = metis_membership(nodes, offsets, parts)
        try:
            _write(path, membership)
        except (OSError, UserError) as error:
            notes.append(f"the partition could not be kept in {path} ({error})")
        return Partition(membership, tuple(notes))


def default_folder() -> str:
    """${XDG_CACHE_HOME or ~/.cache}/zeta_exp/partitions."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return str(Path(base) / "zeta_exp" / "partitions")


def partition_key(nodes: int, offsets: Sequence[int], parts: int) -> str:
    """sha256 of all that the partition depends on.

    The first ordinal is not in it: edges n ↔ n ± o between members are the same from any start.
    """
    import pymetis

    content = {
        "nodes": nodes,
        "offsets": sorted(offsets),
        "parts": parts,
        "algorithm": "pymetis.part_graph",
        "version": pymetis.version,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read(path: str, nodes: int, parts: int) -> NDArray[np.int32]:
    """The membership in a file.  Raises ValueError where it is of another graph, or none."""
    with files.explained(path), files.reading(path) as file:
        content: NDArray[np.int32] = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise ValueError("it goes on after its end")
    if content.dtype != np.int32 or content.shape != (nodes,):
        raise ValueError(f"it holds {content.dtype} of shape {content.shape}")
    if content.min() < 0 or content.max() >= parts:
        raise ValueError(f"it holds clusters beyond 0 … {parts - 1}")
    return content


def _write(path: str, membership: NDArray[np.int32]) -> None:
    """Writes the membership whole or not at all."""
    with files.explained(path):
        if not files.is_remote(path):
            files.make_folder(os.path.dirname(path))
        with files.writing(path) as file:
            np.lib.format.write_array(file, membership, allow_pickle=False)


def metis_membership(nodes: int, offsets: Sequence[int], parts: int) -> NDArray[np.int32]:
    """The cluster of each of `nodes` consecutive ordinals, (nodes,), by METIS k-way.

    Karypis & Kumar 1998, as in Cluster-GCN (Chiang et al. 2019); a function of its arguments.
    Raises `UserError` for a graph too large for METIS.
    """
    import pymetis

    check_size(nodes)
    rows, neighbours = adjacency(nodes, offsets)
    _, membership = pymetis.part_graph(parts, pymetis.CSRAdjacency(rows, neighbours))
    return np.asarray(membership, dtype=np.int32)


def adjacency(nodes: int, offsets: Sequence[int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Neighbours i ± o of each of `nodes` nodes within the range, ascending, without self-loops.

    In compressed rows: node i's are neighbours[rows[i] : rows[i+1]]; rows (nodes+1,).
    """
    shifts = np.array(sorted({sign * o for o in offsets for sign in (-1, 1)}), dtype=np.int32)
    entries = 2 * sum(max(nodes - o, 0) for o in set(offsets))
    if entries > MAX_ENTRIES:
        raise UserError(
            f"strategy.partition=metis with {nodes} training ordinals and {len(set(offsets))} "
            f"offsets has {entries} neighbours and METIS counts to {MAX_ENTRIES}: use fewer "
            "graph.primes or strategy.partition=contiguous"
        )
    rows = np.zeros(nodes + 1, dtype=np.int32)
    neighbours = np.empty(entries, dtype=np.int32)
    for first in range(0, nodes, PIECE):
        i = np.arange(first, min(first + PIECE, nodes), dtype=np.int32)
        table = i[:, None] + shifts
        inside = (table >= 0) & (table < nodes)
        rows[first + 1 : first + 1 + len(i)] = rows[first] + np.cumsum(inside.sum(1))
        neighbours[rows[first] : rows[first + len(i)]] = table[inside]
    return rows, neighbours


@dataclass(frozen=True)
class Clusters:
    """The members of each cluster that has any."""

    _order: NDArray[np.int32]  # (nodes,) positions, those of a cluster together and ascending
    _edges: NDArray[np.int64]  # (count + 1,) where each cluster begins in it

    @classmethod
    def of(cls, membership: NDArray[np.int32]) -> "Clusters":
        """The clusters of a partition."""
        sizes = np.bincount(membership)
        edges = np.concatenate([[0], np.cumsum(sizes[sizes > 0])])
        return cls(np.argsort(membership, kind="stable").astype(np.int32), edges)

    def __len__(self) -> int:
        return len(self._edges) - 1

    def size(self, cluster: int) -> int:
        """Nodes of a cluster, 1 at least."""
        return int(self._edges[cluster + 1] - self._edges[cluster])

    def members(self, cluster: int) -> NDArray[np.int32]:
        """Positions of its nodes in the range, ascending."""
        return self._order[self._edges[cluster] : self._edges[cluster + 1]]
