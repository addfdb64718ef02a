"""The default model: one weight matrix per signed offset."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import silu

from zeta_exp.batch import Batch
from zeta_exp.graph import Graph, signed_offsets
from zeta_exp.models.base import Model, check_sizes, zero_head
from zeta_exp.models.residual import SILU, ResidualSum

FEW_ROWS = 4096  # up to here an update's calls cost more than its arithmetic


class RelationalConvolution(nn.Module):
    """h_n ← Σ_o W_o h_{n+o} + b over the self-loop and every signed offset o.

    An RGCN whose relations are the offsets (Schlichtkrull et al. 2018, eq. 2, no averaging).
    Direction matters on the line of zeros: isotropic averaging is about twice as far off.
    """

    def __init__(self, width: int, offsets: Sequence[int]) -> None:
        super().__init__()
        self.weight = nn.Linear(width * len(signed_offsets(offsets)), width)

    def forward(self, h: Tensor, graph: Graph) -> Tensor:
        """(…, L, H) → (…, L, H)."""
        return graph.convolve(h, self.weight.weight, self.weight.bias)


class Relational(Model):
    """Residual relational layers over an embedding, with a linear skip from the features.

    x → silu(E x) → h + silu(conv h) (`layers` times) → head h + skip x.
    """

    def __init__(
        self, dim: int, offsets: Sequence[int], hidden: int = 128, layers: int = 2
    ) -> None:
        super().__init__()
        check_sizes(hidden=hidden, layers=layers)
        self.skip = nn.Linear(dim, 1)
        self.embed = nn.Linear(dim, hidden)
        self.layers = nn.ModuleList(RelationalConvolution(hidden, offsets) for _ in range(layers))
        self.head = zero_head(hidden)
        self.receptive_field = layers * max(offsets)
        self.floats_per_node = hidden * (1 + layers)  # before each silu
        self.floats_remade = hidden * (1 + layers)  # each residual sum
        self.floats_forward = 3 * hidden  # around a silu, with its layer's input

    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L)."""
        x = batch.features
        if _joins(batch, self.receptive_field, self.precision):
            linears = [self.skip, self.embed, *self._convolutions, self.head]
            pairs = [p for linear in linears for p in (linear.weight, linear.bias)]
            out: Tensor = _JoinedRuns.apply(x, signed_offsets(batch.graph.offsets), *pairs)
            return out
        h = ResidualSum(SILU, self.embed(x))
        for layer in self.layers:
            h.add(h.into(partial(layer, graph=batch.graph)))
        return (self.skip(x) + h.into(self.head))[..., 0]

    def hidden_matrices(self) -> Sequence[Tensor]:
        """The embedding and the convolutions."""
        return [self.embed.weight, *(linear.weight for linear in self._convolutions)]

    @property
    def _convolutions(self) -> list[nn.Linear]:
        return [layer.weight for layer in self.layers if isinstance(layer, RelationalConvolution)]


def _joins(batch: Batch, receptive_field: int, precision: torch.dtype) -> bool:
    """Whether the runs of a small batch may touch, as one run without gaps.

    What crosses from a run into the next stays in halos as wide as the receptive field, which
    nobody reads.
    """
    if precision is not torch.float32 or batch.features.requires_grad:
        return False
    return batch.ordinals.numel() <= FEW_ROWS and batch.touching(receptive_field)


class _JoinedRuns(Function):
    """The whole model on few rows, as one node of autograd's graph and a third of the calls.

    z_0 = E x + b_0, h_l = Σ_{k≤l} silu(z_k), z_{l+1} = W_{l+1} c(h_l) + b_{l+1}, y = s·x + w·h + b,
    c(h)_n = [h_{n+o}] side by side over the signed offsets o.  The z and c are kept.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: tuple[int, ...], *parameters: Tensor) -> Tensor:
        """x: (R, L, F); parameters: weight and bias of skip, embedding, layers, head; (R, L)."""
        rows = x.reshape(-1, x.shape[-1])
        reach = max(taps)
        (skip, skip_bias, embed, embed_bias), layers = parameters[:4], parameters[4:-2]
        z = torch.addmm(embed_bias, rows, embed.t())
        padded = z.new_zeros(len(rows) + 2 * reach, z.shape[1])  # h between rows of zeros
        h = padded[reach : reach + len(rows)]
        torch.ops.aten.silu.out(z, out=h)
        shifted = [padded[reach + o : reach + o + len(rows)] for o in taps]
        terms, columns = [z], []
        for weight, bias in zip(layers[::2], layers[1::2], strict=True):
            side_by_side = torch.cat(shifted, 1)
            z = torch.addmm(bias, side_by_side, weight.t())
            h.add_(silu(z))
            terms.append(z)
            columns.append(side_by_side)
        out = torch.addmm(skip_bias, rows, skip.t()).addmm_(h, parameters[-2].t())
        ctx.taps, ctx.count = taps, len(terms)
        ctx.save_for_backward(rows, h, *terms, *columns, *parameters[::2])
        return out.add_(parameters[-1]).view(x.shape[:2])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """To the parameters."""
        rows, h, *saved = ctx.saved_tensors
        terms, columns = saved[: ctx.count], saved[ctx.count : 2 * ctx.count - 1]
        weights = saved[2 * ctx.count - 1 :]
        own = gradient.reshape(-1, 1)
        total = own.sum(0)
        found = [total, own.t() @ h]
        of_h = own * weights[-1]
        for z, side_by_side, weight in zip(
            terms[:0:-1], columns[::-1], weights[-2:1:-1], strict=True
        ):
            of_z = torch.ops.aten.silu_backward(of_h, z)
            found += [of_z.sum(0), of_z.t() @ side_by_side]
            _add_shifted(of_h, of_z @ weight, ctx.taps)
        of_z = torch.ops.aten.silu_backward(of_h, terms[0])
        found += [of_z.sum(0), of_z.t() @ rows, total.clone(), own.t() @ rows]
        return None, None, *found[::-1]


def _add_shifted(of_h: Tensor, columns: Tensor, taps: tuple[int, ...]) -> None:
    """of_h[m + o_t] += columns[m, t] for the rows m + o_t that exist; (M, H) and (M, T·H)."""
    count, width = of_h.shape
    for t, o in enumerate(taps):
        low, high = max(o, 0), count + min(o, 0)
        of_h[low:high].add_(columns[low - o : high - o, t * width : (t + 1) * width])
