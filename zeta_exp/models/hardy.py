"""A glass box: zeros of the Riemann–Siegel sum, its amplitudes learnt."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zeta_exp.batch import Batch
from zeta_exp.features import AMPLITUDE
from zeta_exp.models.base import Model, check_sizes
from zeta_exp.theory.least_squares import NormalEquations

LINEAR_PENALTY = 1e-4  # of the first guess's weights
# Of the amplitudes: small, or those of terms that the gate has only just let in stay near 0 and are
# missed where it has opened, on the next ordinals (at N = 10^4 .0013 with 1e-10, .0098 with 1e-6).
AMPLITUDE_PENALTY = 1e-10
DAMPING = 0.2  # of the first step, halved with each
LONGEST = 0.3  # of a step, in mean spacings


class _ValueAndSlope(torch.autograd.Function):
    """Σ_m along_m cos(u r_m) + across_m sin(u r_m) and its derivative by u, (…, L) each.

    Keeps the cosines and sines alone, and makes one more array of their size at a time: autograd
    would keep the angles too, and what it throws away between them leaves holes in the heap, so
    that a pass would take twice its arrays.
    """

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, along: Tensor, across: Tensor, rate: Tensor
    ) -> tuple[Tensor, Tensor]:
        value, slope = torch.empty_like(u), torch.empty_like(u)  # below what is thrown away
        cosine = u[..., None] * rate
        sine = cosine.sin()
        cosine.cos_()
        work = along * cosine
        torch.sum(work.addcmul_(across, sine), -1, out=value)
        torch.mul(across, cosine, out=work).addcmul_(along, sine, value=-1)
        torch.sum(work.mul_(rate), -1, out=slope)
        ctx.save_for_backward(u, along, across, rate, cosine, sine, slope)
        return value, slope

    @staticmethod
    def backward(ctx: Any, by_value: Tensor, by_slope: Tensor) -> tuple[Tensor | None, ...]:
        """With w = along·cos + across·sin and t = across·cos − along·sin: w′ = r t, t′ = −r w."""
        u, along, across, rate, cosine, sine, slope = ctx.saved_tensors
        by_value, by_slope = by_value[..., None], by_slope[..., None]
        wave = (along * cosine).addcmul_(across, sine)
        by_rate = None
        if ctx.needs_input_grad[3]:
            turned = across * cosine - along * sine
            by_rate = by_value * u[..., None] * turned
            by_rate += by_slope * (turned - rate * u[..., None] * wave)
        turning = by_slope * rate
        by_u = by_value[..., 0] * slope - wave.mul_(turning).mul_(rate).sum(-1)
        del wave
        by_along = (by_value * cosine).addcmul_(turning, sine, value=-1)
        by_across = turning.mul_(cosine).addcmul_(by_value, sine)
        return by_u, by_along, by_across, by_rate


class _Sum(NamedTuple):
    """G(u) = −sin πu + Σ_m along_m cos(u r_m) + across_m sin(u r_m), node by node."""

    along: Tensor  # (…, L, K)
    across: Tensor  # (…, L, K)
    rate: Tensor  # (…, L, K) r_m = gap·log m − π

    def value_and_slope(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """G(u) and G′(u): (…, L) for u (…, L)."""
        value, slope = _ValueAndSlope.apply(u, *self)
        return value - (math.pi * u).sin(), slope - math.pi * (math.pi * u).cos()


class Hardy(Model):
    """δ̂_n as a zero of the smoothed Riemann–Siegel sum with learnt amplitudes a_m, b_m.

    G(u) = −sin πu + Σ_{m≥2} m^{−1/2} g_m [a_m sin(φ_m + u r_m) + b_m cos(φ_m + u r_m)],
    φ_m = t̂ log m,  r_m = gap·log m − π,  g_m = ½ erfc((log m − log τ)√τ),  τ = √(t̂/2π),

    found by `steps` damped Newton steps, each at most 0.3 mean spacings long, from a linear guess
    (the `Linear` model).  Hardy's function has a = 1, b = 0.  It begins at closed forms: the guess
    by ridge, the amplitudes by ridge on G(δ_n) = 0, which is linear in them; from zero it does not
    learn.  Reads the phases of all integers m = 2, 3, … in order.
    """

    usable_features = ("integer_phases",)
    usable_targets = ("residual",)
    rounds = False  # a zero has no digits beyond those of the sum
    closed_start = True

    closed_form: Tensor  # (2, K) a and b at the start

    def __init__(self, dim: int, offsets: Sequence[int], steps: int = 5) -> None:
        super().__init__()
        check_sizes(steps=steps)
        terms = dim // 2
        self.steps = steps
        self.guess = nn.Linear(dim, 1)
        self.a = nn.Parameter(torch.zeros(terms))
        self.b = nn.Parameter(torch.zeros(terms))
        self.register_buffer("closed_form", torch.zeros(2, terms))
        # the gated waves and the sum; of a step its cosines and sines, and what has no terms
        self.floats_per_node = 5 * terms + steps * (2 * terms + 9)
        self.floats_forward = 6 * terms + 6  # the sum, a step's cosines, sines and products

    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L)."""
        u = self.guess(batch.features)[..., 0]
        terms = self._sum(batch.features)
        for step in range(self.steps):
            value, slope = terms.value_and_slope(u)
            move = -value * slope / (slope.square() + DAMPING * 0.5**step)
            u = u + LONGEST * torch.tanh(move / LONGEST)
        return u

    def _sum(self, features: Tensor) -> _Sum:
        """The sum around each node with the amplitudes as they are."""
        cosine, sine = _gated(features)
        return _Sum(
            along=self.a * sine + self.b * cosine,
            across=self.a * cosine - self.b * sine,
            rate=_rates(features),
        )

    def start_problems(self, batch: Batch) -> list[NormalEquations]:
        """Of the guess: x·w + c = δ; of the amplitudes: G(δ) = 0, that is Σ … = sin πδ."""
        features = batch.features[batch.labelled].double()
        truth = batch.target[batch.labelled].double()
        one = torch.ones_like(truth)[:, None]
        angle = truth[:, None] * _rates(features)
        cosine, sine = _gated(features)
        waves = (
            sine * angle.cos() + cosine * angle.sin(),  # of a_m, sin(φ + δr)
            cosine * angle.cos() - sine * angle.sin(),  # of b_m
        )
        return [
            _equations([features, one], truth),
            _equations(waves, (math.pi * truth).sin()),
        ]

    @torch.no_grad()
    def start_at(self, problems: Sequence[NormalEquations]) -> None:
        """Sets the guess and the amplitudes."""
        guess, amplitudes = problems
        weights = _tensor(guess.solve(LINEAR_PENALTY, free=1))
        self.guess.weight.copy_(weights[:-1])
        self.guess.bias.copy_(weights[-1:])
        self.closed_form.copy_(_tensor(amplitudes.solve(AMPLITUDE_PENALTY)).view(2, -1))
        self.a.copy_(self.closed_form[0])
        self.b.copy_(self.closed_form[1])

    def explained(self) -> dict[str, Any]:
        """Amplitudes of m = 2, 3, …, as trained and as the closed form has them."""
        closed_form = dict(zip("ab", self.closed_form.tolist(), strict=True))
        trained = {"a": self.a.tolist(), "b": self.b.tolist()}
        return {"amplitudes": {"trained": trained, "closed_form": closed_form}}


def _gated(features: Tensor) -> tuple[Tensor, Tensor]:
    """m^{−1/2} g_m cos φ_m and m^{−1/2} g_m sin φ_m: (…, L, K) each."""
    cosine, sine, density = _parts(features)
    log_tau = 0.5 / density
    gate = torch.erfc((_log_m(features) - log_tau) * (log_tau / 2).exp()) / (2 * AMPLITUDE)
    return gate * cosine, gate * sine


def _rates(features: Tensor) -> Tensor:
    """r_m = gap·log m − π, gap = 2π/log(t̂/2π): (…, L, K)."""
    return 2 * math.pi * _parts(features)[2] * _log_m(features) - math.pi


def _parts(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cosines and sines (…, L, K) and 1/log(t̂/2π) (…, L, 1) of integer phases."""
    count = features.shape[-1] // 2
    return features[..., :count], features[..., count:-1], features[..., -1:]


def _log_m(features: Tensor) -> Tensor:
    count = features.shape[-1] // 2
    return torch.arange(2, count + 2, dtype=features.dtype, device=features.device).log()


def _equations(columns: Sequence[Tensor], target: Tensor) -> NormalEquations:
    """Of a design in columns (B, ·) and its target (B,)."""
    return NormalEquations.of(torch.cat(list(columns), -1).cpu().numpy(), target.cpu().numpy())


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(values)
