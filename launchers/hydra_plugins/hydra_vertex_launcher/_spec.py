"""The custom job that a job of a sweep becomes, and what is refused before any call."""

import json
import math
import re
from typing import Any

from google.cloud import aiplatform_v1 as v1
from omegaconf import DictConfig, OmegaConf

from zeta_exp.errors import UserError

from ._identity import ATTEMPT, KEY, NUMBER, SWEEP, output_prefix
from ._machines import accelerators
from ._plan import Job
from ._prices import DISKS
from .config import VertexConf

MOST_LABELS, MOST_VARIABLES, LONGEST_NAME = 64, 100, 128
DISK_GB = (100, 64_000)
FLEX_START_MINUTES = 7 * 24 * 60
# by its value: Hydra's search for plugins loads config.py anew, and enums of two loads differ
FLEX_START = "FLEX_START"
TABLES = ("zeros.path", "out")  # keys that say where an experiment reads zeros, a slice leaves them
EVERYWHERE = re.compile(r"\w+://|/gcs/")
LABEL_KEY, LABEL_VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[\w.-]+)*/?")
IMAGE = re.compile(r"\S+@sha256:[0-9a-f]{64}")
# what is the launcher's to say, or of this machine alone
_DROPPED = re.compile(
    r"[+~]*hydra(\.launcher\b|[./]sweeper\b|\.sweep\b|\.mode\b|\.run\b|\.job\.(num|id)\b"
    r"|\.callbacks\.vertex\b)"
)
_WORKER = "hydra_plugins.hydra_vertex_launcher._worker.Mirror"
_LETTER = re.compile(r"[a-df]")  # with one of these no hex digits read as a number


def check(conf: VertexConf) -> None:
    """Raises `UserError` for settings that no job can have."""
    _check_names(conf)
    numbers = {
        "max_wait_min": conf.max_wait_min,
        "max_parallel": conf.max_parallel,
        "max_attempts": conf.max_attempts,
        "replicas": conf.replicas,
    }
    for key, value in numbers.items():
        if value < 1:
            raise UserError(f"hydra.launcher.{key}={value} is too small: use 1 or more")
    for key, seconds in (("poll_s", conf.poll_s), ("timeout_min", conf.timeout_min)):
        if seconds is not None and not 0 < seconds < math.inf:
            raise UserError(f"hydra.launcher.{key}={seconds} is no time to wait: use more than 0")
    if conf.boot_disk_type not in DISKS:
        raise UserError(
            f"hydra.launcher.boot_disk_type={conf.boot_disk_type} is unknown; known: "
            f"{', '.join(DISKS)}"
        )
    if not DISK_GB[0] <= conf.boot_disk_gb <= DISK_GB[1]:
        raise UserError(
            f"hydra.launcher.boot_disk_gb={conf.boot_disk_gb} is out of range: use {DISK_GB[0]} to "
            f"{DISK_GB[1]}"
        )
    flexible = conf.provisioning.value == FLEX_START
    if flexible and conf.timeout_min > FLEX_START_MINUTES:
        raise UserError(
            f"hydra.launcher.timeout_min={conf.timeout_min:g} is too long for "
            f"provisioning=FLEX_START: use {FLEX_START_MINUTES} or less"
        )


def _check_names(conf: VertexConf) -> None:
    if not BUCKET.fullmatch(conf.bucket):
        raise UserError(
            f"hydra.launcher.bucket={conf.bucket} is no bucket: give gs://NAME or gs://NAME/FOLDER "
            "with a NAME of 3 or more of a-z, 0-9, -, _ and ."
        )
    if not IMAGE.fullmatch(conf.image):
        raise UserError(
            f"hydra.launcher.image={conf.image} is not pinned: give it with its digest, "
            "NAME@sha256:…, which the build prints"
        )
    if conf.sweep_id is not None and not (conf.sweep_id and LABEL_VALUE.fullmatch(conf.sweep_id)):
        raise UserError(
            f"hydra.launcher.sweep_id={conf.sweep_id} is no label: use 1 to 63 of a-z, 0-9, _, -"
        )
    for key, value in conf.labels.items():
        if not LABEL_KEY.fullmatch(key) or not LABEL_VALUE.fullmatch(value):
            raise UserError(
                f"hydra.launcher.labels: {key}={value} is no label: use up to 63 of a-z, 0-9, _, - "
                "for each of the two, the key beginning with a letter"
            )
        if key in (KEY, SWEEP, NUMBER, ATTEMPT):
            raise UserError(f"hydra.launcher.labels: {key} is the launcher's own: use another key")
    for what, names, most in (
        ("labels", conf.labels, MOST_LABELS - 4),
        ("env", conf.env, MOST_VARIABLES),
    ):
        if len(names) > most:
            raise UserError(f"hydra.launcher.{what} has {len(names)} entries: use {most} or fewer")


def check_job(conf: VertexConf, job: Job) -> None:
    """Raises `UserError` for a machine not provisioned so, or a table of zeros it can't see."""
    if conf.provisioning.value == FLEX_START and accelerators(job.machine) is None:
        raise UserError(
            f"hydra.launcher.provisioning=FLEX_START is for machines with a GPU, and job "
            f"{job.number} runs on {job.machine}: use STANDARD or SPOT"
        )
    for key in TABLES:
        table = OmegaConf.select(job.config, key)
        if table is not None and not EVERYWHERE.match(table):
            raise UserError(
                f"{key}={table} is on this machine alone, and job {job.number} runs on another: "
                f"give {key}=gs://…"
            )


def container_arguments(
    conf: VertexConf, config: DictConfig, job: Job, sweep: str, attempt: int
) -> list[str]:
    """The command line of run.py in the container; config: that of the sweep.

    The choice hydra/launcher stays, for a config file may set hydra.launcher's keys.
    """
    kept = [text for text in config.hydra.overrides.hydra if not _DROPPED.match(text)]
    worker = "+hydra.callbacks.vertex"
    return [
        f"--config-name={config.hydra.job.config_name}",
        *job.overrides,
        *kept,
        "hydra.mode=RUN",
        f"hydra.run.dir=${{oc.env:TMPDIR,/tmp}}/zeta_exp/{job.key}/{attempt}",
        f"hydra.job.num={job.number}",
        f"hydra.job.id={sweep}-{job.number}",
        f"{worker}._target_={_WORKER}",
        f"{worker}.output={output_prefix(conf.bucket, job.key, attempt)}",
        f"{worker}.key={_text(job.key)}",
        f"{worker}.attempt={attempt}",
        f"{worker}.digest={_text(job.digest)}",
    ]


def _text(digits: str) -> str:
    """Hex digits that Hydra reads as text."""
    return digits if _LETTER.search(digits) else f"'{digits}'"


def custom_job(
    conf: VertexConf, config: DictConfig, job: Job, sweep: str, attempt: int
) -> v1.CustomJob:
    """The job as Vertex AI takes it."""
    spec: dict[str, Any] = {
        "worker_pool_specs": _pools(
            conf, job.machine, container_arguments(conf, config, job, sweep, attempt)
        ),
        "scheduling": _scheduling(conf),
        "base_output_directory": {
            "output_uri_prefix": output_prefix(conf.bucket, job.key, attempt)
        },
    }
    for key in ("service_account", "network"):
        if value := getattr(conf, key):
            spec[key] = value
    labels = {KEY: job.key, SWEEP: sweep, NUMBER: str(job.number), ATTEMPT: str(attempt)}
    return v1.CustomJob(
        display_name=f"zeta-{sweep}-{job.number}"[:LONGEST_NAME],
        job_spec=spec,
        labels=conf.labels | labels,
    )


def _pools(conf: VertexConf, machine: str, arguments: list[str]) -> list[dict[str, Any]]:
    """The first pool has one replica, by the rules of Vertex AI; a second has the rest."""
    machine_spec: dict[str, Any] = {"machine_type": machine}
    if found := accelerators(machine):
        machine_spec |= {"accelerator_type": found[0], "accelerator_count": found[1]}
    pool = {
        "machine_spec": machine_spec,
        "replica_count": 1,
        "disk_spec": {
            "boot_disk_type": conf.boot_disk_type,
            "boot_disk_size_gb": conf.boot_disk_gb,
        },
        "container_spec": {
            "image_uri": conf.image,
            "args": arguments,
            "env": [{"name": name, "value": value} for name, value in sorted(conf.env.items())],
        },
    }
    return [pool] if conf.replicas == 1 else [pool, pool | {"replica_count": conf.replicas - 1}]


def _scheduling(conf: VertexConf) -> dict[str, Any]:
    scheduling: dict[str, Any] = {
        "timeout": {"seconds": math.ceil(conf.timeout_min * 60)},
        "strategy": conf.provisioning.value,
        # the processes of a run are joined once: where one is lost, all begin anew
        "restart_job_on_worker_restart": conf.replicas > 1,
    }
    if conf.provisioning.value == FLEX_START:
        scheduling["max_wait_duration"] = {"seconds": conf.max_wait_min * 60}
    return scheduling


def as_dictionary(job: v1.CustomJob) -> dict[str, Any]:
    """The job as JSON holds it."""
    text = v1.CustomJob.to_json(
        job, use_integers_for_enums=False, always_print_fields_with_no_presence=False
    )
    return dict(json.loads(text))
