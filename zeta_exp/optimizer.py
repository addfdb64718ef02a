"""How the parameters follow the gradient: Muon, AdamW or any other, under one cycle of the rate."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from zeta_exp.errors import UserError
from zeta_exp.models import Model

Moments = dict[int, dict[str, Tensor]]  # by index of the parameter in the model, then by name

FIRST_SHARE = 1 / 25  # of the highest rate, before the first update
LAST_SHARE = 1e-4  # of the first rate, after the last update
LOW_MOMENTUM, HIGH_MOMENTUM = 0.85, 0.95  # of AdamW: high where the rate is low
ADAM_DECAY, ADAM_EPSILON = 0.999, 1e-8

# Quintic Newton–Schulz iteration p(σ) = 3.4445 σ − 4.7750 σ³ + 2.0315 σ⁵, whose fixed band is
# [0.7, 1.2]; Jordan et al. 2024, kellerjordan.github.io/posts/muon
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
SMALLEST_NORM = 1e-7
MATCHED_RMS = (
    0.2  # root mean square of an AdamW update at rate 1; Liu et al. 2025, arXiv:2502.16982
)


class Method(Protocol):
    """Steps some parameters from their gradients; all its state is in `moments`."""

    def step(self, rate: float, momentum: float) -> None:
        """One update in place.  rate: learning rate; momentum: of the cycle, AdamW's β₁."""
        ...

    def moments(self) -> Moments:
        """The state, tensors that the next step changes in place."""
        ...

    def restore(self, moments: Moments) -> None:
        """Continues with the given state, copied."""
        ...


class AdamW:
    """AdamW (Loshchilov & Hutter 2019, algorithm 2), all parameters in one fused call.

    The arithmetic of `torch.optim.AdamW(fused=True)` without its import of torch's compiler,
    which takes a second.
    """

    def __init__(self, parameters: Mapping[int, nn.Parameter], weight_decay: float) -> None:
        self._indices = list(parameters)
        self._parameters = list(parameters.values())
        self._weight_decay = weight_decay
        self._first = [torch.zeros_like(p) for p in self._parameters]
        self._second = [torch.zeros_like(p) for p in self._parameters]
        self._steps = [torch.zeros((), device=p.device) for p in self._parameters]

    def step(self, rate: float, momentum: float) -> None:
        """One update of every parameter that has a gradient."""
        rows = zip(self._parameters, self._first, self._second, self._steps, strict=True)
        chosen = [row for row in rows if row[0].grad is not None]
        if not chosen:
            return
        parameters, first, second, steps = map(list, zip(*chosen, strict=True))
        torch._foreach_add_(steps, 1)
        torch._fused_adamw_(
            parameters,
            [p.grad for p in parameters],
            first,
            second,
            [],
            steps,
            lr=rate,
            beta1=momentum,
            beta2=ADAM_DECAY,
            weight_decay=self._weight_decay,
            eps=ADAM_EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def moments(self) -> Moments:
        """step (), exp_avg and exp_avg_sq of each parameter, torch's names."""
        rows = zip(self._indices, self._steps, self._first, self._second, strict=True)
        return {i: {"step": s, "exp_avg": m, "exp_avg_sq": v} for i, s, m, v in rows}

    def restore(self, moments: Moments) -> None:
        """Copies them."""
        for index, own in self.moments().items():
            for name, value in own.items():
                value.copy_(moments[index][name])


class Muon:
    """Momentum whose update is made orthogonal, for matrices W (…, A, B): Jordan et al. 2024.

    B ← μB + (1 − μ)g, U = NS((1 − μ)g + μB), W ← (1 − ηλ)W − 0.2 η √max(A, B) U: NS brings every
    singular value near 1, so that all directions of a gradient move alike, and the factor makes
    the update's root mean square that of AdamW's, whose rates it can share.  All matrices are
    stepped together.  `torch.optim.Muon` takes one after the other and rounds NS to bfloat16; here
    it is in the format of the parameters.
    """

    def __init__(
        self, parameters: Mapping[int, nn.Parameter], weight_decay: float, momentum: float
    ) -> None:
        self._weight_decay, self._momentum = weight_decay, momentum
        by_shape: dict[tuple[int, ...], dict[int, nn.Parameter]] = {}
        for index, parameter in parameters.items():
            by_shape.setdefault(tuple(parameter.shape), {})[index] = parameter
        self._indices = [list(equal) for equal in by_shape.values()]
        self._parameters: list[list[Tensor]] = [list(equal.values()) for equal in by_shape.values()]
        self._momenta = [torch.zeros_like(torch.stack(equal)) for equal in self._parameters]
        for momenta in self._momenta:
            momenta.requires_grad_(False)

    def step(self, rate: float, momentum: float) -> None:
        """One update of every matrix; the momentum is Muon's own."""
        directions = []
        for parameters, momenta in zip(self._parameters, self._momenta, strict=True):
            given = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
            gradient = torch.stack(given)
            momenta.lerp_(gradient, 1 - self._momentum)
            directions.append(gradient.lerp_(momenta, self._momentum))
        for parameters, update in zip(self._parameters, orthogonalized(directions), strict=True):
            if self._weight_decay:
                torch._foreach_mul_(parameters, 1 - rate * self._weight_decay)
            scale = MATCHED_RMS * math.sqrt(max(update.shape[-2:]))
            torch._foreach_add_(parameters, update.unbind(), alpha=-rate * scale)

    def moments(self) -> Moments:
        """momentum_buffer of each matrix, torch's name."""
        return {
            index: {"momentum_buffer": momentum}
            for indices, momenta in zip(self._indices, self._momenta, strict=True)
            for index, momentum in zip(indices, momenta, strict=True)
        }

    def restore(self, moments: Moments) -> None:
        """Copies them."""
        for index, own in self.moments().items():
            own["momentum_buffer"].copy_(moments[index]["momentum_buffer"])


def orthogonalized(stacks: Sequence[Tensor]) -> list[Tensor]:
    """U S′ Vᵀ of matrices U S Vᵀ, singular values S′ near 1: within about [0.7, 1.2].

    stacks: (…, A, B) each; returns the same shapes.  X/‖X‖ by five Newton–Schulz steps
    X ← (a + bG + cG²)X, G = XXᵀ.  All factors are polynomials of the first G, so the steps are
    taken on the Gram matrices of the shorter sides, G ← PGP and Q ← PQ, those of one size
    together, and X is multiplied once.
    """
    wide = [x.mT if x.shape[-2] > x.shape[-1] else x for x in stacks]
    flat = [x.reshape(-1, *x.shape[-2:]) for x in wide]
    factors = [torch.empty(0)] * len(flat)
    for size in {x.shape[1] for x in flat}:
        places = [place for place, x in enumerate(flat) if x.shape[1] == size]
        grams = torch.cat([torch.bmm(flat[place], flat[place].mT) for place in places])
        parts = _inverse_roots(grams).split([len(flat[place]) for place in places])
        for place, part in zip(places, parts, strict=True):
            factors[place] = part
    products = [torch.bmm(q, x).view(w.shape) for q, x, w in zip(factors, flat, wide, strict=True)]
    return [
        found.mT if x.shape[-2] > x.shape[-1] else found
        for found, x in zip(products, stacks, strict=True)
    ]


def _inverse_roots(gram: Tensor) -> Tensor:
    """Q with Q X near orthogonal, from G = XXᵀ: (K, A, A) to (K, A, A)."""
    a, b, c = NEWTON_SCHULZ
    squared_norm = (
        gram.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None].clamp(min=SMALLEST_NORM**2)
    )
    gram = gram / squared_norm
    factor = None
    for step in range(NEWTON_SCHULZ_STEPS):
        p = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)  # and a times the identity
        if step < NEWTON_SCHULZ_STEPS - 1:
            half = torch.baddbmm(gram, p, gram, beta=a)
            gram = torch.baddbmm(half, half, p, beta=a)
        if factor is None:
            p.diagonal(dim1=-2, dim2=-1).add_(a)
            factor = p
        else:
            factor = torch.baddbmm(factor, p, factor, beta=a)
    assert factor is not None
    return factor / squared_norm.sqrt()


class Foreign:
    """Any `torch.optim.Optimizer`, or one with its interface, made from the parameters."""

    def __init__(self, parameters: Sequence[nn.Parameter], make: Callable[..., Any]) -> None:
        self._optimizer = make(parameters)

    def step(self, rate: float, momentum: float) -> None:
        """One update at the rate of the cycle; the momentum stays the optimiser's own."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()

    def moments(self) -> Moments:
        """What the optimiser keeps for each parameter; numbers as tensors."""
        state = self._optimizer.state_dict()["state"]
        return {
            index: {name: torch.as_tensor(value) for name, value in kept.items()}
            for index, kept in state.items()
        }

    def restore(self, moments: Moments) -> None:
        """Loads them."""
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})


@dataclass(frozen=True, kw_only=True)
class OneCycle(ABC):
    """What all recipes share: one cycle of the rate (Smith & Topin 2019), clipping and noise.

    weight_noise: σ of the Gaussian noise on every weight matrix while its gradient is taken, as a
    share of the matrix's root mean square; drawn anew for each update from seed and update alone.
    The update itself starts from the weights without noise.
    """

    lr: float  # highest learning rate
    clip: float  # largest Euclidean norm of the gradient
    pct_start: float  # share of the budget in which the rate rises
    weight_noise: float = 0.0

    def __post_init__(self) -> None:
        self._check(lr=self.lr > 0, clip=self.clip > 0, pct_start=0 < self.pct_start < 1)
        self._check(weight_noise=self.weight_noise >= 0)

    def _check(self, **valid: bool) -> None:
        """Refuses the named values that are out of range, and infinite ones."""
        for key, inside in valid.items():
            value = getattr(self, key)
            if not (inside and math.isfinite(value)):
                raise UserError(f"optimizer.{key}={value} is out of range: see conf/optimizer")

    @abstractmethod
    def methods(self, model: Model) -> Sequence[Method]:
        """What steps the parameters of the model; each parameter belongs to one of them."""

    def start(self, model: Model, total: int, seed: int = 0) -> "Optimisation":
        """The optimiser before its first update; total: the budget, in its own units."""
        noise = WeightNoise(model, self.weight_noise, seed) if self.weight_noise else None
        return Optimisation(self, model, self.methods(model), total, noise)


@dataclass(frozen=True, kw_only=True)
class AdamWOneCycle(OneCycle):
    """AdamW on all parameters; β₁ falls from .95 to .85 as the rate rises, and rises again."""

    weight_decay: float  # decoupled from the gradient

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(weight_decay=self.weight_decay >= 0)

    def methods(self, model: Model) -> Sequence[Method]:
        """AdamW alone."""
        return [AdamW(dict(enumerate(model.parameters())), self.weight_decay)]


@dataclass(frozen=True, kw_only=True)
class MuonOneCycle(AdamWOneCycle):
    """Muon on the matrices that the model names, AdamW on all other parameters, at one rate.

    weight_decay is that of AdamW; the hidden matrices decay by matrix_decay.
    """

    momentum: float = 0.95  # of Muon
    matrix_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(momentum=0 <= self.momentum < 1, matrix_decay=self.matrix_decay >= 0)

    def methods(self, model: Model) -> Sequence[Method]:
        """Muon where the model has hidden matrices, and AdamW."""
        hidden = {id(matrix) for matrix in model.hidden_matrices()}
        parts: tuple[dict[int, nn.Parameter], ...] = ({}, {})
        for index, parameter in enumerate(model.parameters()):
            parts[id(parameter) in hidden][index] = parameter
        rest = AdamW(parts[False], self.weight_decay)
        if not parts[True]:
            return [rest]
        return [Muon(parts[True], self.matrix_decay, self.momentum), rest]


@dataclass(frozen=True, kw_only=True)
class OtherOneCycle(OneCycle):
    """Any optimiser of `torch.optim`, or one with its interface, under the same cycle.

    method: makes it from the parameters; its rate is set before each of its steps.
    """

    method: Callable[..., Any]

    def methods(self, model: Model) -> Sequence[Method]:
        """The optimiser on all parameters."""
        return [Foreign(list(model.parameters()), self.method)]


class WeightNoise:
    """Gaussian noise on the weight matrices for the time a gradient is taken.

    W + σ·rms(W)·ξ with ξ a function of seed and update alone: a resumed run, other block sizes and
    other processes have the same bits.  An, Neural Computation 8 (1996) 643.
    """

    def __init__(self, model: nn.Module, size: float, seed: int) -> None:
        named = [(name, p) for name, p in model.named_parameters() if p.ndim >= 2]
        self._names = [name for name, _ in named]
        self._matrices = [p.data for _, p in named]  # edits no graph would notice
        self._counts = [p.numel() for p in self._matrices]
        self._size, self._seed = size, seed
        self._clean: list[Tensor] | None = None

    @torch.no_grad()
    def add(self, update: int) -> None:
        """Puts the noise of an update on; nothing where it is on already."""
        if self._clean is not None:
            return
        state = np.random.SeedSequence((self._seed, update, 0x4E)).generate_state(1, np.uint64)[0]
        generator = torch.Generator().manual_seed(int(state) >> 1)
        draws = torch.randn(sum(self._counts), generator=generator).split(self._counts)
        self._clean = [matrix.clone() for matrix in self._matrices]
        for matrix, draw in zip(self._matrices, draws, strict=True):
            scale = self._size * matrix.square().mean().sqrt()
            matrix.addcmul_(draw.view_as(matrix).to(matrix), scale)

    @torch.no_grad()
    def remove(self) -> None:
        """Takes it off again."""
        if self._clean is not None:
            torch._foreach_copy_(self._matrices, self._clean)
            self._clean = None

    def clean(self) -> dict[str, Tensor]:
        """The matrices without noise, by name; {} where there is none on."""
        return {} if self._clean is None else dict(zip(self._names, self._clean, strict=True))


class Optimisation:
    """The state of an optimiser in a run: moments, how much of the budget is spent, the noise.

    The learning rate is a function of the share spent alone, in whatever units the budget counts.
    """

    def __init__(
        self,
        recipe: OneCycle,
        model: nn.Module,
        methods: Sequence[Method],
        total: int,
        noise: WeightNoise | None = None,
    ) -> None:
        self._parameters = list(model.parameters())
        self._recipe, self._methods, self._total, self._noise = recipe, methods, total, noise
        self._spent = 0.0
        self.updates: int | None = 0  # made; None while one is, and after one that failed

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        return self._between(
            self._recipe.lr * FIRST_SHARE,
            self._recipe.lr,
            self._recipe.lr * FIRST_SHARE * LAST_SHARE,
        )

    @property
    def _momentum(self) -> float:
        return self._between(HIGH_MOMENTUM, LOW_MOMENTUM, HIGH_MOMENTUM)

    def _between(self, first: float, peak: float, last: float) -> float:
        """Half a cosine from first to peak over the rise, another to last over the rest."""
        # in the shortest runs too an update comes before the peak
        rise = max(self._recipe.pct_start * (self._total + 1), 2) - 1
        if self._spent <= rise:
            return _half_cosine(first, peak, self._spent / rise)
        return _half_cosine(peak, last, (self._spent - rise) / max(self._total - rise, 1e-9))

    def begin(self, update: int) -> None:
        """Before the gradient of an update (0, 1, …) is taken; again where that goes on."""
        self.updates = update
        if self._noise is not None:
            self._noise.add(update)

    @torch.no_grad()
    def update(self, spent: float | None = None) -> None:
        """One update from the accumulated gradient.

        spent: of the budget, this update included; None for one unit more than before.
        """
        updates, self.updates = self.updates, None
        if self._noise is not None:
            self._noise.remove()
        self._clip()
        rate, momentum = self.lr, self._momentum
        for method in self._methods:
            method.step(rate, momentum)
        self._spent = self._spent + 1 if spent is None else spent
        self.updates = (updates or 0) + 1

    def _clip(self) -> None:
        """Shortens a gradient that is longer than `clip`."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        if not gradients:
            return
        norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        if self._recipe.clip < norm:
            torch._foreach_mul_(gradients, self._recipe.clip / (norm + 1e-6))

    def settle(self) -> None:
        """Takes the noise off, where a step is left before its update."""
        if self._noise is not None:
            self._noise.remove()

    def clean(self) -> dict[str, Tensor]:
        """Parameters without the noise that is on them, by name; {} where none is."""
        return {} if self._noise is None else self._noise.clean()

    def moments(self) -> Moments:
        """Tensors of the optimiser by the index of the parameter."""
        return {i: m for method in self._methods for i, m in method.moments().items()}

    @torch.no_grad()
    def restore(self, moments: Moments, spent: float, updates: int = 0) -> None:
        """Continues with the given moments where that much of the budget is spent."""
        if spent > self._total:
            raise UserError(
                f"the run has made {spent:g} updates and the budget is {self._total}: "
                "give a budget that is no smaller (budget.epochs or budget.updates)"
            )
        for method in self._methods:
            method.restore(moments)
        self._spent, self.updates = spent, updates


def _half_cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
