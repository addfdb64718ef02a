"""What a run leaves behind: result.json, predictions.npz and where the numbers come from."""

import hashlib
import json
import platform
import resource
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zeta_exp import __version__
from zeta_exp.files import write_atomically, writing
from zeta_exp.revision import code_commit, code_dirty
from zeta_exp.zeros.cache import aligned_pieces

PACKAGES = ("torch", "torch_geometric", "numpy", "scipy", "numba", "hydra-core")


def zeros_sha256(
    ordinates: Callable[[int, int], NDArray[np.float64]], start: int, stop: int
) -> str:
    """sha256 of the ordinates of [start, stop) as little-endian float64, asked for run by run."""
    digest = hashlib.sha256()
    for low, high in aligned_pieces(start, stop):
        digest.update(ordinates(low, high).astype("<f8").tobytes())
    return digest.hexdigest()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def provenance(device: torch.device) -> dict[str, Any]:
    """Commit, versions and device: what else the numbers depend on."""
    cuda = device.type == "cuda"
    return {
        "git": code_commit(),
        "dirty": code_dirty(),
        "versions": {"python": platform.python_version(), "zeta_exp": __version__}
        | {package: _version(package) for package in PACKAGES},
        "device": torch.cuda.get_device_name(device) if cuda else f"cpu ({platform.machine()})",
        "threads": torch.get_num_threads(),
    }


def peak_memory_mb(device: torch.device) -> dict[str, float]:
    """Peak resident memory of the process (all its jobs) and of the device in this run, MiB."""
    kib = 1024 if sys.platform == "darwin" else 1  # ru_maxrss: bytes there, KiB on Linux
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / kib / 1024
    vram = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
    return {"peak_rss_mb": round(rss, 1), "peak_vram_mb": round(vram, 1)}


def write_result(directory: Path, result: Mapping[str, Any]) -> None:
    """Writes result.json; what JSON can't hold (NaN, ±∞) becomes null."""
    text = json.dumps(_finite(result), indent=2, allow_nan=False)
    write_atomically(directory / "result.json", text.encode() + b"\n")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def write_predictions(directory: Path, **arrays: NDArray[Any]) -> None:
    """Writes predictions.npz: {val,ext}_{n,pred,true}, residuals in mean spacings.

    Equal arrays give equal bytes: members carry no time.
    """
    with writing(str(directory / "predictions.npz")) as file:
        np.savez(file, allow_pickle=False, **arrays)
