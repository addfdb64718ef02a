"""A sweep on the cloud: each job's own result, whatever is in its overrides."""

import json
from itertools import pairwise
from pathlib import Path

import yaml
from google.cloud import aiplatform_v1 as v1

from tests import warm
from tests.launchers.entry import value_of
from tests.launchers.launching import HERE, sweeps_on
from tests.standins import Cloud

TOKENS = ("eyJ0eXAi", "eyJhbGci")  # how those begin that a key signs
PLANTED = "hunter2-of-the-user"
AWKWARD = "hardware.name='a b, {c: \"d\"} = [\\'e\\'] $x \\\\'"


def test_a_grid_gives_true_results(tmp_path, monkeypatch, capsys, counted):
    """The container composes from its arguments alone the config that the launcher has."""
    entry = (*warm.python(), str(HERE / "composing.py"))
    with (
        Cloud(tmp_path, entry, HERE.parents[1]) as cloud,
        sweeps_on(cloud, tmp_path, monkeypatch, capsys) as sweeps,
    ):
        ended = sweeps.run("seed=3,4", "strategy=fullbatch,streamed", AWKWARD)
        assert ended.code == 0, ended.out + ended.err
        results = sweeps.results()
        found = [(r["seed"], r["strategy"], r["return_value"]) for r in results.values()]
    both = [(seed, strategy) for seed in (3, 4) for strategy in ("FullBatch", "Streamed")]
    assert [(seed, strategy.rpartition(".")[2]) for seed, strategy, _ in found] == both
    assert [value for *_, value in found] == [3, 3, 4, 4]
    assert {r["name"] for r in results.values()} == {"a b, {c: \"d\"} = ['e'] $x \\"}
    assert all(r["cost_usd"] > 0 for r in results.values())
    counted(true_results_of_grids=len(results))


def test_each_job_runs_on_its_own_machine_and_its_files_come_here(sweeps):
    ended = sweeps.run("hardware=a100,l4", "seed=1")
    assert ended.code == 0
    assert "epoch 2: val_rmse 0.25" in ended.out
    names = {"result.json", "config.yaml", "metrics.csv", "run.log"}
    for number in "01":
        assert {path.name for path in (sweeps.folder / "sweep" / number).iterdir()} == names
    machines = [j.job_spec.worker_pool_specs[0].machine_spec for j in sweeps.cloud.jobs()]
    found = {
        (m.machine_type, v1.AcceleratorType(m.accelerator_type).name, m.accelerator_count)
        for m in machines
    }
    assert found == {
        ("a2-ultragpu-1g", "NVIDIA_A100_80GB", 1),
        ("g2-standard-8", "NVIDIA_L4", 1),
    }
    assert sweeps.values() == {
        number: value_of([f"hardware={name}", "seed=1"])
        for number, name in enumerate(("a100", "l4"))
    }


def test_equal_jobs_of_a_sweep_are_one(sweeps):
    assert sweeps.run("seed=1,2,1").code == 0
    assert sweeps.created() == 2
    values = sweeps.values()
    assert values[0] == values[2] != values[1]
    assert sweeps.results()[2]["cost_usd"] == 0


def test_no_more_jobs_at_once_than_asked(sweeps):
    most = sweeps.run("seed=range(3)", "budget.epochs=2", "hydra.launcher.max_parallel=1")
    assert most.code == 0
    jobs = sorted(sweeps.cloud.jobs(), key=lambda job: job.create_time)
    assert all(a.end_time <= b.create_time for a, b in pairwise(jobs))


def test_a_sweeper_that_reads_the_objective(sweeps, counted):
    """Six trials in batches of three: what it calls the best is the best of the true values."""
    trials = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=3"]
    ended = sweeps.run(*trials, "hydra.sweeper.sampler.seed=1", "optimizer.lr=interval(0.001,0.1)")
    assert ended.code == 0, ended.out + ended.err
    assert sweeps.created() == 6
    overrides = {
        job.labels["zeta-number"]: list(job.job_spec.worker_pool_specs[0].container_spec.args[1:3])
        for job in sweeps.cloud.jobs()
    }
    truth = {int(number): value_of(own) for number, own in overrides.items()}
    assert sweeps.values() == truth
    best = yaml.safe_load((sweeps.folder / "sweep" / "optimization_results.yaml").read_text())
    assert best["best_value"] == min(truth.values())
    counted(true_values_of_optuna=len(truth))


def test_the_production_path(sweeps, monkeypatch):
    """gRPC with TLS and a service account, as with Google: only the address differs."""
    with sweeps.cloud.tls() as (endpoint, environment):
        place = f"hydra.launcher.endpoint={endpoint}"
        variable = f"+hydra.launcher.env.TOKEN={PLANTED}"
        done = sweeps.start("seed=1", place, variable, **environment)
        out = done.communicate(timeout=120)[0]
        account = json.loads(Path(environment["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    assert done.returncode == 0, out
    assert sweeps.values() == {0: value_of(["hardware=cpu", "seed=1"])}
    (job,) = sweeps.cloud.jobs()
    written = [path.read_bytes() for path in sweeps.folder.rglob("*") if path.is_file()]
    written += [sweeps.cloud.read(name) for name in sweeps.cloud.names()]
    written += [text.encode() for text in (out, sweeps.cloud.log(job.name))]
    assert PLANTED in str(job)  # only there
    assert not any(PLANTED.encode() in text for text in written)
    written.append(str(job).encode())
    key = [line for line in account["private_key"].splitlines() if line]
    assert len(key) > 20
    for secret in (*key, account["private_key_id"], *TOKENS):
        assert not any(secret.encode() in text for text in written)
