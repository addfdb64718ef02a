"""Checkpoints: weights and moments as safetensors, counters in its header; no pickle."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.files import write_atomically
from zeta_exp.models import Model
from zeta_exp.optimizer import Optimisation
from zeta_exp.strategies import Accumulation

FILE = "checkpoint/state.safetensors"


@dataclass
class Progress:
    """How far a run has come."""

    epoch: int = 0  # epochs completed
    step: int = 0  # updates made in the epoch begun
    updates: int = 0
    node_visits: int = 0  # Σ owned ordinals over all updates
    wall_s: float = 0.0  # seconds spent training
    loss_sum: float = 0.0  # Σ training loss over the updates of the epoch begun
    best_val_rmse: float = math.inf  # of the evaluations so far
    stale: int = 0  # evaluations since that one
    best_epoch: int = 0  # of that one; 0 before the first evaluation
    # with the gradients, its state
    step_begun: Accumulation = field(default_factory=Accumulation)
    best: dict[str, torch.Tensor] = field(default_factory=dict)  # parameters of that evaluation

    def counters(self) -> dict[str, float]:
        """Everything but tensors."""
        return {k: v for k, v in vars(self).items() if k not in ("step_begun", "best")}


def save_checkpoint(
    directory: Path, model: Model, optimisation: Optimisation, progress: Progress
) -> None:
    """Writes the state of a run; the file is whole or is the one that was there before."""
    parameters = model.state_dict() | optimisation.clean()
    tensors = {f"model.{name}": value for name, value in parameters.items()}
    for index, moments in optimisation.moments().items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in moments.items()}
    tensors |= _step_tensors(model, progress.step_begun)
    tensors |= {f"best.{name}": value for name, value in progress.best.items()}
    header = {
        "model": type(model).__name__,
        "progress": json.dumps(progress.counters()),
        "portions": str(progress.step_begun.portions),
        "layout": progress.step_begun.layout,
    }
    contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    path = directory / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(contiguous, metadata=header))


def load_checkpoint(
    directory: Path,
    model: Model,
    optimisation: Optimisation,
    spent: Callable[[int, int, float], float] = lambda updates, node_visits, wall_s: updates,
) -> Progress:
    """Restores the model and the optimiser in place.

    spent: of the budget, from updates, node visits and seconds (`Budget.spent`).
    Raises `UserError` where there is no checkpoint, or one of another model.
    """
    path = directory / FILE
    if not path.is_file():
        raise UserError(
            f"resume={directory}: no checkpoint there ({FILE} is missing); "
            "name the directory of a run that has trained"
        )
    header, tensors = _read(str(path))
    try:
        progress = Progress(**json.loads(header["progress"]))
        portions, layout = int(header["portions"]), header["layout"]
    except (KeyError, TypeError, ValueError) as error:
        raise _not_whole(str(path), error) from error
    _restore_model(str(path), header, tensors, model)
    progress.step_begun = _restored_step(portions, layout, tensors, model)
    progress.best = _named("best.", tensors)
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = value
    used = spent(progress.updates, progress.node_visits, progress.wall_s)
    optimisation.restore(moments, used, progress.updates)
    return progress


def load_model(run: str, model: Model) -> None:
    """The parameters alone, in place, from the checkpoint of a run directory, local or remote.

    Those of the best evaluation, where the run has kept them.
    Raises `UserError` where there is no checkpoint, or one of another model.
    """
    path = files.join(run, FILE)
    if not files.exists(path):
        raise UserError(f"{path} does not exist: copy the checkpoint of the run there")
    header, tensors = _read(path)
    best = {f"model.{name}": value for name, value in _named("best.", tensors).items()}
    _restore_model(path, header, best or tensors, model)


def _read(path: str) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Header and tensors of a checkpoint."""
    try:
        with files.explained(path):
            (content,) = files.contents([path])
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")  # of the JSON that tensors follow
        header: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    except (SafetensorError, KeyError, ValueError) as error:
        raise _not_whole(path, error) from error
    return header, tensors


def _not_whole(path: str, error: Exception) -> UserError:
    return UserError(f"{path} is no whole checkpoint ({error}): start the run again")


def _step_tensors(model: Model, begun: Accumulation) -> dict[str, torch.Tensor]:
    """The sums, and in the second pass the cotangents and gradients, of a step begun."""
    tensors = {f"sums.{name}": value for name, value in begun.sums.items()}
    if begun.cotangents is not None:
        tensors |= {f"cotangents.{name}": value for name, value in begun.cotangents.items()}
        tensors |= {
            f"gradient.{n}": p.grad for n, p in model.named_parameters() if p.grad is not None
        }
    return tensors


def _restored_step(
    portions: int, layout: str, tensors: dict[str, torch.Tensor], model: Model
) -> Accumulation:
    """The step begun, its gradients put back to the parameters."""
    parameters = dict(model.named_parameters())
    for name, value in _named("gradient.", tensors).items():
        parameters[name].grad = value.to(parameters[name].device)
    return Accumulation(
        portions=portions,
        sums=_named("sums.", tensors),
        cotangents=_named("cotangents.", tensors) or None,
        layout=layout,
    )


def _named(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}


def _restore_model(
    path: str, header: dict[str, str], tensors: dict[str, torch.Tensor], model: Model
) -> None:
    stored = _named("model.", tensors)
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    if header.get("model") != type(model).__name__ or expected != {
        name: tuple(value.shape) for name, value in stored.items()
    }:
        raise UserError(
            f"{path} is a checkpoint of another model ({header.get('model')}, "
            f"{sum(v.numel() for v in stored.values())} parameters; this one is "
            f"{type(model).__name__}, {model.n_parameters}): resume the run it belongs to"
        )
    model.load_state_dict(stored)
