"""Errors of the baselines, computed once for the same zeros, windows and features.

A baseline depends on no model: a sweep over seeds, learning rates or losses measures the same one
in each of its runs, for 0.1 s at N = 10^4, 6 s at 10^6 and half a minute near ordinal 10^12.
"""

import hashlib
import json
import logging
import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.evaluation.baselines import (
    FeatureMatrix,
    Residuals,
    baseline_errors,
    blocks,
    fit_range,
)
from zeta_exp.labels import EVERY_ZERO, Labels
from zeta_exp.split import Split

FORMULAS = 1  # of the baselines: raised whenever a bit of their errors may change
PROBES = 16_384  # ordinals whose features stand for all where there are more
PACKAGES = ("numpy", "scipy", "numba", "torch")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_CPU_NAME")

Errors = dict[str, dict[str, float]]  # baseline → window → RMSE in mean spacings
log = logging.getLogger("zeta_exp")


@dataclass(frozen=True)
class Compared:
    """All that the baselines of a run depend on."""

    split: Split
    residuals: Residuals  # (start, stop) → δ (stop − start,) in mean spacings
    features: FeatureMatrix  # ordinals (B,) → (B, F)
    max_prime: int  # of the explicit formula and the prime tail
    labels: Labels = EVERY_ZERO  # what is fitted sees these alone

    def errors(self) -> Errors:
        """Computed."""
        return baseline_errors(
            self.split, self.residuals, self.features, self.max_prime, labels=self.labels
        )

    def content(self) -> dict[str, Any]:
        """As plain values that JSON holds: equal contents have equal errors, to the bit.

        The zeros are the SHA-256 of every residual that a baseline reads, so that a control, a
        table and a corrected table each differ; the features that of 16,384 ordinals' at most.
        """
        return {
            "start": self.split.start,
            "N": self.split.N,
            "max_prime": self.max_prime,
            "residuals_sha256": self._residuals_sha256(),
            "features_sha256": self._features_sha256(),
            "formulas": FORMULAS,
            **_arithmetic(),
        }

    def _ranges(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """What is fitted on, and what is predicted with the two ordinals before it."""
        start, stop = self.split.extrapolation
        return fit_range(self.split), (start - 2, stop)

    def _residuals_sha256(self) -> str:
        digest = hashlib.sha256()
        for first, last in self._ranges():
            for low, high in blocks(first, last):
                known = np.where(self.labels.between(low, high), self.residuals(low, high), np.nan)
                digest.update(known.astype("<f8").tobytes())
        return digest.hexdigest()

    def _features_sha256(self) -> str:
        """Of evenly spaced ordinals: another seed, frequency or formula moves all of them."""
        ordinals = np.concatenate([np.arange(*part) for part in self._ranges()])
        probes = ordinals[:: -(-ordinals.size // PROBES)]
        features = np.ascontiguousarray(self.features(probes))
        digest = hashlib.sha256(repr((features.dtype.str, features.shape)).encode())
        digest.update(features.tobytes())
        return digest.hexdigest()


def _arithmetic() -> dict[str, Any]:
    """What rounds: the packages, the processor's vectors, and how many threads share a product."""
    built: Any = np.show_config(mode="dicts")
    affinity = getattr(os, "sched_getaffinity", None)  # of Linux
    return {
        "versions": {package: version(package) for package in PACKAGES},
        "machine": platform.machine(),
        "simd": built["SIMD Extensions"],
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "threads": {name: os.environ.get(name) for name in THREADS},
    }


class BaselineCache:
    """Errors of baselines in a folder, each under the hash of all they depend on."""

    def __init__(self, folder: str | bool | None = None) -> None:
        """Takes a folder or gs:// prefix; None: the user's cache; False: nothing is kept."""
        self._folder = default_folder() if folder is None or folder is True else folder

    def path(self, compared: Compared) -> str:
        """Where the errors are kept; empty where nothing is."""
        return self._path(compared.content())

    def _path(self, content: dict[str, Any]) -> str:
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return files.join(str(self._folder), f"{key}.json") if self._folder else ""

    def errors(self, compared: Compared) -> Errors:
        """The errors of every baseline, read or computed: the same bits.

        A file that holds no such errors is replaced; a cache that can't be written to is warned
        of.
        """
        if not self._folder:
            return compared.errors()
        content = compared.content()
        path = self._path(content)
        try:
            if files.exists(path):
                return _read(path, content)
        except (OSError, ValueError, UserError) as error:
            log.warning("the cached baselines %s are not usable (%s): computed again", path, error)
        errors = compared.errors()
        try:
            _write(path, content, errors)
        except (OSError, UserError) as error:
            log.warning("the baselines could not be kept in %s (%s)", path, error)
        return errors


def default_folder() -> str:
    """${XDG_CACHE_HOME or ~/.cache}/zeta_exp/baselines."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return str(Path(base) / "zeta_exp" / "baselines")


def _sha256(errors: Errors) -> str:
    return hashlib.sha256(json.dumps(errors).encode()).hexdigest()


def _read(path: str, content: dict[str, Any]) -> Errors:
    """The errors in a file.  Raises ValueError where they are of other content, or not whole."""
    with files.explained(path), files.reading(path) as file:
        kept = json.loads(file.read())
    if not isinstance(kept, dict) or kept.get("content") != content:
        raise ValueError("it is of other zeros, windows or features")
    errors: Errors = kept.get("errors", {})
    if kept.get("sha256") != _sha256(errors):
        raise ValueError("its numbers are not those that were written")
    return errors


def _write(path: str, content: dict[str, Any], errors: Errors) -> None:
    """Writes the errors whole or not at all."""
    kept = {"content": content, "errors": errors, "sha256": _sha256(errors)}
    with files.explained(path):
        if not files.is_remote(path):
            files.make_folder(os.path.dirname(path))
        with files.writing(path) as file:
            file.write(json.dumps(kept, indent=1).encode() + b"\n")
