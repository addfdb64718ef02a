"""The sum over neighbours as a Triton kernel by hand: what the compiled one is measured against."""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _kernel(
    window: Tensor,
    out: Tensor,
    taps: tl.constexpr,
    count: tl.constexpr,
    reach: int,
    size: int,
    even: float,
    block: tl.constexpr,
) -> None:
    place = tl.program_id(0) * block + tl.arange(0, block)
    inside = place < size
    total = tl.zeros((block,), tl.float32)
    for t in tl.static_range(count):
        total += tl.load(window + place + (reach + taps[t]), mask=inside, other=0.0)
    tl.store(out + place, total * even, mask=inside)


def shifted_sum(
    window: Tensor, even: float, taps: tuple[int, ...], reach: int, rows: int
) -> Tensor:
    """Σ_o h_{m+o}·even for rows m of a contiguous float32 window (rows + 2·reach, H)."""
    width = window.shape[1]
    out = torch.empty(rows, width, device=window.device)
    size, block = rows * width, 1024
    # rows lie side by side, so a shift by o rows is one by o·width numbers
    shifts = tuple(o * width for o in taps)
    _kernel[(triton.cdiv(size, block),)](
        window, out, shifts, len(shifts), reach * width, size, even, block
    )
    return out
