"""dry_run prints the very jobs that would be asked for, and asks nobody."""

import json
from pathlib import Path

import pytest
from google.cloud import aiplatform_v1 as v1
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra_plugins.hydra_vertex_launcher._plan import Job
from hydra_plugins.hydra_vertex_launcher._spec import as_dictionary, custom_job
from hydra_plugins.hydra_vertex_launcher.config import Provisioning, VertexConf
from omegaconf import OmegaConf

from tests.launchers.launching import IMAGE

KEY, DIGEST = "1e" + "2" * 38, "3" * 64  # which Hydra reads as numbers


def printed(sweeps, *overrides):
    ended = sweeps.run("hydra.launcher.dry_run=true", *overrides)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_the_printed_job_is_the_one_that_is_made(sweeps, counted):
    overrides = ("hardware=l4,cpu", "seed=1", "+hydra.launcher.env.A=b")
    overrides += ("hydra.launcher.max_attempts=2", "hydra.launcher.timeout_min=30")
    dry = printed(sweeps, *overrides)
    counted(calls_of_a_dry_run=len(sweeps.cloud.calls))
    assert sweeps.cloud.calls == []
    jobs = [v1.CustomJob.from_json(json.dumps(job["customJob"])) for job in dry["jobs"]]
    assert sweeps.run(*overrides).code == 0
    by_number = {job.labels["zeta-number"]: job for job in sweeps.cloud.jobs()}
    for job in jobs:
        real = by_number[job.labels["zeta-number"]]
        assert (real.display_name, real.labels) == (job.display_name, job.labels)
        assert real.job_spec == job.job_spec
    assert {job.labels["zeta-sweep"] for job in jobs} == {dry["sweep"]}
    assert [job["key"] for job in dry["jobs"]] == [job.labels["zeta-key"] for job in jobs]
    hourly = sum(job["usd_per_hour"] for job in dry["jobs"])
    assert dry["cost"]["worst_case_usd"] == pytest.approx(hourly * 0.5 * 2, abs=0.005)
    assert dry["cost"]["jobs"] == 2


def test_zeros_are_made_by_a_sweep_too(nowhere):
    table = ("count=1000", "shards=2", "shard=0,1", "out=gs://bucket/zeros")
    jobs = printed(nowhere, "--config-name=zeros", *table)["jobs"]
    pools = [job["customJob"]["jobSpec"]["workerPoolSpecs"][0] for job in jobs]
    assert [pool["containerSpec"]["args"][0] for pool in pools] == ["--config-name=zeros"] * 2
    assert len({job["key"] for job in jobs}) == 2


def made(machine="g2-standard-8", of_hydra=(), **keys):
    """A job as it is asked for, through JSON."""
    conf = VertexConf(**({"project": "p", "bucket": "gs://b", "image": IMAGE} | keys))
    hydra = {"job": {"config_name": "config"}, "overrides": {"hydra": list(of_hydra)}}
    config = OmegaConf.create({"hydra": hydra})
    job = Job(7, ("hardware=l4", "seed=1"), config, KEY, DIGEST, machine, Path("sweep/7"))
    request = custom_job(conf, config, job, "sweep", 2)
    assert v1.CustomJob.from_json(json.dumps(as_dictionary(request))) == request
    return request


def test_the_arguments_are_a_list_that_hydra_reads():
    kept = ["hydra/launcher=vertex", "hydra.job.name=mine", "+hydra.job.env_set.A=1"]
    dropped = ["hydra.launcher.env.A=secret", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=6"]
    dropped += ["hydra.sweep.dir=s", "hydra.mode=MULTIRUN", "hydra.run.dir=d", "hydra.job.num=3"]
    job = made(of_hydra=kept + dropped)
    arguments = list(job.job_spec.worker_pool_specs[0].container_spec.args)
    assert arguments[0] == "--config-name=config"
    parsed = OverridesParser.create().parse_overrides(arguments[1:])
    names = [override.key_or_group for override in parsed]
    values = dict(zip(names, [override.value() for override in parsed], strict=True))
    assert len(values) == len(parsed)
    expected = {"hydra.mode": "RUN", "hardware": "l4", "seed": 1, "hydra.job.num": 7}
    worker = {"key": KEY, "digest": DIGEST, "attempt": 2, "output": f"gs://b/runs/{KEY}/2"}
    expected |= {f"hydra.callbacks.vertex.{name}": value for name, value in worker.items()}
    assert expected.items() <= values.items()
    assert [text for text in arguments if text in kept + dropped] == kept
    assert names[-1] == "hydra.callbacks.vertex.digest"
    assert job.job_spec.base_output_directory.output_uri_prefix == worker["output"]


def test_several_replicas_begin_anew_together():
    job = made(replicas=3)
    assert [pool.replica_count for pool in job.job_spec.worker_pool_specs] == [1, 2]
    assert job.job_spec.scheduling.restart_job_on_worker_restart
    assert not made().job_spec.scheduling.restart_job_on_worker_restart


@pytest.mark.parametrize("provisioning", list(Provisioning))
def test_the_way_of_provisioning(provisioning):
    job = made(provisioning=provisioning, max_wait_min=7, timeout_min=5)
    scheduling = job.job_spec.scheduling
    assert scheduling.strategy.name == provisioning.value
    assert scheduling.timeout.total_seconds() == 300
    waits = scheduling.max_wait_duration.total_seconds() if scheduling.max_wait_duration else 0
    assert waits == (420 if provisioning is Provisioning.FLEX_START else 0)


def test_account_network_disk_and_labels():
    job = made(
        service_account="a@p.iam.gserviceaccount.com",
        network="projects/1/global/networks/n",
        boot_disk_type="pd-standard",
        boot_disk_gb=200,
        labels={"team": "two"},
    )
    assert job.job_spec.service_account == "a@p.iam.gserviceaccount.com"
    assert job.job_spec.network == "projects/1/global/networks/n"
    disk = job.job_spec.worker_pool_specs[0].disk_spec
    assert (disk.boot_disk_type, disk.boot_disk_size_gb) == ("pd-standard", 200)
    own = {"zeta-key": KEY, "zeta-sweep": "sweep", "zeta-number": "7", "zeta-attempt": "2"}
    assert dict(job.labels) == {"team": "two"} | own
    assert job.display_name == "zeta-sweep-7"
