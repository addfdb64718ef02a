"""Keys of jobs: the same project, region, image and config are the same job, whenever asked."""

import hashlib
import json
from typing import Any

from omegaconf import DictConfig, OmegaConf

from zeta_exp.parts import NOT_OF_NUMBERS, config_sha256

KEY_DIGITS, SWEEP_DIGITS = 40, 12
KEY, SWEEP, NUMBER, ATTEMPT = "zeta-key", "zeta-sweep", "zeta-number", "zeta-attempt"  # labels


def config_digest(config: DictConfig) -> str:
    """config_sha256 of result.json, of a config that Hydra composed."""
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key not in NOT_OF_NUMBERS])
    plain: Any = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
    return config_sha256(plain)


def job_key(project: str, region: str, image: str, digest: str) -> str:
    """40 hex digits of the place, the image (by its digest alone) and the config digest."""
    parts = [project, region, image.partition("@")[2], digest]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:KEY_DIGITS]


def sweep_label(config: DictConfig) -> str:
    """12 hex digits of what a sweep composes and of its overrides, never of a time."""
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    parts = [
        config.hydra.job.config_name,
        OmegaConf.to_container(own, resolve=False),
        list(config.hydra.overrides.task),
    ]
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:SWEEP_DIGITS]


def output_prefix(bucket: str, key: str, attempt: int) -> str:
    """Where an attempt of a job leaves its files: no other attempt's are ever there."""
    return f"{bucket.rstrip('/')}/runs/{key}/{attempt}"
