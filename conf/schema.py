"""Types of every key: a misspelt or ill-typed one is refused before anything heavy is imported.

Each dataclass names the class it builds (`_target_`) and the types of its arguments; the YAML
file of the same name holds the values and says why.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import II, MISSING, OmegaConf

from zeta_exp import recipe


@dataclass
class Budget:
    _target_: str = "zeta_exp.budget.Budget"
    kind: str = "epochs"
    epochs: int = MISSING
    updates: int | None = None
    node_visits: int | None = None
    seconds: float | None = None
    patience: int | None = None


@dataclass
class Labels:
    _target_: str = "zeta_exp.labels.Labels"
    fraction: float = MISSING
    layout: str = MISSING
    seed: int = MISSING


@dataclass
class Config:
    N: int = MISSING
    start: int = MISSING
    seed: int = MISSING
    target: str = MISSING
    labels: Labels = field(default_factory=Labels)
    resume: str | None = None
    replay: str | None = None
    budget: Budget = field(default_factory=Budget)
    zeros: Any = MISSING
    features: Any = MISSING
    graph: Any = MISSING
    model: Any = MISSING
    loss: Any = MISSING
    optimizer: Any = MISSING
    strategy: Any = MISSING
    hardware: Any = MISSING
    tracking: Any = MISSING
    evaluation: Any = MISSING


@dataclass
class SplitConfig:
    _target_: str = "zeta_exp.split.Split"
    start: int = II("start")
    N: int = II("N")


@dataclass
class ComputedZeros:
    _target_: str = "zeta_exp.zeros.source.ComputedZeros"


@dataclass
class TableZeros:
    _target_: str = "zeta_exp.zeros.table.TableZeros"
    path: str = MISSING
    start: int | None = None
    split: SplitConfig = field(default_factory=SplitConfig)


@dataclass
class ShuffledZeros:
    _target_: str = "zeta_exp.zeros.source.ShuffledZeros"
    split: SplitConfig = field(default_factory=SplitConfig)
    seed: int = II("seed")


@dataclass
class SurrogateZeros:
    _target_: str = MISSING
    size: int = MISSING
    seed: int = II("seed")


@dataclass
class CueZeros(SurrogateZeros):
    _target_: str = "zeta_exp.zeros.surrogate.CueZeros"


@dataclass
class PoissonZeros(SurrogateZeros):
    _target_: str = "zeta_exp.zeros.surrogate.PoissonZeros"


@dataclass
class PrimePhases:
    _target_: str = "zeta_exp.features.PrimePhases"
    max_prime: int = MISSING
    split: SplitConfig = field(default_factory=SplitConfig)


@dataclass
class IntegerPhases:
    _target_: str = "zeta_exp.features.IntegerPhases"
    max_integer: int | None = None
    split: SplitConfig = field(default_factory=SplitConfig)


@dataclass
class RandomPhases:
    _target_: str = "zeta_exp.features.RandomPhases"
    max_prime: int = MISSING
    seed: int = II("seed")
    split: SplitConfig = field(default_factory=SplitConfig)


@dataclass
class WrongHeight:
    _target_: str = "zeta_exp.features.WrongHeight"
    max_prime: int = MISSING
    shift: int = MISSING
    split: SplitConfig = field(default_factory=SplitConfig)


@dataclass
class LogIndex:
    _target_: str = "zeta_exp.features.LogIndex"


@dataclass
class Graph:
    _target_: str = "zeta_exp.graph.adelic_offsets"
    primes: list[int] = MISSING


@dataclass
class Linear:
    _target_: str = "zeta_exp.models.Linear"
    _partial_: bool = True  # the width of the features and the offsets come with the run


@dataclass
class Hardy:
    _target_: str = "zeta_exp.models.Hardy"
    _partial_: bool = True
    steps: int = MISSING


@dataclass
class Layered:
    _target_: str = MISSING
    _partial_: bool = True
    hidden: int = MISSING
    layers: int = MISSING


@dataclass
class MLP(Layered):
    _target_: str = "zeta_exp.models.MLP"


@dataclass
class HybridGCN(Layered):
    _target_: str = "zeta_exp.models.HybridGCN"


@dataclass
class Relational(Layered):
    _target_: str = "zeta_exp.models.Relational"
    reflection: bool = False


@dataclass
class PyGModel(Layered):
    _target_: str = "zeta_exp.models.PyGModel"
    conv: str = MISSING
    heads: int | None = None
    norm: str | None = None
    dropout: float = MISSING


@dataclass
class Weights:
    mse: float = MISSING
    gue_nll: float = MISSING
    gue_nll_matched: float = MISSING
    gue_mmd: float = MISSING
    rg: float = MISSING


@dataclass
class GueNllMatched:
    reference: str = MISSING


@dataclass
class GueMmd:
    reference: str = MISSING
    windows: list[int] = MISSING
    calibrated: bool = False


@dataclass
class Rg:
    form: str = MISSING
    scales: list[int] = MISSING


@dataclass
class Loss:
    _target_: str = "zeta_exp.losses.make_loss"
    weights: Weights = field(default_factory=Weights)
    spacing: str = MISSING
    gue_nll_matched: GueNllMatched = field(default_factory=GueNllMatched)
    gue_mmd: GueMmd = field(default_factory=GueMmd)
    rg: Rg = field(default_factory=Rg)


@dataclass
class OneCycle:
    _target_: str = MISSING
    lr: float = MISSING
    weight_decay: float = MISSING
    clip: float = MISSING
    pct_start: float = MISSING
    weight_noise: float = MISSING


@dataclass
class AdamW(OneCycle):
    _target_: str = "zeta_exp.optimizer.AdamWOneCycle"


@dataclass
class Muon(OneCycle):
    _target_: str = "zeta_exp.optimizer.MuonOneCycle"
    momentum: float = MISSING
    matrix_decay: float = MISSING


@dataclass
class MiniBatch:
    _target_: str = "zeta_exp.strategies.MiniBatch"
    block_size: int | None = None
    parts: int | None = None
    blocks_per_step: int = MISSING
    halo: bool | None = None
    partition: str = MISSING
    debias: bool = MISSING
    partition_cache: str | None = None
    seed: int = II("seed")


@dataclass
class FullBatch:
    _target_: str = "zeta_exp.strategies.FullBatch"


@dataclass
class Streamed:
    _target_: str = "zeta_exp.strategies.Streamed"
    block_size: int | None = None
    steps_per_epoch: int = MISSING
    seed: int = II("seed")


@dataclass
class Hardware:
    _target_: str = "zeta_exp.hardware.Hardware"
    name: str = MISSING
    device: str = MISSING
    gpu: str | None = None
    precision: str = MISSING
    tf32: bool = MISSING
    compile: bool | None = None
    block_size: int | None = None
    threads: int | None = None
    memory_gb: float | None = None
    machine_type: str | None = None


@dataclass
class NoTracker:
    _target_: str = "zeta_exp.tracking.NoTracker"


@dataclass
class Vertex:  # below `tracking`, where several have room
    _target_: str = "zeta_exp.tracking.VertexSink"
    project: str = MISSING
    region: str = MISSING
    experiment: str = MISSING
    run: str | None = None
    tensorboard: bool = MISSING
    endpoint: str | None = None


@dataclass
class Mlflow:
    _target_: str = "zeta_exp.tracking.MlflowSink"
    experiment: str = MISSING
    uri: str | None = None


@dataclass
class Evaluation:
    _target_: str = "zeta_exp.evaluation.Evaluation"
    max_prime: int = MISSING
    transfer: list[int] = field(default_factory=list)
    cache: str | bool | None = None


@dataclass
class Slice:  # the root of zeros.yaml
    count: int = MISSING
    start: int = MISSING
    form: str | None = None
    shards: int = MISSING
    shard: int = MISSING
    out: str = MISSING
    hardware: Any = MISSING


SCHEMAS: dict[str, type] = {
    "config": Config,
    "zeros/computed": ComputedZeros,
    "zeros/table": TableZeros,
    "zeros/shuffled": ShuffledZeros,
    "zeros/cue": CueZeros,
    "zeros/poisson": PoissonZeros,
    "features/prime_phases": PrimePhases,
    "features/integer_phases": IntegerPhases,
    "features/random_phases": RandomPhases,
    "features/wrong_height": WrongHeight,
    "features/log_index": LogIndex,
    "graph": Graph,
    "model/linear": Linear,
    "model/mlp": MLP,
    "model/hardy": Hardy,
    "model/hybrid_gcn": HybridGCN,
    "model/relational": Relational,
    "model/pyg": PyGModel,
    "loss": Loss,
    "optimizer/adamw": AdamW,
    "optimizer/muon": Muon,
    "strategy/minibatch": MiniBatch,
    "strategy/fullbatch": FullBatch,
    "strategy/streamed": Streamed,
    "hardware": Hardware,
    "tracking/none": NoTracker,
    "tracking/vertex": Vertex,
    "tracking/mlflow": Mlflow,
    "evaluation": Evaluation,
}

NESTED = ("tracking",)  # groups whose options have a place each, so that several can be chosen


def _recipe(name: str, *arguments: int) -> float:
    """A rule of `zeta_exp.recipe`, ${recipe:NAME,…}: what a run has where nothing else is asked."""
    rule: Callable[..., float] = getattr(recipe, name)
    return rule(*arguments)


# in every process that reads a config: those that a launcher starts import this module
OmegaConf.register_new_resolver("recipe", _recipe, replace=True)


def register() -> None:
    """Puts every schema where `defaults: [/schema/…@_here_]` finds it."""
    store = ConfigStore.instance()
    for path, node in {**SCHEMAS, "slice": Slice}.items():
        group, _, name = f"schema/{path}".rpartition("/")
        store.store(group=group, name=name, node=node)
