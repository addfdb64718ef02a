"""What every model is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zeta_exp.batch import Batch
from zeta_exp.errors import UserError
from zeta_exp.features import Features
from zeta_exp.theory.least_squares import NormalEquations


class Model(nn.Module, ABC):
    """Predicts the target of each node of a batch.

    The output at n may depend on the ordinals n − r … n + r only, r = `receptive_field`: with a
    halo of r the outputs of a block equal those of the whole line, but where `inexact` says why
    not.  The floats are counted in the type of the features, without features and parameters.
    """

    size: str = ""  # in words, for the plan of a run
    receptive_field: int = 0  # in ordinals, on either side
    floats_per_node: int = 0  # activations kept for the backward pass, in floats
    floats_remade: int = 0  # what the backward pass makes again of them at its beginning
    floats_forward: int = 0  # most that are alive at once in a forward pass without gradient
    inexact: str = ""  # why a block with its halo does not give the outputs of the whole line
    stochastic: bool = False  # whether two passes over a batch differ in training
    usable_features: tuple[str, ...] | None = None  # names of the features it reads, None for any
    usable_targets: tuple[str, ...] | None = None  # names of what its output can be, None for any
    rounds: bool = True  # whether its products may be rounded to a lower precision
    closed_start: bool = False  # whether it begins where `start_problems` are solved, not at random
    precision: torch.dtype = torch.float32  # of the products within; parameters stay float32

    def __call__(self, batch: Batch) -> Tensor:
        """`forward`, with products in `precision` and outputs in the format of the features."""
        if self.precision is torch.float32:
            return super().__call__(batch)
        with torch.autocast(batch.features.device.type, self.precision):
            output = super().__call__(batch)
        return output.to(batch.features.dtype)

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L) for a batch with features (…, L, F)."""

    def check(self, features: Features, target: str) -> None:
        """Raises `UserError` for features, a target or a precision that the model can't use."""
        if self.precision is not torch.float32 and not self.rounds:
            raise self._refusal(
                f"hardware.precision={self.precision}", "hardware.precision=float32"
            )
        for key, value, usable in (
            ("features", features.name, self.usable_features),
            ("target", target, self.usable_targets),
        ):
            if usable is not None and value not in usable:
                raise self._refusal(f"{key}={value}", f"{key}={' or '.join(usable)}")

    def _refusal(self, given: str, instead: str) -> UserError:
        return UserError(f"the model {type(self).__name__} can't use {given}: use {instead}")

    def start_problems(self, batch: Batch) -> list[NormalEquations]:
        """Least-squares problems of the ordinals that a batch owns; those of blocks add up."""
        raise NotImplementedError(f"{type(self).__name__} begins at random")

    def start_at(self, problems: Sequence[NormalEquations]) -> None:
        """Sets the parameters from the problems of all training ordinals."""
        raise NotImplementedError(f"{type(self).__name__} begins at random")

    def hidden_matrices(self) -> Sequence[Tensor]:
        """Weights (A, B) between hidden layers, which `optimizer=muon` steps; others AdamW does.

        The embedding and the convolutions, never a read-out, a skip or a bias.  None by default.
        """
        return ()

    def explained(self) -> dict[str, Any]:
        """Parameters that mean something by themselves, for result.json; {} where none does."""
        return {}

    @property
    def n_parameters(self) -> int:
        """Number of trained scalars."""
        return sum(parameter.numel() for parameter in self.parameters())


def check_sizes(**sizes: int) -> None:
    """Refuses a width or depth below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise UserError(f"model.{name}={size} leaves no model: use 1 or more")


def told_size(hidden: int, layers: int) -> str:
    """Width and depth in words."""
    return f"{layers} layer{'s' * (layers > 1)} of {hidden}"


def zero_head(width: int, bias: bool = True) -> nn.Linear:
    """A linear read-out that starts at zero, so that training begins at the linear model."""
    head = nn.Linear(width, 1, bias)
    for parameter in head.parameters():
        nn.init.zeros_(parameter)
    return head
