"""A finished run, made in this process."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from conf import schema
from conf.checks import resolved
from tests.run.conftest import SMALL
from zeta_exp.experiment import Experiment
from zeta_exp.report.silence import Silence

CONF = Path(schema.__file__).parent


def small_experiment(*overrides):
    """What run.py makes of these arguments, a run of a second."""
    schema.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = resolved(compose("config", [*SMALL, *overrides]))
    parts = instantiate(config, _convert_="all")
    return Experiment(**parts, config=OmegaConf.to_container(config))


def left(directory, *overrides):
    """The directory of a run, as it is when that has ended."""
    small_experiment(*overrides).run(directory, False, Silence())
    return directory
