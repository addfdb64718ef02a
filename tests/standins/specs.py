"""What JobService refuses when a job is created."""

import re
from collections.abc import Iterable

from google.cloud import aiplatform_v1 as v1

from tests.standins.rpc import Refusal

MACHINES = {  # machine type: its accelerator and how many of them it has
    "a2-highgpu-1g": ("NVIDIA_TESLA_A100", 1),
    "a2-ultragpu-1g": ("NVIDIA_A100_80GB", 1),
    "a2-ultragpu-2g": ("NVIDIA_A100_80GB", 2),
    "a2-ultragpu-4g": ("NVIDIA_A100_80GB", 4),
    "a2-ultragpu-8g": ("NVIDIA_A100_80GB", 8),
    "a3-highgpu-1g": ("NVIDIA_H100_80GB", 1),
    "a3-highgpu-2g": ("NVIDIA_H100_80GB", 2),
    "a3-highgpu-4g": ("NVIDIA_H100_80GB", 4),
    "a3-highgpu-8g": ("NVIDIA_H100_80GB", 8),
    "g2-standard-4": ("NVIDIA_L4", 1),
    "g2-standard-8": ("NVIDIA_L4", 1),
    "g2-standard-12": ("NVIDIA_L4", 1),
    "g2-standard-16": ("NVIDIA_L4", 1),
    "g2-standard-24": ("NVIDIA_L4", 2),
    "g2-standard-32": ("NVIDIA_L4", 1),
    "g2-standard-48": ("NVIDIA_L4", 4),
    "g2-standard-96": ("NVIDIA_L4", 8),
}
LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
LONGEST_NAME = 128
MOST_LABELS = 64
MOST_VARIABLES = 100
SMALLEST_DISK, LARGEST_DISK = 100, 64_000  # GB
WEEK = 7 * 24 * 3600  # seconds


def _require(condition: object, message: str) -> None:
    if not condition:
        raise Refusal("INVALID_ARGUMENT", message)


def accelerators(spec: v1.CustomJobSpec) -> dict[str, int]:
    """How many accelerators of each kind a job needs at once."""
    needed: dict[str, int] = {}
    for pool in spec.worker_pool_specs:
        machine = pool.machine_spec
        if machine.accelerator_count:
            kind = v1.AcceleratorType(machine.accelerator_type).name
            needed[kind] = needed.get(kind, 0) + machine.accelerator_count * pool.replica_count
    return needed


def quota_exceeded(kinds: Iterable[str]) -> str:
    """The service's sentence for a quota that is used up."""
    metrics = (f"aiplatform.googleapis.com/custom_model_training_{k.lower()}_gpus" for k in kinds)
    return f"The following quota metrics exceed quota limits: {', '.join(metrics)}"


def check(job: v1.CustomJob) -> None:
    """Raise INVALID_ARGUMENT for a job that the service would not take."""
    _require(1 <= len(job.display_name) <= LONGEST_NAME, "display_name needs 1 to 128 characters")
    _require(len(job.labels) <= MOST_LABELS, "more than 64 labels")
    for key, value in job.labels.items():
        valid = LABEL_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(value)
        _require(valid, f"invalid label {key}={value}")
    pools = job.job_spec.worker_pool_specs
    _require(pools, "worker_pool_specs is required")
    _require(pools[0].replica_count == 1, "worker pool 0 must have exactly one replica")
    for pool in pools:
        _check_pool(pool)
    _check_scheduling(job.job_spec.scheduling)


def _check_pool(pool: v1.WorkerPoolSpec) -> None:
    machine, container, disk = pool.machine_spec, pool.container_spec, pool.disk_spec
    kind = v1.AcceleratorType(machine.accelerator_type).name
    found = (kind, machine.accelerator_count) if machine.accelerator_count else None
    wanted = MACHINES.get(machine.machine_type)
    _require(machine.machine_type, "machine_type is required")
    _require(
        machine.machine_type.startswith("n1-") or found == wanted,
        f"machine type {machine.machine_type} goes with {wanted}, not with {found}",
    )
    _require(container.image_uri, "container_spec.image_uri is required")
    _require(len(container.env) <= MOST_VARIABLES, "more than 100 environment variables")
    size = disk.boot_disk_size_gb
    _require(not size or SMALLEST_DISK <= size <= LARGEST_DISK, f"boot disk of {size} GB")


def _check_scheduling(scheduling: v1.Scheduling) -> None:
    flexible = scheduling.strategy == v1.Scheduling.Strategy.FLEX_START
    seconds = scheduling.timeout.total_seconds()
    _require(not flexible or 0 < seconds <= WEEK, "FLEX_START needs a timeout of 7 days at most")
