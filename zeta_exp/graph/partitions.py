"""METIS clusters of the graph, through PyTorch Geometric's Cluster-GCN loader and pymetis."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from zeta_exp.graph.explicit import ClusterGraph

if TYPE_CHECKING:
    from torch_geometric.loader import ClusterData


def metis_clusters(start: int, stop: int, offsets: tuple[int, ...], parts: int) -> "ClusterData":
    """PyG's `ClusterData` of the graph on [start, stop) in `parts` METIS clusters.

    Each node carries `ordinal`.  The partition is METIS k-way (Karypis & Kumar 1998) as in
    Cluster-GCN (Chiang et al. 2019); pymetis is a wheel, where PyG's own call needs torch_sparse
    built with METIS.
    """
    import pymetis
    from torch_geometric.data import Data
    from torch_geometric.loader import ClusterData

    class PymetisClusterData(ClusterData):
        def _metis(self, edge_index: torch.Tensor, num_nodes: int) -> torch.Tensor:
            source, target = edge_index[:, edge_index[0] != edge_index[1]].numpy()
            order = np.lexsort((target, source))
            rows = np.searchsorted(source[order], np.arange(num_nodes + 1))
            adjacency = pymetis.CSRAdjacency(rows.astype(np.int32), target[order].astype(np.int32))
            _, parts = pymetis.part_graph(self.num_parts, adjacency=adjacency)
            return torch.as_tensor(np.asarray(parts), dtype=torch.long)

    ordinals = torch.arange(start, stop)
    edge_index, _ = ClusterGraph(ordinals, offsets).edges
    data = Data(edge_index=edge_index, ordinal=ordinals, num_nodes=len(ordinals))
    return PymetisClusterData(data, num_parts=parts, log=False)


def membership(clusters: "ClusterData", start: int, stop: int) -> NDArray[np.int64]:
    """The cluster of each ordinal of [start, stop), (stop − start,)."""
    partition = clusters.partition
    part = np.repeat(np.arange(len(partition.partptr) - 1), np.diff(partition.partptr.numpy()))
    of_ordinal = np.empty(stop - start, dtype=np.int64)
    of_ordinal[partition.node_perm.numpy()] = part
    return of_ordinal
