"""Graph operators on runs, strip by strip, with their gradients written by hand.

Nothing of the size of the batch is made but the result, and only the input and the weights are
saved: a sum over T offsets by autograd would keep T copies of the input.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from zeta_exp.graph import stencil
from zeta_exp.graph.fused import fused_shifted_sum, fuses
from zeta_exp.graph.offsets import degree, signed_offsets
from zeta_exp.graph.strips import Strip, strips

HALVES = (torch.bfloat16, torch.float16)
SMALL_ROWS = 512  # up to here the calls cost more than copies of the slices


@dataclass(frozen=True)
class Runs:
    """R runs of L consecutive ordinals as the operators need them."""

    ordinals: Tensor  # (R, L) int64
    present: Tensor | None  # (R, L, 1) bool, None where every place is a node
    offsets: tuple[int, ...]

    @property
    def reach(self) -> int:
        """The largest offset."""
        return max(self.offsets)

    @cached_property
    def strips(self) -> list[Strip]:
        """Tiles the runs."""
        return list(strips(self.ordinals.shape, self.reach, self.ordinals.device))

    @cached_property
    def _firsts(self) -> list[int]:
        return self.ordinals[:, 0].tolist()

    def scale(self, strip: Strip, dtype: torch.dtype) -> Tensor | None:
        """D^-1/2 over the strip's window, (rows + 2·reach, 1), zero where there is no node.

        None where every degree in it is 1 + 2·(number of offsets).
        """
        lowest = min(self._firsts[strip.runs]) + strip.seen.start
        if self.present is None and lowest > self.reach:
            return None
        place = strip.runs, strip.seen
        root = degree(self.ordinals[place], self.offsets).to(dtype).rsqrt()[..., None]
        return strip.padded(root if self.present is None else root * self.present[place])


def wide(dtype: torch.dtype) -> torch.dtype:
    """The type sums are carried in: repeated rounding of a 16-bit sum would lose its digits."""
    return torch.float32 if dtype in HALVES else dtype


def operating_dtype(h: Tensor) -> torch.dtype:
    """The type products of h are taken in: that of autocast where it is on."""
    if torch.is_autocast_enabled(h.device.type) and h.dtype != torch.float64:
        return torch.get_autocast_dtype(h.device.type)
    return h.dtype


def _without_autocast(h: Tensor) -> torch.autocast:
    return torch.autocast(h.device.type, enabled=False)


def propagated(h: Tensor, runs: Runs, strip: Strip) -> Tensor:
    """D^-1/2 A D^-1/2 h on the nodes of a strip, (M, H); Kipf & Welling 2017, eq. 2.

    h: (R, L, H) contiguous.
    """
    even = 1 / (1 + 2 * len(runs.offsets))  # 1/d in the midst of the line
    scale = runs.scale(strip, wide(h.dtype))
    if scale is None and stencil.serves(h):
        return stencil.neighbour_sums(
            h[strip.runs], strip.start, strip.stop, sorted(runs.offsets), even
        )
    window = strip.window(h).to(wide(h.dtype))
    taps = signed_offsets(runs.offsets)
    if fuses(h.device):
        total = fused_shifted_sum()(window, scale, even, taps, runs.reach, strip.rows)
        return strip.nodes(total).to(h.dtype)
    if scale is not None:
        window = window * scale
    total = strip.shifted(window, 0).clone()
    for o in taps[1:]:
        total.add_(strip.shifted(window, o))
    total.mul_(even if scale is None else strip.shifted(scale, 0))
    return strip.nodes(total).to(h.dtype)


class Propagation(Function):
    """y = Â h Wᵀ + b with Â = D^-1/2 A D^-1/2; without W, y = Â h.

    Â is symmetric, so with s = Â ∂L/∂y: ∂L/∂h = s W and ∂L/∂W = sᵀ h.
    """

    @staticmethod
    def forward(
        ctx: Any, h: Tensor, weight: Tensor | None, bias: Tensor | None, runs: Runs
    ) -> Tensor:
        """h: (R, L, H); weight: (H', H); bias: (H',); returns (R, L, H')."""
        ctx.runs = runs
        h = h.contiguous()
        ctx.save_for_backward(None if weight is None else h, weight)
        out = h.new_empty(*h.shape[:2], h.shape[2] if weight is None else weight.shape[0])
        with _without_autocast(h):
            for strip in runs.strips:
                rows, place = propagated(h, runs, strip), strip.nodes_of(out)
                if weight is None:
                    place.copy_(rows)
                else:
                    _affine(rows, weight.to(h.dtype), bias, place)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients to h, weight and bias."""
        h, weight = ctx.saved_tensors
        to_h, to_weight, to_bias, _ = ctx.needs_input_grad
        gradient = gradient.contiguous()
        width = gradient.shape[2] if weight is None else weight.shape[1]
        of_h = gradient.new_empty(*gradient.shape[:2], width) if to_h else None
        of_weight = _zeros_for_sum(weight) if to_weight else None
        with _without_autocast(gradient):
            for strip in ctx.runs.strips:
                rows = propagated(gradient, ctx.runs, strip)
                if of_weight is not None:
                    _add_product(of_weight, rows.t(), strip.nodes_of(h))
                if of_h is not None and weight is None:
                    strip.nodes_of(of_h).copy_(rows)
                elif of_h is not None:
                    _affine(rows, weight.t().to(rows.dtype), None, strip.nodes_of(of_h))
        of_bias = gradient.sum((0, 1)) if to_bias else None
        return of_h, of_weight, of_bias, None


def _affine(rows: Tensor, weight: Tensor, bias: Tensor | None, out: Tensor) -> None:
    """Writes rows Wᵀ + b to `out`, (M, H') contiguous."""
    if bias is None:
        torch.mm(rows, weight.t(), out=out)
    else:
        torch.addmm(bias.to(rows.dtype), rows, weight.t(), out=out)


def _zeros_for_sum(weight: Tensor) -> Tensor:
    return torch.zeros_like(weight, dtype=wide(weight.dtype))


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """total += left right, the product rounded once where it is of a narrower type."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total.add_(left @ right)


def convolved(h: Tensor, weight: Tensor, bias: Tensor | None, runs: Runs) -> Tensor:
    """Σ_o W_o h_{n+o} + b over signed offsets o, outside of any graph of autograd.

    h: (R, L, H); weight: (H', T·H), relations side by side; bias: (H',); returns (R, L, H').
    """
    taps = signed_offsets(runs.offsets)
    weight = weight.to(h.dtype)
    out = h.new_empty(*h.shape[:2], len(weight))
    for strip in runs.strips:
        window = strip.window(h, runs.present)
        _store_sum(strip, window, taps, weight.view(len(weight), len(taps), -1), bias, out)
    return out


def convolution_gradients(
    gradient: Tensor, h: Tensor, weight: Tensor, runs: Runs, to_h: bool, to_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """∂L/∂h_n = Σ_o W_oᵀ g_{n−o} and ∂L/∂W_o = Σ_n g_n h_{n+o}ᵀ of `convolved`, g = ∂L/∂y.

    gradient: (R, L, H'), h: (R, L, H), weight: (H', T·H); those not asked for are None.
    """
    taps = signed_offsets(runs.offsets)
    mirrored = tuple(-o for o in taps)
    shape = len(weight), len(taps), h.shape[-1]
    transposed = weight.to(h.dtype).view(shape).transpose(0, 2)
    of_h = torch.empty_like(h, memory_format=torch.contiguous_format) if to_h else None
    of_weight = _zeros_for_sum(weight).view(shape) if to_weight else None
    for strip in runs.strips:
        window = strip.window(gradient)
        if of_weight is not None:
            seen = strip.window(h, runs.present)
            _add_weight_gradient(strip, window, seen, taps, of_weight)
        if of_h is not None:
            _store_sum(strip, window, mirrored, transposed, None, of_h)
    if of_h is not None and runs.present is not None:
        of_h *= runs.present
    return of_h, None if of_weight is None else of_weight.view_as(weight)


class Convolution(Function):
    """y_n = Σ_o W_o h_{n+o} + b over signed offsets o; Schlichtkrull et al. 2018, eq. 2."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, bias: Tensor | None, runs: Runs) -> Tensor:
        """h: (R, L, H); weight: (H', T·H), relations side by side; returns (R, L, H')."""
        ctx.runs = runs
        ctx.save_for_backward(h, weight)
        with _without_autocast(h):
            return convolved(h, weight, bias, runs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients to h, weight and bias."""
        h, weight = ctx.saved_tensors
        to_h, to_weight, to_bias, _ = ctx.needs_input_grad
        with _without_autocast(h):
            of_h, of_weight = convolution_gradients(gradient, h, weight, ctx.runs, to_h, to_weight)
        of_bias = gradient.sum((0, 1)) if to_bias else None
        return of_h, of_weight, of_bias, None


def _side_by_side(strip: Strip, window: Tensor) -> bool:
    """Whether one product of all slices side by side is better than one for each."""
    return window.dtype in HALVES or strip.rows <= SMALL_ROWS


def _store_sum(
    strip: Strip,
    window: Tensor,
    taps: tuple[int, ...],
    matrices: Tensor,
    bias: Tensor | None,
    out: Tensor,
) -> None:
    """Writes Σ_t matrices[:, t] window[n + o_t] + b to the strip's places in `out`.

    matrices: (H', T, H).  In 32 bits and more one product a shifted slice, added in place, which
    reads no copy; in 16 bits, and where there are few rows, one product of the slices side by side.
    """
    place = strip.rows_of(out)
    total = window.new_empty(strip.rows, len(matrices)) if place is None else place
    if _side_by_side(strip, window):
        columns = torch.cat([strip.shifted(window, o) for o in taps], 1)
        _affine(columns, matrices.reshape(len(matrices), -1), bias, total)
    else:
        _affine(strip.shifted(window, taps[0]), matrices[:, 0], bias, total)
        for t, o in enumerate(taps[1:], start=1):
            total.addmm_(strip.shifted(window, o), matrices[:, t].t())
    if place is None:
        strip.store(total, out)


def _add_weight_gradient(
    strip: Strip, gradient: Tensor, window: Tensor, taps: tuple[int, ...], total: Tensor
) -> None:
    """Adds Σ_n g_n h_{n+o}ᵀ of a strip to total (H', T, H)."""
    own = strip.shifted(gradient, 0).t()
    if _side_by_side(strip, window):
        columns = torch.cat([strip.shifted(window, o) for o in taps], 1)
        _add_product(total.view(len(total), -1), own, columns)
        return
    for t, o in enumerate(taps):
        _add_product(total[:, t], own, strip.shifted(window, o))
