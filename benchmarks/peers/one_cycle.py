"""A whole training in PyTorch Geometric: METIS clusters, RGCNConv, AdamW under one cycle."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR
from torch_geometric.data import Data

from benchmarks.peers.clusters import MetisClusters, clusters_of, loader_of
from benchmarks.peers.graphs import edge_list
from benchmarks.peers.pyg import RGCN
from zeta_exp.evaluation.statistics import rmse
from zeta_exp.experiment import Experiment
from zeta_exp.recipe import BLOCK
from zeta_exp.target import Truth, make_target

LEARNING_RATE, WEIGHT_DECAY, RISE, CLIP = 4e-3, 1e-2, 0.15, 1.0
PIECE = 2**16  # ordinals whose features are made at once


def data_between(run: Experiment, start: int, stop: int) -> Data:
    """Features of the ordinals [start, stop) and the edges among them, each with its relation."""
    edge_index, edge_type = edge_list(stop - start, run.graph, loops=False)
    pieces = np.split(np.arange(start, stop), range(PIECE, stop - start, PIECE))
    features = torch.cat([run.features(piece) for piece in pieces])
    return Data(x=features, edge_index=edge_index, edge_type=edge_type)


def training_data(run: Experiment) -> Data:
    """The training range of a run with its targets."""
    data = data_between(run, *run.split.train)
    truth = Truth(make_target(run.target, run.split), run.zeros.residuals, *run.split.train)
    data.y = truth(np.arange(*run.split.train))
    return data


def fresh_model(run: Experiment) -> RGCN:
    """RGCNConv layers of the width and depth of a run's model, as PyG initialises them."""
    sizes = run.config["model"]
    return RGCN(run.features.dim, sizes["hidden"], sizes["layers"], 2 * len(run.graph))


class OneCycleClusters:
    """What a user of PyG has before training: the features, the targets and the METIS clusters."""

    def __init__(self, run: Experiment, clusters_per_step: int) -> None:
        start, stop = run.split.next_tenth
        self._reach = run.config["model"]["layers"] * max(run.graph)
        self._run, self._clusters_per_step = run, clusters_per_step
        self._clusters: MetisClusters = clusters_of(training_data(run), BLOCK)
        self._beyond = data_between(run, start - self._reach, stop + self._reach)
        self._true = run.zeros.residuals(start, stop)

    def start(self, updates: int, seed: int) -> "ClusterLearner":
        """The pipeline before the first of so many updates."""
        torch.manual_seed(seed)
        loader = loader_of(self._clusters, self._clusters_per_step, seed=seed)

        def batches() -> Iterator[Data]:
            while True:
                yield from loader

        return ClusterLearner(self, fresh_model(self._run), batches(), updates)

    @torch.no_grad()
    def error(self, model: RGCN) -> float:
        """RMSE over the next tenth, no edge of it cut."""
        data = self._beyond
        output: Tensor = model(data.x, data.edge_index, data.edge_type)
        inside = output[self._reach : len(output) - self._reach]
        return rmse(inside.double().numpy(), self._true)


class ClusterLearner:
    """Mean squared error, AdamW, `OneCycleLR`, one update a call."""

    def __init__(
        self, pipeline: OneCycleClusters, model: RGCN, batches: Iterator[Data], updates: int
    ) -> None:
        self._pipeline, self.model, self._batches = pipeline, model, batches
        self._optimizer = torch.optim.AdamW(
            model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
        )
        self._schedule = OneCycleLR(
            self._optimizer, LEARNING_RATE, total_steps=updates, pct_start=RISE
        )

    def step(self) -> int:
        """One update; returns the nodes it visited."""
        batch = next(self._batches)
        self._optimizer.zero_grad()
        output = self.model(batch.x, batch.edge_index, batch.edge_type)
        (output - batch.y).square().mean().backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self._optimizer.step()
        self._schedule.step()
        return int(batch.num_nodes)

    def error(self) -> float:
        """RMSE over the next tenth."""
        return self._pipeline.error(self.model)
