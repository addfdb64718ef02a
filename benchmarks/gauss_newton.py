"""Gauss–Newton on the whole line: the Jacobian of every output, and damped least-squares steps.

An output depends on its receptive field alone, so a row of the Jacobian is the gradient of one
output over a window of 2r + 1 ordinals, and `vmap` makes many rows at once.  With more parameters P
than residuals N a step is solved among the residuals, where the matrix is the smaller one:

    (JᵀJ + λI)⁻¹Jᵀ = Jᵀ(JJᵀ + λI)⁻¹ .
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad, vmap
from torch.nn.functional import linear, silu

from zeta_exp.graph import signed_offsets
from zeta_exp.models import Relational

ROWS = 512  # of the Jacobian at once
EASIER, HARDER = 3.0, 2.0  # by which the damping falls after a good step and grows after a bad one
TRIES = 6  # dampings of one iteration
LEAST_DAMPING = 1e-6  # below, a Gram matrix in float32 may have no root
Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class Windows:
    """Windows of W = 2r + 1 ordinals, one around each output: all that it sees."""

    features: Tensor  # (N, W, F)
    there: Tensor  # (N, W) bool, False below ordinal 1
    taps: tuple[int, ...]  # offsets of the relations, in the order of the weights

    @classmethod
    def of(cls, features: Tensor, there: Tensor, reach: int, offsets: Sequence[int]) -> "Windows":
        """Views of features (N + 2r, F) that begin and end r = `reach` ordinals outside."""
        width = 2 * reach + 1
        seen = features.unfold(0, width, 1).movedim(-1, 1)
        return cls(seen, there.unfold(0, width, 1), signed_offsets(offsets))

    def jacobian(self, model: Relational) -> Tensor:
        """Gradient of each output by all parameters in the model's order, (N, P)."""
        parameters = {name: p.detach() for name, p in model.named_parameters()}
        rows = vmap(grad(output), (None, 0, 0, None))
        found = torch.empty(len(self.features), model.n_parameters)
        for first in range(0, len(found), ROWS):
            some = slice(first, first + ROWS)
            parts = rows(parameters, self.features[some], self.there[some], self.taps)
            torch.cat([part.flatten(1) for part in parts.values()], 1, out=found[some])
        return found


def output(
    parameters: Parameters, features: Tensor, there: Tensor, taps: tuple[int, ...]
) -> Tensor:
    """The relational model at the middle of one window: (W, F) and (W,) to ()."""
    reach = max(taps)
    h = silu(linear(features, parameters["embed.weight"], parameters["embed.bias"]))
    for layer in range(len(features) // 2 // reach):
        h = h * there[:, None]
        inner = slice(reach, len(h) - reach)
        columns = torch.cat([h[inner.start + o : inner.stop + o] for o in taps], 1)
        name = f"layers.{layer}.weight"
        z = linear(columns, parameters[f"{name}.weight"], parameters[f"{name}.bias"])
        h, there = h[inner] + silu(z), there[inner]
    middle = features[len(features) // 2]
    skip = linear(middle, parameters["skip.weight"], parameters["skip.bias"])
    return (skip + linear(h[0], parameters["head.weight"], parameters["head.bias"])).squeeze()


def gram(jacobian: Tensor) -> Tensor:
    """JJᵀ (N, N), its lower triangle in blocks of rows; what lies above is not set."""
    found = torch.zeros(len(jacobian), len(jacobian), dtype=jacobian.dtype)
    for first in range(0, len(jacobian), ROWS):
        rows = jacobian[first : first + ROWS]
        stop = first + len(rows)
        torch.mm(rows, jacobian[:stop].T, out=found[first:stop, :stop])
    return found


class DampedSteps:
    """Steps s from one θ that minimise |e + Js|² + λ|s|², for any damping λ.

    e: output − target.  Levenberg 1944, Marquardt 1963.
    """

    def __init__(self, jacobian: Tensor, error: Tensor) -> None:
        """Takes J (N, P) and e (N,)."""
        self._jacobian, self._error, self._gram = jacobian, error, gram(jacobian)
        self._scale = float(self._gram.diagonal().mean())

    def step(self, damping: float) -> Tensor | None:
        """The step (P,) at λ = damping · mean (JJᵀ)_nn; None where rounding leaves no root."""
        matrix = self._gram.clone()
        matrix.diagonal().add_(damping * self._scale)
        root, failed = torch.linalg.cholesky_ex(matrix)
        if failed:
            return None
        weights = torch.cholesky_solve(self._error[:, None], root)[:, 0]
        return -(self._jacobian.T @ weights)


@dataclass
class Damping:
    """λ by Marquardt's rule: it falls where a step has lowered what is judged, and grows where not.

    value: in units of the mean square of a row of the Jacobian.
    """

    value: float

    def descend(
        self, steps: DampedSteps, judged: Callable[[Tensor], float], before: float
    ) -> Tensor | None:
        """The first step judged below `before`; None where no damping of `TRIES` finds one."""
        for _ in range(TRIES):
            step = steps.step(self.value)
            if step is not None and judged(step) < before:
                self.value = max(self.value / EASIER, LEAST_DAMPING)
                return step
            self.value *= HARDER
        return None
