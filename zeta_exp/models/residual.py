"""Residual sums that a graph keeps by their terms: half of what the sums and terms would take."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.functional import silu


@dataclass(frozen=True)
class Activation:
    """A function a of each number, and g·a'(z) of a gradient g and z."""

    function: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor, Tensor], Tensor]

    def added(self, h: Tensor | None, z: Tensor) -> Tensor:
        """h + a(z), without h a(z): the same bits whenever it is made."""
        value = self.function(z)
        return value if h is None else value.add_(h)


RELU = Activation(torch.relu, lambda g, z: torch.ops.aten.threshold_backward(g, z, 0))
SILU = Activation(silu, torch.ops.aten.silu_backward)


class ResidualSum:
    """h = Σ_i a(z_i).

    A layer that takes h needs it for the gradient of its weights, and so does each activation its
    z_i.  Only the terms z_i are kept, (…, H) each: the backward pass makes all partial sums again,
    once, at the price of an activation a term.
    """

    def __init__(self, activation: Activation, first: Tensor) -> None:
        """a(z_0)."""
        self._activation = activation
        self._terms: tuple[Tensor, ...] = ()
        self._sums: list[Tensor] = []  # partial sums made again that no layer has taken yet
        self._value: Tensor | None = None
        self.add(first)

    def add(self, z: Tensor) -> None:
        """Adds a(z), of the shape of the other terms."""
        self._value = _Added.apply(self._value, z, self._activation)
        if torch.is_grad_enabled():
            self._terms = (*self._terms, z.detach())

    def into(self, layer: Callable[[Tensor], Tensor]) -> Tensor:
        """layer(h), which keeps the terms of h where it would keep h."""
        assert self._value is not None
        # a graph holds what packs: that must be no object that holds h
        packed = partial(_packed, self._value.data_ptr(), self._value.numel(), self._partial_sum())
        with saved_tensors_hooks(packed, _unpacked):
            return layer(self._value)

    def _partial_sum(self) -> "_PartialSum":
        return _PartialSum(self._activation, self._terms, self._sums)


@dataclass(frozen=True)
class _PartialSum:
    """Σ a(z) over some first terms."""

    activation: Activation
    terms: tuple[Tensor, ...]
    sums: list[Tensor]  # shared by those of one `ResidualSum`

    def made(self) -> Tensor:
        """The sum; the backward pass asks for the longest first, which makes all."""
        count = len(self.terms)
        if len(self.sums) < count:
            self.sums.clear()
            for z in self.terms:
                before = self.sums[-1] if self.sums else None
                self.sums.append(self.activation.added(before, z))
        del self.sums[count:]
        return self.sums.pop()


def _packed(address: int, size: int, h: _PartialSum, tensor: Tensor) -> Any:
    """What stands for a tensor that a layer keeps: for h, at that address, its terms."""
    if tensor.data_ptr() == address and tensor.numel() == size and tensor.is_contiguous():
        return h, tensor.shape
    return tensor


def _unpacked(packed: Any) -> Tensor:
    if isinstance(packed, Tensor):
        return packed
    h, shape = packed
    made: Tensor = h.made().view(shape)
    return made


class _Added(Function):
    """h + a(z), which keeps z alone."""

    @staticmethod
    def forward(ctx: Any, h: Tensor | None, z: Tensor, activation: Activation) -> Tensor:
        """h, z: (…, H)."""
        ctx.activation = activation
        ctx.save_for_backward(z)
        return activation.added(h, z)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None]:
        """To h and z."""
        to_h = gradient if ctx.needs_input_grad[0] else None
        return to_h, ctx.activation.gradient(gradient, ctx.saved_tensors[0]), None
