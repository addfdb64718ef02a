"""Floor 1: the arithmetic graph on ordinals, edges n ↔ n ± o."""

from zeta_exp.graph.blocks import Block
from zeta_exp.graph.explicit import ClusterGraph
from zeta_exp.graph.implicit import LineGraph
from zeta_exp.graph.offsets import Graph, adelic_offsets, signed_offsets

__all__ = ["Block", "ClusterGraph", "Graph", "LineGraph", "adelic_offsets", "signed_offsets"]
