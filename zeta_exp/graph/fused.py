"""The sum over shifted slices as one kernel of a GPU: one for each offset moves T times the bytes.

torch.compile writes the kernel.  On a CPU it gains nothing: strips stay in the cache.
"""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

_enabled = True


def enable(wanted: bool) -> None:
    """Whether kernels are compiled for CUDA devices, in the whole process from now on."""
    global _enabled
    _enabled = wanted


def fuses(device: torch.device) -> bool:
    """Whether sums on the device are fused."""
    return _enabled and device.type == "cuda"


def shifted_sum(
    window: Tensor, scale: Tensor | None, even: float, taps: tuple[int, ...], reach: int, rows: int
) -> Tensor:
    """Σ_o (s h)_{m+o}, times s_m: rows (M, H) of D^-1/2 A D^-1/2 h from a window (M + 2·reach, H).

    scale: s = D^-1/2, (M + 2·reach, 1); None where it is √even everywhere.
    """
    scaled = window if scale is None else window * scale
    total = scaled[reach : reach + rows]
    for o in taps[1:]:
        total = total + scaled[reach + o : reach + o + rows]
    return total * (even if scale is None else scale[reach : reach + rows])


@functools.cache
def fused_shifted_sum() -> Callable[..., Tensor]:
    """`shifted_sum`, compiled for whatever lengths."""
    compiled: Callable[..., Tensor] = torch.compile(shifted_sum, dynamic=True)
    return compiled
