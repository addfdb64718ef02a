"""Real trainings on the cloud of this machine: the launcher, run.py and its worker together."""

import threading
import time

import pytest

from tests import warm
from tests.launchers.bucket import TRAINING
from tests.launchers.launching import REPOSITORY, sweeps_on
from tests.launchers.test_launch import AWKWARD
from tests.launchers.test_preemption import STATE, tensors
from tests.run.conftest import run
from tests.standins import Cloud

__all__ = ["run"]  # a fixture
HERE = tuple(text for text in TRAINING if text != "hardware=cpu")  # the sweeps' own


@pytest.fixture
def sweeps(tmp_path, monkeypatch, capsys):
    """A cloud whose jobs train."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("ZETA_MIRROR_SECONDS", "0.2")
    (tmp_path / "home").mkdir()
    with (
        Cloud(tmp_path, (*warm.python(), str(REPOSITORY / "run.py")), REPOSITORY) as cloud,
        sweeps_on(cloud, tmp_path / "home", monkeypatch, capsys) as ready,
    ):
        yield ready


@pytest.mark.parametrize(
    "rates", ["0.01", pytest.param("0.01,0.02", marks=pytest.mark.soak)], ids=["1×2", "2×2"]
)
def test_a_grid_of_trainings_gives_what_it_gives_here(run, sweeps, rates, counted):
    """Quotes, braces, commas and spaces in overrides: the objectives of the same sweep at home."""
    grid = (*HERE, "seed=1,2", f"optimizer.lr={rates}", AWKWARD)
    ended = sweeps.run(*grid, "hydra.launcher.poll_s=0.5")
    assert ended.code == 0, ended.out + ended.err
    remote = sweeps.results()
    assert {result["status"] for result in remote.values()} == {"completed"}
    here = sweeps.folder / "here"
    assert run("-m", *grid, "hardware=cpu", f"hydra.sweep.dir={here}").code == 0
    local = sweeps.results("here")
    same = ("val_rmse", "extrapolation_error_next10pct", "config_sha256", "updates")
    assert [[r[key] for key in same] for r in remote.values()] == [
        [r[key] for key in same] for r in local.values()
    ]
    assert sweeps.values() == {number: r["val_rmse"] for number, r in remote.items()}
    assert len({r["val_rmse"] for r in remote.values()}) == len(remote)
    counted(true_results_of_grids=len(remote))


@pytest.mark.soak
def test_a_spot_job_preempted_twice_gives_the_weights_of_one_never_preempted(sweeps):
    long = (*HERE, "budget.epochs=4000", "hydra.launcher.provisioning=SPOT")
    ended = []
    sweep = threading.Thread(target=lambda: ended.append(sweeps.start(*long).wait()))
    sweep.start()
    (job,) = waited(sweeps.cloud.jobs)
    for before in (0, 1):
        waited(lambda n=before: sweeps.cloud.log(job.name).count("resuming after epoch") == n)
        already = epochs(sweeps.cloud)
        waited(lambda already=already: epochs(sweeps.cloud) > already + 50)
        assert sweeps.cloud.preempt(job.name) == 1
    sweep.join()
    assert ended == [0], sweeps.cloud.log(job.name)
    assert sweeps.cloud.log(job.name).count("resuming after epoch") == 2
    assert sweeps.start_here(*long[:-1], "hydra/launcher=basic", "hydra.sweep.dir=here") == 0
    (remote,) = (name for name in sweeps.cloud.names() if name.endswith(STATE))
    expected = tensors((sweeps.folder / "here" / "0" / STATE).read_bytes())
    found = tensors(sweeps.cloud.read(remote))
    assert {name: value.tolist() for name, value in found.items()} == {
        name: value.tolist() for name, value in expected.items()
    }


def epochs(cloud):
    """Rows of metrics.csv that have reached the bucket."""
    found = [name for name in cloud.names() if name.endswith("metrics.csv")]
    return sum(len(cloud.read(name).splitlines()) for name in found)


def waited(what):
    """What it gives, once that is something."""
    patience = time.monotonic() + 300
    while not (found := what()):
        assert time.monotonic() < patience
        time.sleep(0.05)
    return found
