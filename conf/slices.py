"""A job that makes a slice of a table of zeros: the sibling of an experiment, for zeros.yaml."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from zeta_exp.errors import UserError

if TYPE_CHECKING:
    from zeta_exp.ranks import Ranks
    from zeta_exp.zeros.shards import Manifest
    from zeta_exp.zeros.slices import SliceJob

INTERRUPTED = 130
log = logging.getLogger("zeta_exp")


def generate(config: DictConfig, directory: Path, resume: bool, ranks: "Ranks") -> float:
    """Makes the slice and writes result.json; returns how many zeros it has."""
    from zeta_exp.cli.watch import Watch
    from zeta_exp.hardware import ALL_THREADS
    from zeta_exp.result import write_result
    from zeta_exp.zeros.slices import SliceJob

    if not ranks.alone:
        raise UserError(
            "a slice of zeros is made by one process: use hardware.threads, no torchrun"
        )
    keys = {key: value for key, value in config.items() if key != "hardware"}
    threads = config.hardware.threads
    job = SliceJob(**keys, workers=ALL_THREADS if threads is None else threads)
    begun = time.monotonic()
    plain = OmegaConf.to_container(config)
    try:
        with Watch(f"slice {job.part}") as watch:
            manifest = job.make(watch)
    except KeyboardInterrupt:
        reason = f"interrupted; the whole shards in {job.out} stay: the same command goes on"
        log.info("%s", reason)
        write_result(directory, {"status": "interrupted", "reason": reason, "config": plain})
        raise SystemExit(INTERRUPTED) from None
    result = _account(job, manifest, plain) | {"total_s": round(time.monotonic() - begun, 3)}
    write_result(directory, result)
    log.info(
        "%s: slice %s, %s zeros from ordinal %d, %.1f s",
        *(job.out, job.part, f"{result['zeros']:,}", result["start"], result["total_s"]),
    )
    return float(result["zeros"])


def _account(job: "SliceJob", manifest: "Manifest", config: Any) -> dict[str, Any]:
    """What was made, and by what."""
    import torch

    from zeta_exp.parts import config_sha256
    from zeta_exp.result import provenance

    return {
        "status": "completed",
        "out": job.out,
        "slice": str(job.part),
        "start": manifest.shards[0].start,
        "zeros": sum(shard.count for shard in manifest.shards),
        "files": {shard.file: shard.sha256 for shard in manifest.shards},
        "config": config,
        "config_sha256": config_sha256(config),
        "provenance": provenance(torch.device("cpu")) | {"zeros": dict(manifest.plan.source)},
    }
