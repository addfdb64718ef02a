"""The sweeper as Hydra sees it; everything heavier than Hydra is imported when a study starts."""

from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class StudySweeper(Sweeper):
    """Tunes the arms of a study, then runs what compares them; goes on where it stopped."""

    def __init__(self, **keys: Any) -> None:
        self.keys = keys  # as composed: `_study.read` makes a StudyConf of them

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keeps what composes the runs, and the launcher that starts them."""
        self.hydra_context = hydra_context
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Runs what the study still lacks; arguments: the overrides of the command line."""
        from ._sweep import sweep

        sweep(self, arguments)
