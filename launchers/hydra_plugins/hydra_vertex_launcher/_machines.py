"""The machine types of Vertex AI and the accelerators that each comes with."""

import re
from collections.abc import Mapping
from typing import Any

from zeta_exp.errors import UserError

# https://cloud.google.com/vertex-ai/docs/training/configure-compute: a machine type of these
# families has its accelerators built in, and a job that names others is refused.
ACCELERATORS: dict[str, tuple[str, int]] = {
    "a2-highgpu-1g": ("NVIDIA_TESLA_A100", 1),
    "a2-highgpu-2g": ("NVIDIA_TESLA_A100", 2),
    "a2-highgpu-4g": ("NVIDIA_TESLA_A100", 4),
    "a2-highgpu-8g": ("NVIDIA_TESLA_A100", 8),
    "a2-megagpu-16g": ("NVIDIA_TESLA_A100", 16),
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
_CPU_ONLY = re.compile(r"(e2|n1|n2|n2d|c2|c2d|c3)-(standard|highmem|highcpu)-\d+")


def accelerators(machine: str) -> tuple[str, int] | None:
    """Name and number of the accelerators of a machine type; None where it has none.

    Raises `UserError` for a type that is not known.
    """
    if machine in ACCELERATORS:
        return ACCELERATORS[machine]
    if _CPU_ONLY.fullmatch(machine):
        return None
    known = ", ".join(ACCELERATORS)
    raise UserError(
        f"hardware.machine_type={machine} is unknown; known: {known}, and e2-, n1-, n2-, n2d-, "
        "c2-, c2d- and c3-standard|highmem|highcpu-N without a GPU"
    )


def machine_of(hardware: Mapping[str, Any]) -> str:
    """The machine type of a job's hardware; raises `UserError` where the two do not fit."""
    name, machine = hardware["name"], hardware["machine_type"]
    if machine is None:
        raise UserError(
            f"hardware={name} names no machine to rent: give hardware=a100, l4, h100 or cpu, or "
            "hardware.machine_type=…"
        )
    found = accelerators(machine)
    if found is None and hardware["device"] == "cuda":
        raise UserError(
            f"hardware={name} needs a GPU and hardware.machine_type={machine} has none: "
            "give a type with one, such as g2-standard-8"
        )
    if found is not None and hardware["gpu"] and hardware["gpu"] not in found[0]:
        raise UserError(
            f"hardware={name} needs an NVIDIA {hardware['gpu']} and "
            f"hardware.machine_type={machine} has {found[0]}: give another machine type"
        )
    return str(machine)
