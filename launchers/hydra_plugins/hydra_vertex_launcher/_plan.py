"""The jobs of a sweep: each composed, with its identity, machine and local directory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict

from zeta_exp.errors import UserError

from ._identity import config_digest, job_key
from ._machines import machine_of
from .config import VertexConf

MARK = "vertex_sweep.json"  # in the directory of a sweep that this launcher may write again
HARDWARE = ("name", "device", "gpu", "machine_type")  # what a machine is chosen by
TRIALS = ("n_trials", "max_trials", "budget")  # what sweepers call the number of their jobs


@dataclass(frozen=True)
class Job:
    """One job of a sweep."""

    number: int
    overrides: tuple[str, ...]
    config: DictConfig  # composed, Hydra's part included
    key: str  # 40 hex digits: equal keys are the same job
    digest: str  # 64 hex digits, of the config
    machine: str
    directory: Path  # here, what is brought back goes

    @property
    def title(self) -> str:
        """The overrides, for people."""
        return " ".join(self.overrides)


def compose(
    context: HydraContext,
    config: DictConfig,
    conf: VertexConf,
    overrides: Sequence[Sequence[str]],
    first: int,
) -> list[Job]:
    """The jobs with these overrides, numbered from `first`; config: that of the sweep.

    Raises what Hydra and OmegaConf raise, `UserError` for a machine that does not fit.
    """
    jobs = []
    for number, own in enumerate(overrides, first):
        composed = context.config_loader.load_sweep_config(config, list(own))
        with open_dict(composed):
            composed.hydra.job.num, composed.hydra.job.id = number, str(number)
        digest = config_digest(composed)
        jobs.append(
            Job(
                number=number,
                overrides=tuple(own),
                config=composed,
                key=job_key(conf.project, conf.region, conf.image, digest),
                digest=digest,
                machine=_machine(composed),
                directory=Path(config.hydra.sweep.dir) / str(composed.hydra.sweep.subdir),
            )
        )
    return jobs


def _machine(composed: DictConfig) -> str:
    return machine_of({key: composed.hardware[key] for key in HARDWARE})


def machines_of_sweep(
    context: HydraContext,
    config: DictConfig,
    batch: Sequence[Job],
    price_order: Sequence[str],
    jobs_in_all: int | None,
) -> list[str]:
    """The machines of all jobs of the sweep, of which `batch` is the first part.

    Those of jobs that a sweeper has still to choose are taken to be the dearest of the batch;
    price_order: machines of the batch, the dearest last; jobs_in_all: None where no one has said.
    """
    known = [job.machine for job in batch]
    sweeper = config.hydra.sweeper
    if OmegaConf.select(sweeper, "max_batch_size") is not None:
        return _machines_of_grid(context, config)
    trials = [jobs_in_all, *(OmegaConf.select(sweeper, name) for name in TRIALS)]
    total = next((int(count) for count in trials if isinstance(count, int)), len(known))
    return known + [price_order[-1]] * max(total - len(known), 0)


def _machines_of_grid(context: HydraContext, config: DictConfig) -> list[str]:
    """Those of the whole grid, which the basic sweeper hands out in batches."""
    texts = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    texts += list(config.hydra.overrides.task)
    parsed = OverridesParser.create(context.config_loader).parse_overrides(texts)
    swept = [o for o in parsed if o.is_sweep_override()]
    about = [o for o in swept if o.key_or_group.split(".")[0] == "hardware"]
    fixed = [o.input_line or "" for o in parsed if not o.is_sweep_override()]
    others = math.prod(len(list(o.sweep_string_iterator())) for o in swept if o not in about)
    grid: list[list[str]] = [[]]
    for override in about:
        key = override.get_key_element()
        grid = [[*own, f"{key}={v}"] for own in grid for v in override.sweep_string_iterator()]
    found = []
    for own in grid:
        composed = context.config_loader.load_sweep_config(config, [*fixed, *own])
        found.append(_machine(composed))
    return found * others


def check_directories(config: DictConfig, jobs: Sequence[Job]) -> None:
    """Raises `UserError` where two jobs, or a run of another launcher, share a directory."""
    sources = config.hydra.runtime.config_sources
    if extra := next((s.path for s in sources if s.provider == "command-line"), None):
        raise UserError(
            f"--config-dir={extra} is on this machine alone: put the files into conf/ and build "
            "the image anew"
        )
    if len({job.directory for job in jobs}) < len(jobs):
        raise UserError("hydra.sweep.subdir gives two jobs one directory: use ${hydra.job.num}")
    if (Path(config.hydra.sweep.dir) / MARK).exists():
        return
    for job in jobs:
        if (job.directory / "config.yaml").exists():
            raise UserError(
                f"{job.directory} already holds a run that was not Vertex AI's: give another "
                "hydra.sweep.dir"
            )
