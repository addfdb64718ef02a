"""The device a run computes on."""

import os
from dataclasses import dataclass

import psutil
import torch

from zeta_exp.errors import UserError

GIB = 2**30
DEVICES = ("auto", "cpu", "cuda")
ALL_THREADS = torch.get_num_threads()  # torch's own choice, or OMP_NUM_THREADS


@dataclass(frozen=True)
class Hardware:
    """Device, threads and memory of a run; unset values are taken from the machine."""

    name: str
    device: str  # auto | cpu | cuda
    gpu: str | None  # what the name of the CUDA device must contain
    threads: int | None  # torch threads on the CPU, None for one a core
    memory_gb: float | None  # memory to plan with, None for what is free

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            known = ", ".join(DEVICES)
            raise UserError(f"hardware.device={self.device} is unknown; known: {known}")
        if self.threads is not None and self.threads < 1:
            raise UserError(f"hardware.threads={self.threads} computes nothing: use 1 or more")
        if self.memory_gb is not None and not self.memory_gb > 0:
            raise UserError(f"hardware.memory_gb={self.memory_gb} holds nothing: use more than 0")

    def claim(self) -> torch.device:
        """The device, with threads and determinism set for the process."""
        device = self._find()
        # cuBLAS is deterministic only with a fixed workspace, read when its first handle is made
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # a GPU has no deterministic kernel for PyG's scatter: warn there, never stop.  The debug
        # mode is use_deterministic_algorithms without its import of the compiler (1.3 s)
        torch.set_deterministic_debug_mode("warn" if device.type == "cuda" else "error")
        torch.set_num_threads(self.threads or ALL_THREADS)  # not what an earlier job has set
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        return device

    def _find(self) -> torch.device:
        available = torch.cuda.is_available()
        if self.device == "cpu" or (self.device == "auto" and not available):
            return torch.device("cpu")
        if not available:
            raise UserError(
                f"hardware={self.name} needs a CUDA device and this machine has none: "
                "use hardware=auto here"
            )
        found = torch.cuda.get_device_name(0)
        if self.gpu is not None and self.gpu not in found:
            raise UserError(
                f"hardware={self.name} needs an NVIDIA {self.gpu} and this machine has {found}: "
                "use hardware=auto here"
            )
        return torch.device("cuda")

    def memory_bytes(self, device: torch.device) -> int:
        """Bytes a run may plan with on the device."""
        if self.memory_gb is not None:
            return int(self.memory_gb * GIB)
        if device.type == "cuda":
            return int(torch.cuda.mem_get_info(device)[0])
        return int(psutil.virtual_memory().available)
