"""One experiment of zeta_exp, or with -m a sweep: python run.py --help."""

import logging
import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from conf.launch import guarded, job

PARTS = ("zeros", "features", "loss", "strategy", "optimizer", "hardware")


def execute(config: DictConfig, directory: Path, resume: bool) -> float:
    """Builds the parts the config names, runs them and shows what came out."""
    from zeta_exp.experiment import Experiment
    from zeta_exp.report.screen import Screen
    from zeta_exp.split import Split

    with Screen(directory, logging.getLogger("zeta_exp").info) as screen:
        experiment = Experiment(
            config=OmegaConf.to_container(config),
            split=Split(config.start, config.N),
            seed=config.seed,
            target=config.target,
            epochs=config.budget.epochs,
            offsets=hydra.utils.instantiate(config.graph),
            build_model=hydra.utils.instantiate(config.model),
            tracker=hydra.utils.instantiate(config.tracking),
            baseline_max_prime=config.evaluation.max_prime,
            report=screen.say,
            advance=screen.advance,
            **{part: hydra.utils.instantiate(config[part]) for part in PARTS},
        )
        result = experiment.run(directory, resume)
        screen.show(result)
    return float(result["val_rmse"])


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config: DictConfig) -> float:
    """Returns the validation RMSE, the objective of sweepers."""
    return job(config, execute)


if __name__ == "__main__":
    sys.exit(guarded(main))
