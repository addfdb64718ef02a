"""What cutting the edges between blocks does to the outputs, and what a halo does.

    python -m benchmarks.halo [--quick] [--docs]

Outputs of a model with random weights on N ordinals, computed in blocks that see nothing beyond
themselves (Cluster-GCN) or their receptive field, against blocks of another size with that halo.
Degrees are those of the unbounded line throughout.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.harness import Options, Report, script
from benchmarks.ours import compared, line_of
from zeta_exp.batch import Line
from zeta_exp.graph.blocks import contiguous
from zeta_exp.models import Model

BLOCKS = (64, 200, 2_000, 20_000)
EXACT_BLOCK = 4_096
NODES_AT_ONCE = 16_384
MODELS = {"hybrid_gcn": "isotropic", "relational": "relational"}
HALO_ERROR = 1e-6  # bar: rounding of float32 alone
HEAD = ["block", "edges cut", *(f"{m}, {w}" for m in MODELS.values() for w in ("cut", "halo"))]


def outputs(model: Model, line: Line, nodes: int, size: int, halo: int) -> Tensor:
    """Outputs on 1 … nodes, (nodes,), from blocks of `size` that see `halo` on either side."""
    blocks = contiguous(1, nodes + 1, size, halo)
    together = max(1, NODES_AT_ONCE // size)
    found = []
    with torch.no_grad():
        for first in range(0, len(blocks), together):
            batch = line.runs(blocks[first : first + together])
            found.append(model(batch)[batch.owned])
    return torch.cat(found)


def relative_error(approximate: Tensor, exact: Tensor) -> float:
    """‖z − y‖₂ / ‖y − mean y‖₂."""
    deviation = (exact - exact.mean()).norm()
    return float((approximate - exact).norm() / deviation)


def edges_cut(nodes: int, size: int, offsets: Sequence[int]) -> float:
    """Share of the edges n – n + o on 1 … nodes whose ends lie in different blocks."""
    block = np.arange(nodes) // size
    cut = sum(np.count_nonzero(block[:-o] != block[o:]) for o in offsets)
    return cut / sum(nodes - o for o in offsets)


def measure(report: Report, options: Options) -> None:
    """The table, and the largest error with a halo as a row for each model."""
    nodes = 20_000 if options.quick else 200_000
    sizes = [size for size in BLOCKS if size < nodes]
    cells = {
        size: [f"{size:,}", f"{edges_cut(nodes, size, compared(nodes, 'relational').offsets):.2%}"]
        for size in sizes
    }
    for name, title in MODELS.items():
        setup = compared(nodes, name)
        model = setup.fresh_model()
        line = line_of(setup, model.receptive_field)
        exact = outputs(model, line, nodes, EXACT_BLOCK, model.receptive_field)
        worst = 0.0
        for size in sizes:
            errors = [
                relative_error(outputs(model, line, nodes, size, halo), exact)
                for halo in (0, model.receptive_field)
            ]
            cells[size] += [f"{errors[0]:.2%}", f"{errors[1]:.1e}"]
            worst = max(worst, errors[1])
        report.limit(f"error with halo, {title}, N = {nodes:,}", worst, "relative", HALO_ERROR)
    report.tables["halo"] = [HEAD, *cells.values()]


if __name__ == "__main__":
    script(measure)
