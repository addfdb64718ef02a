"""The default model: one weight matrix per signed offset."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, silu

from zeta_exp.batch import Batch
from zeta_exp.errors import UserError
from zeta_exp.graph import Graph, signed_offsets
from zeta_exp.models.base import Model, check_sizes, told_size, zero_head
from zeta_exp.models.residual import SILU, ResidualSum

FEW_ROWS = 4096  # up to here an update's calls cost more than its arithmetic

Map = tuple[Tensor, Tensor]  # weight and bias of a linear map


class RelationalConvolution(nn.Module):
    """h_n ← Σ_o W_o h_{n+o} + b over the self-loop and every signed offset o.

    An RGCN whose relations are the offsets (Schlichtkrull et al. 2018, eq. 2, no averaging).
    Direction matters on the line of zeros: isotropic averaging is about twice as far off.
    trained: output channels; None for as many as there are inputs.
    """

    def __init__(self, width: int, offsets: Sequence[int], trained: int | None = None) -> None:
        super().__init__()
        self.weight = nn.Linear(width * len(signed_offsets(offsets)), trained or width)

    def forward(self, h: Tensor, graph: Graph) -> Tensor:
        """(…, L, H) → (…, L, trained)."""
        return graph.convolve(h, self.weight.weight, self.weight.bias)


class Relational(Model):
    """Residual relational layers over an embedding, with a linear skip from the features.

    x → silu(E x) → h + silu(conv h) (`layers` times) → head h + skip x.

    reflection: the output is odd under t → −t, exactly, as S(t) and with it every residual δ is.
    Read from right to left, a stretch of the line shows the same cosines, sines of the other sign
    and residuals of the other sign.  Half of the channels read the line from left to right, half
    from right to left, with the same weights (Cohen & Welling 2016, arXiv:1602.07576).  Features:
    K cosines, K sines and at most one that is even.
    """

    def __init__(
        self,
        dim: int,
        offsets: Sequence[int],
        hidden: int = 128,
        layers: int = 2,
        reflection: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(hidden=hidden, layers=layers)
        self.size = told_size(hidden, layers)
        if reflection:
            _check_reflection(dim, hidden)
        self.reflection = reflection
        trained = hidden // 2 if reflection else hidden  # channels; the others follow
        self.skip = nn.Linear(dim // 2, 1, bias=False) if reflection else nn.Linear(dim, 1)
        self.embed = nn.Linear(dim, trained)
        self.layers = nn.ModuleList(
            RelationalConvolution(hidden, offsets, trained) for _ in range(layers)
        )
        self.head = zero_head(trained, bias=not reflection)
        self.register_buffer("_parities", _parities(dim), persistent=False)
        self.register_buffer("_mirror", _mirror(hidden, signed_offsets(offsets)), persistent=False)
        self.receptive_field = layers * max(offsets)
        self.floats_per_node = hidden * (1 + layers)  # before each silu
        self.floats_remade = hidden * (1 + layers)  # each residual sum
        self.floats_forward = 3 * hidden  # around a silu, with its layer's input

    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L)."""
        x = batch.features
        maps = self._mirrored_maps() if self.reflection else self._free_maps()
        if _joins(batch, self.receptive_field, self.precision):
            taps = signed_offsets(batch.graph.offsets)
            out: Tensor = _JoinedRuns.apply(x, taps, *chain.from_iterable(maps))
            return out
        skip, embed, *layers, head = maps
        h = ResidualSum(SILU, linear(x, *embed))
        for weight, bias in layers:
            h.add(h.into(partial(batch.graph.convolve, weight=weight, bias=bias)))
        return (linear(x, *skip) + h.into(partial(linear, weight=head[0], bias=head[1])))[..., 0]

    def hidden_matrices(self) -> Sequence[Tensor]:
        """The embedding and the convolutions."""
        return [self.embed.weight, *(linear.weight for linear in self._convolutions)]

    @property
    def _convolutions(self) -> list[nn.Linear]:
        return [layer.weight for layer in self.layers if isinstance(layer, RelationalConvolution)]

    def _free_maps(self) -> list[Map]:
        """The skip, the embedding, each layer and the head."""
        linears = [self.skip, self.embed, *self._convolutions, self.head]
        return [(each.weight, each.bias) for each in linears]

    def _mirrored_maps(self) -> list[Map]:
        """The same where channel H/2 + i reads from right to left what channel i reads from left.

        The skip sees the sines alone, the head the differences of such pairs: both are odd.
        """
        skip, embed, head = self.skip.weight, self.embed.weight, self.head.weight
        nothing = head.new_zeros(1)
        others = nothing.expand(1, embed.shape[1] - 2 * skip.shape[1])
        layers = torch.stack([linear.weight for linear in self._convolutions])
        reversed_layers = layers.index_select(2, self.get_buffer("_mirror"))
        weights = [
            torch.cat([embed, embed * self.get_buffer("_parities")]),
            *torch.cat([layers, reversed_layers], 1).unbind(),
        ]
        biases = [self.embed.bias, *(linear.bias for linear in self._convolutions)]
        return [
            (torch.cat([torch.zeros_like(skip), skip, others], 1), nothing),
            *zip(weights, (bias.repeat(2) for bias in biases), strict=True),
            (torch.cat([head, -head], 1) * math.sqrt(0.5), nothing),
        ]


def _check_reflection(dim: int, hidden: int) -> None:
    """Refuses what can't be paired."""
    if hidden % 2:
        raise UserError(
            f"model.hidden={hidden} is odd and model.reflection pairs the channels: use "
            f"{hidden + 1}, or model.reflection=false"
        )
    if dim < 2:
        raise UserError("the features have no phases to reflect: use model.reflection=false")


def _parities(dim: int) -> Tensor:
    """+1 of a feature that is even under reflection and −1 of a sine, (dim,)."""
    parities = torch.ones(dim)
    parities[dim // 2 : 2 * (dim // 2)] = -1
    return parities


def _mirror(width: int, taps: tuple[int, ...]) -> Tensor:
    """The inputs of a convolution in the order in which the reflected line has them, (T·H,).

    Offsets o and −o change places, and the two halves of the channels.
    """
    offsets = torch.tensor([taps.index(-offset) for offset in taps])
    channels = torch.arange(width).roll(width // 2)
    return (offsets[:, None] * width + channels).flatten()


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
