"""The model that a run has left, to be asked about any ordinals: features need no zeros."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zeta_exp import files
from zeta_exp.batch import Line
from zeta_exp.checkpoint import load_model
from zeta_exp.errors import UserError
from zeta_exp.evaluation.window import Piece, Window
from zeta_exp.models import Model
from zeta_exp.parts import built
from zeta_exp.split import Split
from zeta_exp.target import make_target
from zeta_exp.zeros import engine
from zeta_exp.zeros.source import ZeroSource

RESULT = "result.json"


@dataclass(frozen=True)
class TrainedModel:
    """A model with its line, untouched: nothing here trains or fits."""

    model: Model
    line: Line  # without truth
    split: Split  # the ordinals it was trained on, and those it was measured on
    config: Mapping[str, Any]  # of the run, resolved

    def residuals(self, start: int, stop: int) -> NDArray[np.float64]:
        """δ̂_n of the ordinals [start, stop): (stop−start,) float64.  Raises as `pieces` does."""
        return np.concatenate([piece.residuals for piece in self.pieces(start, stop)])

    def pieces(self, start: int, stop: int) -> Iterator[Piece]:
        """The same piece by piece, in memory that does not grow with their number.

        Raises `UserError` for an empty range and ordinals beyond the engine's.
        """
        engine.validate(start, stop - start)
        yield from Window(self.line, start, stop, self.model.receptive_field).evaluate(self.model)

    def zeros(self) -> ZeroSource:
        """The zeros of the run, or its control, which answer for other ordinals too.

        Raises `UserError` where they are a table that is not there any more.
        """
        source: ZeroSource = built(self.config["zeros"])
        return source


def load_trained(run: str | Path, device: torch.device | None = None) -> TrainedModel:
    """The model of the run directory `run`, local or remote, as its last checkpoint has it.

    device: the CPU where None, whatever the run was trained on.  Raises `UserError` where there is
    no run, none that has trained, or one of another version of zeta_exp.
    """
    run = str(run)
    config = _config(run)
    features, offsets = built(config["features"]), built(config["graph"])
    split = Split(config["start"], config["N"])
    device = device or torch.device("cpu")
    model: Model = built(config["model"])(dim=features.dim, offsets=offsets).to(device)
    model.precision = built(config["hardware"]).dtype
    load_model(run, model)
    line = Line(features, offsets, make_target(config["target"], split), device=device)
    return TrainedModel(model.eval(), line, split, config)


def _config(run: str) -> dict[str, Any]:
    """The resolved config, as result.json has it."""
    path = files.join(run, RESULT)
    if not files.exists(path):
        raise UserError(f"{run} has no {RESULT}: give the directory of a run that has trained")
    with files.explained(path):
        (text,) = files.contents([path])
    try:
        config: dict[str, Any] = json.loads(text)["config"]
        if {"features", "graph", "model", "hardware", "target", "N", "start"} <= config.keys():
            return config
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise UserError(
        f"{path} holds no config of a run: give the directory of a run that has trained"
    )
