"""The container of a job that composes its config as run.py does, and returns its seed."""

import json
import os
import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from conf import schema
from conf.launch import _hydra_directory, _run_directory
from tests.launchers.entry import put
from zeta_exp.parts import NOT_OF_NUMBERS, config_sha256


def main(arguments):
    schema.register()
    OmegaConf.register_new_resolver("run_directory", _run_directory)
    OmegaConf.register_new_resolver("hydra_directory", _hydra_directory)
    name = arguments[0].removeprefix("--config-name=")
    with initialize_config_dir(str(Path.cwd() / "conf"), version_base="1.3"):
        config = compose(name, arguments[1:], return_hydra_config=True)
    worker = config.hydra.callbacks.vertex
    own = OmegaConf.masked_copy(config, [key for key in config if key not in NOT_OF_NUMBERS])
    assert config_sha256(OmegaConf.to_container(own, resolve=True)) == worker.digest
    result = {
        "status": "completed",
        "return_value": config.seed,
        "seed": config.seed,
        "strategy": config.strategy._target_,
        "name": config.hardware.name,
        "job": {
            "key": worker.key,
            "attempt": worker.attempt,
            "name": os.environ["CLOUD_ML_JOB_ID"],
        },
    }
    put(f"{worker.output}/result.json", json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
