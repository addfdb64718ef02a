"""Settings that mean nothing are refused in one sentence, before any call."""

import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from hydra_plugins.hydra_vertex_launcher._machines import machine_of
from hydra_plugins.hydra_vertex_launcher._plan import Job
from hydra_plugins.hydra_vertex_launcher._spec import check, check_job
from hydra_plugins.hydra_vertex_launcher.config import Provisioning, VertexConf
from omegaconf import OmegaConf

from tests.launchers.launching import IMAGE
from zeta_exp.errors import UserError


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("hydra.launcher.projct=x", "'projct' of hydra.launcher is unknown; known: boot_disk_gb"),
        ("hydra.launcher.labels.team=x", "+hydra.launcher.labels.team=…"),
        ("hydra.launcher.on_interrupt=shrug", "expected one of [leave, cancel]"),
        ("hydra.launcher.project=???", "hydra.launcher.project has no value"),
        ("hydra.launcher.provisioning=FLEX_START", "FLEX_START is for machines with a GPU"),
        ("hydra.launcher.max_parallel=0", "max_parallel=0 is too small"),
        ("hardware=auto", "hardware=auto names no machine to rent"),
        ("hydra.sweep.subdir=one", "gives two jobs one directory"),
        ("--config-dir=.", "is on this machine alone"),
    ],
)
def test_a_sweep_that_cannot_be(nowhere, override, words):
    ended = nowhere.run("seed=1,2", override)
    assert words in ended.refused()
    assert not list(nowhere.folder.rglob("result.json"))


def test_without_googles_libraries_there_is_one_sentence(nowhere, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.cloud", None)
    assert "pip install 'zeta_exp[gcp]'" in nowhere.run("seed=1").refused()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"zeros": {"path": "zeros"}}, r"zeros\.path=zeros is on this machine alone"),
        ({"out": "/home/me/zeros"}, r"out=/home/me/zeros is on this machine alone"),
        ({"zeros": {"path": "gs://bucket/zeros"}}, None),
        ({"out": "/gcs/bucket/zeros"}, None),
        ({"zeros": {}}, None),
    ],
)
def test_a_table_is_where_jobs_see_it(config, words):
    job = Job(0, (), OmegaConf.create(config), "k", "d", "g2-standard-8", Path("sweep/0"))
    with pytest.raises(UserError, match=words) if words else nullcontext():
        check_job(conf(), job)


def test_without_m_the_launcher_is_refused(nowhere):
    ended = nowhere.run("seed=1", multirun=False)
    assert "hydra/launcher=vertex would be ignored without -m" in ended.refused()


def conf(**keys):
    return VertexConf(**({"project": "p", "bucket": "gs://bucket", "image": IMAGE} | keys))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"bucket": "bucket"}, r"bucket=bucket is no bucket: give gs://NAME"),
        ({"image": "zeta:latest"}, r"image=zeta:latest is not pinned"),
        ({"replicas": 0}, r"replicas=0 is too small"),
        ({"timeout_min": -1.0}, r"timeout_min=-1\.0 is no time to wait"),
        ({"poll_s": 0.0}, r"poll_s=0\.0 is no time to wait"),
        ({"boot_disk_type": "floppy"}, r"known: pd-ssd, pd-standard"),
        ({"boot_disk_gb": 5}, r"boot_disk_gb=5 is out of range: use 100 to 64000"),
        ({"sweep_id": "A B"}, r"sweep_id=A B is no label"),
        ({"sweep_id": ""}, r"sweep_id= is no label"),
        ({"labels": {"team": "A"}}, r"team=A is no label"),
        ({"labels": {"1": "a"}}, r"1=a is no label"),
        ({"labels": {"zeta-key": "a"}}, r"zeta-key is the launcher's own"),
        ({"labels": {f"k{n}": "" for n in range(61)}}, r"61 entries: use 60 or fewer"),
        ({"env": {f"k{n}": "" for n in range(101)}}, r"101 entries: use 100 or fewer"),
        (
            {"provisioning": Provisioning.FLEX_START, "timeout_min": 10081.0},
            r"timeout_min=10081 is too long",
        ),
    ],
)
def test_a_setting_that_means_nothing(keys, words):
    check(conf())
    with pytest.raises(UserError, match=words):
        check(conf(**keys))


@pytest.mark.parametrize(
    ("gpu", "machine", "words"),
    [
        ("L4", "a2-ultragpu-1g", r"needs an NVIDIA L4 and"),
        ("A100", "e2-standard-8", r"needs a GPU and"),
        ("A100", "g2-standard-8", r"has NVIDIA_L4"),
        (None, "m9-mega", r"machine_type=m9-mega is unknown; known: a2-highgpu"),
        (None, None, r"names no machine to rent"),
    ],
)
def test_a_machine_that_does_not_fit(gpu, machine, words):
    device = "cuda" if gpu else "auto"
    hardware = {"name": "mine", "device": device, "gpu": gpu, "machine_type": machine}
    with pytest.raises(UserError, match=words):
        machine_of(hardware)


@pytest.mark.parametrize(
    ("gpu", "machine"),
    [("L4", "g2-standard-8"), ("A100", "a2-ultragpu-1g"), (None, "n1-highmem-8")],
)
def test_a_machine_that_fits(gpu, machine):
    device = "cuda" if gpu else "cpu"
    hardware = {"name": "mine", "device": device, "gpu": gpu, "machine_type": machine}
    assert machine_of(hardware) == machine
