"""The device a run computes on."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from zeta_exp.errors import UserError
from zeta_exp.graph import fused
from zeta_exp.torchrun import launched

GIB = 2**30
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
TENSOR_CORES = (8, 0)  # compute capability from which they take bfloat16 and TF32
ALL_THREADS = torch.get_num_threads()  # torch's own choice, or OMP_NUM_THREADS
CGROUP = Path("/sys/fs/cgroup")  # the limits of a container


@dataclass(frozen=True)
class Hardware:
    """Device, number format, threads and memory of a run; unset values are the machine's."""

    name: str
    device: str  # auto | cpu | cuda
    gpu: str | None  # what the name of the CUDA device must contain
    precision: str  # float32 | bfloat16, of the products in the model; losses are never rounded
    tf32: bool  # float32 products with 10 bits of mantissa, on CUDA
    compile: bool | None  # sums over neighbours as one kernel on CUDA; None where there is CUDA
    block_size: int | None  # ordinals that a streamed block holds, None for what suits the device
    threads: int | None  # torch threads on the CPU, None for one a core
    memory_gb: float | None  # memory to plan with, None for what is free
    machine_type: str | None = None  # what a launcher rents; means nothing to the run itself

    def __post_init__(self) -> None:
        _check_known("device", self.device, DEVICES)
        _check_known("precision", self.precision, PRECISIONS)
        for key, value, least in (("block_size", self.block_size, 2), ("threads", self.threads, 1)):
            if value is not None and value < least:
                raise UserError(f"hardware.{key}={value} is too small: use {least} or more")
        if self.memory_gb is not None and not self.memory_gb > 0:
            raise UserError(f"hardware.memory_gb={self.memory_gb} holds nothing: use more than 0")
        if self.tf32 and self.precision != "float32":
            raise UserError(
                f"hardware.tf32=true with hardware.precision={self.precision}: no float32 product "
                "is left to round; leave one of the two out"
            )

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the products in a model."""
        return PRECISIONS[self.precision]

    def claim(self) -> torch.device:
        """The device, with threads, determinism and rounding set for the process."""
        device = self._find()
        self._check_formats(device)
        # cuBLAS is deterministic only with a fixed workspace, read when its first handle is made
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # a GPU has no deterministic kernel for PyG's scatter: warn there, never stop.  The debug
        # mode is use_deterministic_algorithms without its import of the compiler (1.3 s)
        torch.set_deterministic_debug_mode("warn" if device.type == "cuda" else "error")
        # it also fills memory that is about to be written, which doubles the time of a small update
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.set_num_threads(self.threads or _share_of_threads())  # not an earlier job's
        torch.backends.cuda.matmul.fp32_precision = "tf32" if self.tf32 else "ieee"
        fused.enable(self.compile is not False)
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
        place = launched()
        if place.local_world > torch.cuda.device_count():
            raise UserError(
                f"torchrun has started {place.local_world} processes on this machine and it has "
                f"{torch.cuda.device_count()} CUDA devices: use one process a device, or "
                "hardware=cpu"
            )
        found = torch.cuda.get_device_name(place.local_rank)
        if self.gpu is not None and self.gpu not in found:
            raise UserError(
                f"hardware={self.name} needs an NVIDIA {self.gpu} and this machine has {found}: "
                "use hardware=auto here"
            )
        if place.alone:
            return torch.device("cuda")
        torch.cuda.set_device(place.local_rank)
        return torch.device("cuda", place.local_rank)

    def _check_formats(self, device: torch.device) -> None:
        """Refuses a number format that the device lacks or does not gain by."""
        if device.type == "cpu":
            if self.compile:
                raise UserError(
                    "hardware.compile=true does nothing on the CPU, whose strips stay in the "
                    "cache: leave it out, or use a CUDA device"
                )
            if self.tf32:
                raise UserError(
                    "hardware.tf32=true does nothing on the CPU, whose products are float32: "
                    "leave it out, or use a CUDA device"
                )
            return
        wanted = "precision=bfloat16" if self.precision == "bfloat16" else "tf32=true"
        asked = self.tf32 or self.precision != "float32"
        if asked and torch.cuda.get_device_capability(device) < TENSOR_CORES:
            raise UserError(
                f"hardware.{wanted} needs an NVIDIA GPU of compute capability 8.0 or more and "
                f"this is a {torch.cuda.get_device_name(device)}: use hardware.precision=float32 "
                "and hardware.tf32=false"
            )

    def memory_bytes(self, device: torch.device) -> int:
        """Bytes a run may plan with on the device."""
        if self.memory_gb is not None:
            return int(self.memory_gb * GIB)
        if device.type == "cuda":
            return int(torch.cuda.mem_get_info(device)[0])
        return host_bytes() // launched().local_world


def _share_of_threads() -> int:
    """One a core, or for one of several processes on this machine as many as its share of them.

    torchrun sets OMP_NUM_THREADS=1 where nobody has set it, which would leave cores without work.
    """
    place = launched()
    if place.local_world == 1 or ALL_THREADS > 1:
        return ALL_THREADS
    usable = getattr(os, "sched_getaffinity", None)  # of the cores, where the system tells
    cores = len(usable(0)) if usable else os.cpu_count() or 1
    return max(1, cores // place.local_world)


def _check_known(key: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise UserError(f"hardware.{key}={value} is unknown; known: {', '.join(known)}")


def host_bytes() -> int:
    """This process's share of the main memory that is free, or that its container may use."""
    return _free_bytes() // launched().local_world


def _free_bytes() -> int:
    free = int(psutil.virtual_memory().available)
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text())
        cached = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no cgroup, or one of the first version
        return free
    if limit == "max":
        return free
    return max(0, min(free, int(limit) - used + int(cached["inactive_file"])))
