"""The launcher as Hydra sees it; everything heavier than Hydra is imported when a sweep starts."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from .config import VertexConf

if TYPE_CHECKING:
    from ._prices import Ledger


_ENV = re.compile(r"[+~]*hydra\.launcher\.env\b")


class VertexLauncher(Launcher):
    """Runs the jobs of a sweep as custom jobs of Google Vertex AI."""

    def __init__(self, **keys: Any) -> None:
        plain: dict[str, Any] = {}
        for key, value in keys.items():
            is_node = OmegaConf.is_config(value)
            plain[key] = OmegaConf.to_container(value, resolve=True) if is_node else value
        self.conf = VertexConf(**plain)
        self.ledger: Ledger | None = None  # what the batches of one sweep may cost together
        self.jobs_in_all: int | None = None  # of the sweep, for a sweeper to say that knows

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keeps what composes the jobs; the task itself runs elsewhere."""
        self.hydra_context = hydra_context
        self.config = config
        _forget_environment(config)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Runs one batch of jobs and returns when each has ended."""
        from ._place import need_libraries

        need_libraries()
        from ._launch import launch

        return launch(self, job_overrides, initial_job_idx)


def _forget_environment(config: DictConfig) -> None:
    """Removes the variables of the jobs, which may be secret, from what Hydra writes to a file."""
    with read_write(config), open_dict(config):
        config.hydra.launcher.env = {}
        given = config.hydra.overrides.hydra
        config.hydra.overrides.hydra = [text for text in given if not _ENV.match(text)]
