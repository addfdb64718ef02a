"""One experiment of zeta_exp, or with -m a sweep: python run.py --help.

With --config-name=zeros, a slice of a table of zeros.
"""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from conf.launch import guarded, job
from conf.log import keep
from conf.schema import Slice
from conf.slices import generate
from zeta_exp import garbage

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from zeta_exp.ranks import Ranks
    from zeta_exp.report.screen import Screen
    from zeta_exp.report.silence import Silence


def execute(config: DictConfig, directory: Path, resume: bool, ranks: "Ranks") -> float:
    """Builds the parts that the config names, runs them and shows what came out."""
    with garbage.paused():
        from zeta_exp.experiment import Experiment
        from zeta_exp.report.silence import Silence

        shown = _screen(directory) if ranks.first else Silence()
    with shown as screen:
        with garbage.paused():
            parts = hydra.utils.instantiate(config, _convert_="all")
        garbage.spare_imports()
        experiment = Experiment(**parts, config=OmegaConf.to_container(config))
        result = experiment.run(directory, resume, screen, ranks)
        screen.show(result)
    return float(result["val_rmse"])


def _screen(directory: Path) -> "AbstractContextManager[Screen | Silence]":
    """Of a run of a study only run.log is kept: what compares them draws what there is to see."""
    from zeta_exp.report.screen import Screen
    from zeta_exp.report.silence import Silence

    say = logging.getLogger("zeta_exp").info
    own = HydraConfig.get()
    if own.mode == RunMode.MULTIRUN and own.runtime.choices["hydra/sweeper"] == "study":
        return Silence(say)
    return Screen(directory, say, keep)


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config: DictConfig) -> float:
    """Returns the validation RMSE, the objective of sweepers; of zeros, how many were made."""
    return job(config, generate if OmegaConf.get_type(config) is Slice else execute)


if __name__ == "__main__":
    sys.exit(guarded(main))
