"""Cluster-GCN as users of PyTorch Geometric run it: ClusterData, ClusterLoader, METIS."""

from collections.abc import Iterator

import numpy as np
import pymetis
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.loader import ClusterData, ClusterLoader

from benchmarks.ours import LEARNING_RATE, Setup
from benchmarks.peers.pyg import data_of, edge_values, twin


class MetisClusters(ClusterData):
    """`ClusterData` with METIS from pymetis, where PyG's own call needs torch_sparse."""

    def _metis(self, edge_index: Tensor, num_nodes: int) -> Tensor:
        source, target = edge_index[:, edge_index[0] != edge_index[1]].numpy()
        order = np.lexsort((target, source))
        rows = np.searchsorted(source[order], np.arange(num_nodes + 1))
        adjacency = pymetis.CSRAdjacency(rows.astype(np.int32), target[order].astype(np.int32))
        _, parts = pymetis.part_graph(self.num_parts, adjacency=adjacency)
        return torch.as_tensor(np.asarray(parts), dtype=torch.long)


def clusters_of(data: Data, cluster: int) -> MetisClusters:
    """Clusters of about `cluster` nodes."""
    return MetisClusters(data, num_parts=-(-data.num_nodes // cluster), log=False)


def loader_of(
    clusters: MetisClusters, clusters_per_step: int, workers: int = 0, seed: int = 0
) -> ClusterLoader:
    """Shuffled batches of some clusters each."""
    return ClusterLoader(
        clusters,
        batch_size=clusters_per_step,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        generator=torch.Generator().manual_seed(seed),
    )


def cluster_loader(data: Data, cluster: int, nodes_per_step: int, workers: int) -> ClusterLoader:
    """Shuffled batches of about `nodes_per_step` nodes from clusters of about `cluster`."""
    return loader_of(clusters_of(data, cluster), max(1, nodes_per_step // cluster), workers)


class ClusterTraining:
    """Mini-batch training with the mean squared error, one update a call.

    Edges carry the weights of the whole graph, which spares GCNConv its own normalisation.
    """

    def __init__(self, setup: Setup, cluster: int, nodes_per_step: int, workers: int = 0) -> None:
        data = data_of(setup)
        self._loader = cluster_loader(data, cluster, nodes_per_step, workers)
        self._device = setup.device
        self.model = twin(setup, setup.fresh_model()).to(setup.device)
        self._optimizer = torch.optim.AdamW(self.model.parameters(), LEARNING_RATE, fused=True)
        self._batches = self._endless()

    def _endless(self) -> Iterator[Data]:
        while True:
            yield from self._loader

    def load_epoch(self) -> None:
        """Makes the batches of an epoch and nothing else."""
        for _ in range(len(self._loader)):
            next(self._batches)

    def epoch(self) -> None:
        """The updates of an epoch."""
        for _ in range(len(self._loader)):
            self.step()

    def step(self) -> int:
        """One update; returns the nodes it visited."""
        batch = next(self._batches).to(self._device)
        self._optimizer.zero_grad()
        output = self.model(batch.x, batch.edge_index, edge_values(batch))
        (output - batch.y).square().mean().backward()
        self._optimizer.step()
        return int(batch.num_nodes)
