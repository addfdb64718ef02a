"""Tables of zeros made by a sweep: python run.py --config-name=zeros -m …"""

import json
import os
import subprocess
from pathlib import Path

import gcsfs
import pytest

from tests import warm
from tests.conftest import sample
from tests.standins import Cloud
from zeta_exp import cli
from zeta_exp.zeros.formats import read
from zeta_exp.zeros.shards import Plan, computed, form_for, write_table

REPOSITORY = Path(__file__).parents[2]
TABLE = ["count=1000", "shards=4", "hardware.threads=1"]
ALL = "shard=range(0,4)"


@pytest.fixture
def generate(run):
    """Calls run.py for slices of zeros."""
    return lambda *arguments: run("--config-name=zeros", *arguments)


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    with Cloud(tmp_path, [*warm.python(), "run.py"], REPOSITORY) as cloud:
        for key, value in cloud.environment.items():
            monkeypatch.setenv(key, value)
        gcsfs.GCSFileSystem.clear_instance_cache()
        yield cloud
    gcsfs.GCSFileSystem.clear_instance_cache()


def verified(path):
    return cli.main(["zeros", "verify", str(path), "--deep"])


def everything(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("form", ["ordinates", "residuals"])
def test_a_sweep_makes_the_table_of_one_process(generate, tmp_path, form):
    made = generate("-m", *TABLE, ALL, "out=zeros", f"form={form}", "hydra.sweep.dir=sweep")
    assert made.code == 0, made.err
    assert verified(tmp_path / "zeros") == 0
    supply = computed(1)
    write_table(
        str(tmp_path / "whole"), Plan(1, 1000, 250, form_for(1000, form), supply.source), supply
    )
    sliced, whole = everything(tmp_path / "zeros"), everything(tmp_path / "whole")
    for name in whole.keys() - {"manifest.json"}:
        assert sliced[name] == whole[name]
    results = [json.loads((tmp_path / f"sweep/{n}/result.json").read_text()) for n in range(4)]
    assert {result["status"] for result in results} == {"completed"}
    assert [result["slice"] for result in results] == ["1/4", "2/4", "3/4", "4/4"]
    assert [(result["start"], result["zeros"]) for result in results] == [
        (1 + 250 * n, 250) for n in range(4)
    ]


def test_a_sweep_makes_a_table_in_a_bucket(generate, cloud):
    assert generate("-m", *TABLE, ALL, f"out={cloud.bucket}/zeros").code == 0
    assert verified(f"{cloud.bucket}/zeros") == 0
    table = read(f"{cloud.bucket}/zeros")
    assert (table.start, table.count) == (1, 1000)


def test_jobs_on_vertex_make_a_table_in_the_bucket(cloud, tmp_path):
    command = [*warm.python(), str(REPOSITORY / "run.py"), "--config-name=zeros", "-m"]
    command += ["count=600", "shards=2", "shard=range(0,2)", "hardware.threads=1"]
    command += [f"out={cloud.bucket}/zeros", "hydra/launcher=vertex", "hydra.launcher.project=p"]
    command += [f"hydra.launcher.{key}={getattr(cloud, key)}" for key in ("bucket", "endpoint")]
    command += [f"hydra.launcher.image={cloud.image}", "hydra.launcher.poll_s=0.2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(cloud.jobs()) == 2
    assert verified(f"{cloud.bucket}/zeros") == 0
    assert read(f"{cloud.bucket}/zeros").count == 600


def test_a_slice_that_is_missing_shows_and_can_be_made_later(generate, tmp_path, capsys):
    assert generate("-m", *TABLE, "shard=0,1,3", "out=zeros").code == 0
    capsys.readouterr()
    assert verified(tmp_path / "zeros") == 2
    assert "3/4" in capsys.readouterr().err
    assert generate(*TABLE, "shard=2", "out=zeros").code == 0
    assert verified(tmp_path / "zeros") == 0


def test_the_same_command_again_makes_nothing_anew(generate, tmp_path):
    for _ in range(2):
        assert generate("-m", *TABLE, ALL, "out=zeros", "hydra.sweep.subdir=${now:%f}").code == 0
        times = {path: path.stat().st_mtime_ns for path in (tmp_path / "zeros").glob("*.npy")}
    assert len(times) == 4
    assert generate(*TABLE, "shard=1", "out=zeros", "hydra.run.dir=again").code == 0
    assert times == {path: path.stat().st_mtime_ns for path in times}


@pytest.mark.parametrize(
    ("overrides", "word"),
    sample(
        [
            (["shard=4"], "shard=4"),
            (["shard=-1"], "shard=-1"),
            (["shard=0", "shards=0"], "shards=0"),
            (["shard=0", "count=3"], "4 slices"),
            (["shard=0", "count=0"], "count=0"),
            (["shard=0", "start=0"], "start=0"),
            (["shard=0", "form=feet"], "feet"),
            (["shard=0", "cuont=3"], "count"),
            (["shard=0", "+foo=3"], "foo"),
            (["shard=0", "seed=3"], "seed"),
            (["shard=0", "resume=here"], "resume"),
            (["shard=0", "~hardware"], "hardware"),
            (["shard=0", "hardware.threads=0"], "threads"),
            (["shard=0", "out=memory://zeros"], "memory://"),
            (["shard=0", "out="], "out"),
            (["shard=half"], "shard=half"),
            ([], "shard"),
            (["shard=0,1"], "-m"),
        ],
        3,
    ),
)
def test_a_mistake_is_one_sentence(generate, tmp_path, overrides, word):
    assert word in generate(*TABLE, "out=zeros", *overrides).refused()
    assert not (tmp_path / "zeros").exists()


def test_a_refused_slice_of_a_sweep_is_counted_and_the_others_are_made(generate, tmp_path):
    ended = generate("-m", *TABLE, "shard=2,9", "out=zeros", "hydra.sweep.dir=sweep")
    assert ended.code == 1
    assert "1 of 2 jobs did not complete" in ended.err
    results = [json.loads((tmp_path / f"sweep/{n}/result.json").read_text()) for n in range(2)]
    assert [result["status"] for result in results] == ["completed", "refused"]
