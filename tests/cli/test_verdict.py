"""What a shell sees of `zeta verdict`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import gcsfs
import numpy as np
import pytest

from tests.standins import Cloud
from tests.verdict.sweeps import Sweep, noisy

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sweep(tmp_path):
    return Sweep(tmp_path / "sweep")


def asked(zeta, sweep, *options):
    """The answer as JSON."""
    shown = zeta("verdict", sweep.folder, "--json", *options)
    assert (shown.code, shown.err) == (0, ""), shown.err
    return json.loads(shown.out)


@pytest.mark.parametrize(
    ("effect", "verdict"),
    [
        (np.log(1.2), "essential"),
        (np.log(1.04), "helps"),
        (-np.log(1.2), "harms"),
        (0.0, "no difference"),
    ],
)
def test_each_verdict(zeta, sweep, effect, verdict):
    sweep.pairs(noisy(effect))
    answer = asked(zeta, sweep)
    (finding,) = answer["findings"]
    assert finding["verdict"] == verdict
    assert finding["log_ratio"] == pytest.approx(effect, abs=1e-9)
    low, high = finding["interval95_percent"]
    assert low < finding["percent"] < high
    assert finding["seeds"] == list(range(10))
    assert len(finding["origins"]) == 5


def test_undecided_is_an_answer(zeta, sweep):
    sweep.pairs(noisy(0.02, seeds=3, origins=1, sd=0.05))
    shown = zeta("verdict", sweep.folder)
    assert (shown.code, shown.err) == (0, "")
    assert "is undecided at N = 10,000" in shown.out
    assert "would decide it with probability 0.8" in shown.out
    assert shown.out.splitlines()[0].endswith(".")


def test_a_refusal_names_every_fault(zeta, sweep):
    sweep.pairs(noisy(0.0, seeds=2, origins=2))
    sweep.add(2, 1_000_000, 0.1, provenance={"device": "NVIDIA L4"})
    refused = zeta("verdict", sweep.folder)
    assert (refused.code, refused.out) == (2, "")
    assert "unpaired: 1 runs" in refused.err
    for options in (("--allow", "unpaired"), ("--allow", "unpaired", "zeros")):
        assert zeta("verdict", sweep.folder, *options).code == 0
    assert zeta("verdict", sweep.folder, "--allow", "zeros").code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--allow", "everything"], "--allow everything is unknown: known are unequal, unpaired"),
        (["--margin", "5"], "'5' is no margin"),
        (["--margin", "a"], "'a' is no margin"),
        (["--json", "--markdown"], "choose one"),
        (["--factor", "loss.weights.gr"], "did you mean loss.weights.rg?"),
    ],
)
def test_mistakes(zeta, sweep, options, said):
    sweep.pairs(noisy(0.0, seeds=2, origins=2))
    shown = zeta("verdict", sweep.folder, *options)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1


def test_no_sweep(zeta, tmp_path):
    assert "is no folder" in zeta("verdict", tmp_path / "missing").err
    assert "holds no run" in zeta("verdict", tmp_path).err


def test_a_wider_margin_changes_the_question(zeta, sweep):
    sweep.pairs(noisy(np.log(1.2)))
    assert asked(zeta, sweep)["findings"][0]["verdict"] == "essential"
    assert asked(zeta, sweep, "--margin", "0.3")["findings"][0]["verdict"] == "helps"


def test_without_another_value(zeta, sweep):
    for graph, error in (("line", 0.04), ("adelic", 0.02)):
        sweep.add(0, 1, 0.0, error, changes={"graph": graph})
    answer = asked(zeta, sweep, "--factor", "graph", "--without", "line")
    assert answer["findings"][0]["percent"] == pytest.approx(100)


def test_markdown(zeta, sweep):
    sweep.pairs(noisy(0.0, seeds=2, origins=2))
    assert "| --- |" in zeta("verdict", sweep.folder, "--markdown").out


def test_the_answer_is_the_same_each_time(zeta, sweep):
    sweep.pairs(noisy(0.01, sd=0.2))
    assert asked(zeta, sweep) == asked(zeta, sweep)


def test_help_and_what_it_imports(zeta):
    shown = zeta("verdict", "--help")
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 100
    code = (
        "import sys; from zeta_exp.cli import main; main(['verdict', '--help']);"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'scipy', 'torch', 'rich')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_the_verdict_needs_no_torch(sweep):
    sweep.pairs(noisy(0.0, seeds=2, origins=2))
    code = (
        f"import sys; from zeta_exp.cli import main; main(['verdict', {str(sweep.folder)!r}]);"
        "sys.exit('torch' in sys.modules)"
    )
    environment = os.environ | {"COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    root = tmp_path / "cloud"
    root.mkdir()
    with Cloud(root, [sys.executable], root) as cloud:
        for key, value in cloud.environment.items():
            monkeypatch.setenv(key, value)
        gcsfs.GCSFileSystem.clear_instance_cache()
        yield cloud
    gcsfs.GCSFileSystem.clear_instance_cache()


def test_a_sweep_in_a_bucket(zeta, sweep, cloud):
    sweep.pairs(noisy(0.02, seeds=2, origins=2), name=None)
    sweep.study()
    for path in sweep.folder.rglob("*"):
        if path.is_file():
            name = path.relative_to(sweep.folder).as_posix()
            cloud.put(f"sweeps/a=[1*]/{name}", path.read_bytes())
    shown = zeta("verdict", f"{cloud.bucket}/sweeps/a=[1*]", "--json")
    assert shown.code == 0, shown.err
    remote, local = json.loads(shown.out), asked(zeta, sweep)
    assert remote | {"folder": 0} == local | {"folder": 0}
    missing = zeta("verdict", f"{cloud.bucket}/nothing")
    assert (missing.code, "is no folder" in missing.err) == (2, True)
