"""Types and defaults of hydra/launcher=vertex; Hydra imports this file each time it starts."""

from dataclasses import dataclass, field
from enum import Enum

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


class Provisioning(Enum):
    """How Google gives a machine: for as long as it takes, reclaimable, or when one is free."""

    STANDARD = "STANDARD"
    SPOT = "SPOT"
    FLEX_START = "FLEX_START"


class OnInterrupt(Enum):
    """What Ctrl-C does to the jobs that are under way."""

    leave = "leave"
    cancel = "cancel"


@dataclass
class VertexConf:
    """The keys of hydra.launcher; conf/hydra/launcher/vertex.yaml says what each is for."""

    _target_: str = "hydra_plugins.hydra_vertex_launcher.vertex_launcher.VertexLauncher"
    project: str = MISSING
    region: str = "us-central1"
    bucket: str = MISSING
    image: str = MISSING
    service_account: str | None = None
    network: str | None = None
    sweep_id: str | None = None
    fresh: bool = False
    dry_run: bool = False
    max_cost: float | None = None
    prices: dict[str, float] = field(default_factory=dict)
    provisioning: Provisioning = Provisioning.STANDARD
    max_wait_min: int = 1440
    max_parallel: int = 8
    timeout_min: float = 1440.0
    max_attempts: int = 3
    poll_s: float | None = None
    on_interrupt: OnInterrupt = OnInterrupt.leave
    boot_disk_type: str = "pd-ssd"
    boot_disk_gb: int = 100
    replicas: int = 1
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    endpoint: str | None = None


ConfigStore.instance().store(
    group="hydra/launcher", name="vertex_schema", node=VertexConf, provider="hydra_vertex_launcher"
)
