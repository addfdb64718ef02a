"""The two published training scripts, written anew from their description.

log n in, raw ordinates out, GCNConv as it comes, gaps divided by their mean with s ≤ 0 dropped,
and MMD to sampled gaps with a Gaussian kernel, whose cost is quadratic in the sample.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch_geometric.data import Data

from benchmarks.ours import LEARNING_RATE, WEIGHTS
from benchmarks.peers.clusters import cluster_loader
from benchmarks.peers.graphs import edge_list
from benchmarks.peers.pyg import GCN
from zeta_exp.graph import adelic_offsets
from zeta_exp.zeros import generate

HIDDEN, LAYERS = 64, 3
PRIMES = (2, 3, 5, 7, 11, 13)
SAMPLE = 1000  # gaps that enter the quadratic MMD
LAMBDA = WEIGHTS["seed"]


def script_data(nodes: int) -> Data:
    """log n, γ_n and the sparse adelic edges of 1 … nodes."""
    ordinals = torch.arange(1, nodes + 1, dtype=torch.float64)
    edge_index, _ = edge_list(nodes, adelic_offsets(PRIMES), loops=False)
    ordinates = torch.from_numpy(generate(1, nodes)).float()
    return Data(x=ordinals.log().float()[:, None], y=ordinates, edge_index=edge_index)


def normalised_gaps(output: Tensor) -> Tensor:
    """Gaps of consecutive outputs over their mean, those ≤ 0 dropped."""
    gaps = output.diff()
    s = gaps / gaps.mean().abs().clamp(min=1e-12)
    return s[s > 0]


def nll(s: Tensor) -> Tensor:
    """Mean of −log p(s), p the Wigner surmise (32/π²) s² exp(−4s²/π)."""
    return (-math.log(32 / math.pi**2) - 2 * s.log() + 4 / math.pi * s.square()).mean()


def mmd(s: Tensor) -> Tensor:
    """Squared maximum mean discrepancy to sampled GUE gaps, kernel exp(−(x − y)²/2)."""
    mine = s[torch.randperm(len(s))[:SAMPLE]]
    # the surmise is the law of |(x, y, z)| of three equal Gaussians, here of mean 1
    theirs = torch.randn(len(mine), 3).norm(dim=1) / (2 * math.sqrt(2 / math.pi))

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (-(x[:, None] - y).square() / 2).exp().mean()

    return kernel(mine, mine) + kernel(theirs, theirs) - 2 * kernel(mine, theirs)


def rg(output: Tensor) -> Tensor:
    """Mean of (stopgrad f(2n)/2 − f(n))² over the ordinals n with 2n on the line."""
    n = torch.arange(1, len(output) // 2 + 1)
    return (output[2 * n - 1].detach() / 2 - output[n - 1]).square().mean()


def script_loss(output: Tensor, target: Tensor, whole_line: bool) -> Tensor:
    """mse + λ₁ nll + λ₂ MMD, and λ₃ rg where the outputs are those of the whole line."""
    total = LAMBDA["mse"] * (output - target).square().mean()
    s = normalised_gaps(output)
    if len(s) > 1:
        total = total + LAMBDA["gue_nll"] * nll(s) + LAMBDA["gue_mmd"] * mmd(s)
    return total + LAMBDA["rg"] * rg(output) if whole_line else total


class _Script:
    """A model of the scripts under Adam."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = GCN(1, HIDDEN, LAYERS, normalize=True)
        self._optimizer = torch.optim.Adam(self.model.parameters(), LEARNING_RATE)

    def _update(self, data: Data, whole_line: bool) -> None:
        self._optimizer.zero_grad()
        output = self.model(data.x, data.edge_index, None)
        script_loss(output, data.y, whole_line).backward()
        self._optimizer.step()


class FullBatchScript(_Script):
    """All four losses on the whole line, one update a call."""

    def __init__(self, nodes: int) -> None:
        super().__init__()
        self._data = script_data(nodes)

    def step(self) -> int:
        """One update; returns the nodes it visited."""
        self._update(self._data, whole_line=True)
        return int(self._data.num_nodes)


class MiniBatchScript(_Script):
    """METIS clusters without rg, one update a call."""

    def __init__(self, nodes: int, cluster: int, nodes_per_step: int) -> None:
        super().__init__()
        self._loader = cluster_loader(script_data(nodes), cluster, nodes_per_step, workers=0)
        self._batches = self._endless()

    def _endless(self) -> Iterator[Data]:
        while True:
            yield from self._loader

    def epoch(self) -> None:
        """The updates of an epoch."""
        for _ in range(len(self._loader)):
            self.step()

    def step(self) -> int:
        """One update; returns the nodes it visited."""
        batch = next(self._batches)
        self._update(batch, whole_line=False)
        return int(batch.num_nodes)
