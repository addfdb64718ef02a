"""max_cost refuses what could be dearer, before the first call."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud import aiplatform_v1 as v1
from hydra_plugins.hydra_vertex_launcher import _prices as prices
from hydra_plugins.hydra_vertex_launcher._machines import ACCELERATORS
from hydra_plugins.hydra_vertex_launcher.config import VertexConf

from zeta_exp.errors import UserError

HOUR = ("hydra.launcher.timeout_min=60", "+hydra.launcher.prices.g2-standard-8=1")
PLAIN = VertexConf(project="p", bucket="gs://b", image="i", timeout_min=60, max_attempts=1)


def conf(**keys):
    return VertexConf(**(vars(PLAIN) | keys))


def test_the_table_has_the_machines_of_the_two_teams_and_its_date():
    assert {"a2-ultragpu-1g", "g2-standard-8", "a3-highgpu-1g", "e2-standard-8"} <= set(
        prices.PRICES
    )
    assert set(prices.PRICES) <= set(ACCELERATORS) | {f"e2-standard-{n}" for n in (4, 8, 16)}
    assert re.fullmatch(r"20\d\d-\d\d", prices.DATE)


def test_the_worst_case_is_a_product():
    one = prices.worst(PLAIN, ["g2-standard-8"])
    assert one == prices.hourly(PLAIN, "g2-standard-8") > prices.PRICES["g2-standard-8"]
    assert prices.worst(PLAIN, ["g2-standard-8"] * 3) == pytest.approx(3 * one)
    for twice in ({"timeout_min": 120}, {"max_attempts": 2}, {"replicas": 2}):
        assert prices.worst(conf(**twice), ["g2-standard-8"]) == pytest.approx(2 * one)


def test_a_price_of_the_user_s_goes_first():
    disk = prices.hourly(PLAIN, "g2-standard-8") - prices.PRICES["g2-standard-8"]
    mine = conf(prices={"g2-standard-8": 7.0})
    assert prices.hourly(mine, "g2-standard-8") == pytest.approx(7 + disk)
    assert prices.hourly(conf(region="europe-west4"), "g2-standard-8") is None
    abroad = conf(region="europe-west4", prices={"g2-standard-8": 2.0})
    assert prices.hourly(abroad, "g2-standard-8") > 2


def test_the_bill_is_for_the_time_of_all_attempts():
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    half = v1.CustomJob(start_time=begun, end_time=begun + timedelta(minutes=30))
    assert prices.billed(2.0, [half, half, v1.CustomJob()]) == pytest.approx(2.0)
    assert prices.billed(None, [half]) is None


def test_the_batches_of_a_sweep_share_one_limit():
    ledger = prices.Ledger(conf(max_cost=3.5))
    ledger.check(["g2-standard-8"] * 3, ["g2-standard-8"])
    with pytest.raises(UserError, match=r"4 jobs of up to 60 minutes"):
        ledger.check(["g2-standard-8"], [])


OPTUNA = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=1")


@pytest.mark.parametrize(
    ("overrides", "jobs"),
    [
        (("seed=range(3)", "hydra.sweeper.max_batch_size=1"), 3),
        pytest.param((*OPTUNA, "optimizer.lr=interval(0.001,0.1)"), 6, marks=pytest.mark.soak),
    ],
)
def test_max_cost_is_of_the_whole_sweep(nowhere, overrides, jobs, counted):
    """Three attempts of an hour at 1 USD and the disk: one job too many is refused."""
    limits = ["hardware=l4", *HOUR, f"hydra.launcher.max_cost={jobs * 3.0}"]
    ended = nowhere.run(*limits, *overrides)
    assert ended.code == 2
    sentence = ended.err.splitlines()[-1]  # optuna has a word before
    assert sentence.startswith("error: the sweep could cost")
    assert f"{jobs} jobs of up to 60 minutes, 3 attempts each" in sentence
    assert not list(nowhere.folder.rglob("result.json"))
    counted(sweeps_refused_by_max_cost_before_any_call=1)


STUDY = (
    "experiment=rg_essential_small",
    *(f"~hydra.sweeper.parts.{part}" for part in ("others", "published", "published_P")),
    "hydra.sweeper.parts.deciding.axes=[]",
    "hydra.sweeper.tuning.steps.0.values=[1e-3]",
    "hydra.sweeper.tuning.steps.1.values=[0]",
    "hydra.sweeper.tuning.steps.2.values=[0,1]",
    "hydra.sweeper.seeds=[1,2]",
    "hydra.sweeper.starts=[1_000_001]",
    "hydra.sweeper.controls.arms=[]",
)


def test_max_cost_is_of_all_runs_of_a_study(nowhere):
    """Its first batch has 2 runs: 6 tune in all, and 4 confirm."""
    ended = nowhere.run("hardware=l4", *HOUR, "hydra.launcher.max_cost=6.5", *STUDY)
    assert ended.code == 2
    assert "11 jobs of up to 60 minutes" in ended.err  # one is the reference


def test_the_dearest_machine_of_a_batched_grid_is_counted(nowhere):
    grid = ("hardware=l4,a100", "seed=1,2", "hydra.sweeper.max_batch_size=1")
    cost = float(
        re.search(
            r"could cost ([\d.]+) USD \(4 jobs",
            nowhere.run(*grid, *HOUR, "hydra.launcher.max_cost=1").refused(),
        )[1]
    )
    assert cost > 2 * 3 * prices.PRICES["a2-ultragpu-1g"]


def test_a_limit_needs_prices():
    with pytest.raises(UserError, match=r"\+hydra\.launcher\.prices\.g2-standard-8=…"):
        prices.Ledger(conf(region="europe-west4", max_cost=9)).check(["g2-standard-8"], [])


def test_a_sweep_within_its_limit_runs(sweeps):
    assert sweeps.run("seed=1", *HOUR, "hydra.launcher.max_cost=4").code == 0
    assert 0 < sweeps.results()[0]["cost_usd"] < 0.01
