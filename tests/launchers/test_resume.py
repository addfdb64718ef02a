"""The same command again: nothing is run twice and nothing is lost, wherever it was cut."""

import random
import signal
import time
from collections import Counter

import pytest
from google.cloud import aiplatform_v1 as v1

from tests.launchers.entry import value_of

State = v1.JobState


def truth(*seeds):
    return {n: value_of(["hardware=cpu", f"seed={seed}"]) for n, seed in enumerate(seeds)}


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def attempts(sweeps):
    """How often each job was made."""
    return Counter(job.labels["zeta-key"] for job in sweeps.cloud.jobs())


def test_the_same_command_again_buys_nothing_and_a_longer_one_what_is_new(sweeps, counted):
    assert sweeps.run("seed=range(2)").code == 0
    before = sweeps.results()
    assert sweeps.run("seed=range(2)", "+hydra.launcher.labels.team=one").code == 0
    counted(jobs_bought_by_the_same_command_again=sweeps.created() - 2)
    assert sweeps.created() == 2
    assert sweeps.results() == before
    assert sweeps.run("seed=range(4)").code == 0
    assert sweeps.created() == 4
    assert sweeps.values() == truth(0, 1, 2, 3)


def test_only_its_own_result_is_kept_unless_a_fresh_one_is_asked_for(sweeps):
    """A result that names another attempt is none of this one."""
    assert sweeps.run("seed=1").code == 0
    [job] = sweeps.cloud.jobs()
    path = f"runs/{job.labels['zeta-key']}/1/result.json"
    sweeps.cloud.put(path, sweeps.cloud.read(path).replace(b'"attempt": 1', b'"attempt": 7'))
    assert sweeps.run("seed=1", "hydra.sweep.dir=elsewhere").code == 0
    assert sweeps.run("seed=1", "hydra.launcher.fresh=true").code == 0
    attempts = sorted(job.labels["zeta-attempt"] for job in sweeps.cloud.jobs())
    assert attempts == ["1", "2", "3"]
    result = sweeps.results()[0]
    assert result["job"]["attempt"] == 3
    assert result["job"]["output"].endswith("/3")


@pytest.mark.soak
def test_one_of_three_fails(sweeps, counted):
    ended = sweeps.run("seed=1,666,3")
    assert ended.code == 1
    assert "sweep/1: failed: a defect\n1 of 3 jobs did not complete\n" in ended.err
    assert "#1 (hardware=cpu seed=666) failed: a defect" in ended.out
    assert "  | seed 666 of cpu\n  all of it: zeta jobs logs projects/" in ended.out
    kept = sweeps.values()
    assert kept == {number: truth(1, 666, 3)[number] for number in (0, 2)}
    assert sweeps.run("seed=1,666,3").code == 1
    assert sorted(attempts(sweeps).values()) == [1, 1, 2]
    assert sweeps.values() == kept
    counted(results_kept_beside_a_failed_job=len(kept), jobs_bought_again_after_it=1)


def test_a_success_needs_a_result(sweeps):
    """An exit status of 0 without a result is none."""
    assert sweeps.run("seed=668").code == 1
    assert "left no result.json of its own" in sweeps.results()[0]["reason"]
    assert sweeps.created() == 1
    assert sweeps.run("seed=668").code == 1
    assert sweeps.created() == 2


def killed_and_repeated(sweeps, kills, generator, counted):
    """Kills the launcher at random calls, then lets the same command end."""
    command = ("seed=1,2,3", "budget.epochs=5", "hydra.launcher.max_parallel=2")
    for _ in range(kills):
        moment = len(sweeps.cloud.calls) + generator.randint(1, 18)
        launcher = sweeps.start(*command)
        until(lambda: len(sweeps.cloud.calls) >= moment or launcher.poll() is not None)  # noqa: B023
        time.sleep(generator.uniform(0, 0.02))
        launcher.send_signal(signal.SIGKILL)
        launcher.communicate()
    ended = sweeps.run(*command)
    assert ended.code == 0, ended.out + ended.err
    twice, lost = sweeps.created() - 3, 3 - len(sweeps.values())
    counted(launchers_killed=kills, jobs_made_twice=twice, results_lost=lost)
    assert set(attempts(sweeps).values()) == {1}
    assert sweeps.created() == 3
    overrides = [["hardware=cpu", f"seed={seed}"] for seed in (1, 2, 3)]
    assert sweeps.values() == {number: value_of(own) for number, own in enumerate(overrides)}


def test_a_killed_launcher_loses_nothing(sweeps, counted):
    killed_and_repeated(sweeps, 2, random.Random(0), counted)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_a_launcher_killed_often_loses_nothing(sweeps, seed, counted):
    killed_and_repeated(sweeps, 2, random.Random(1 + seed), counted)


WAITING = "budget.epochs=1000"  # for the object "go"


def interrupted(sweeps, *overrides):
    """Ctrl-C once two jobs run."""
    launcher = sweeps.start("seed=1,2", WAITING, *overrides)
    until(lambda: [j.state for j in sweeps.cloud.jobs()] == [State.JOB_STATE_RUNNING] * 2)
    launcher.send_signal(signal.SIGINT)
    out = launcher.communicate(timeout=60)[0]
    assert launcher.returncode == 130, out
    assert "Traceback" not in out
    return out


def test_an_interrupt_that_leaves(sweeps):
    out = interrupted(sweeps)
    assert "give the same command again to attach" in out
    assert all(job.name in out for job in sweeps.cloud.jobs())
    sweeps.cloud.put("go", b"")
    assert sweeps.run("seed=1,2", WAITING).code == 0
    assert sweeps.created() == 2


def test_an_interrupt_that_cancels(sweeps):
    interrupted(sweeps, "hydra.launcher.on_interrupt=cancel")
    until(lambda: [j.state for j in sweeps.cloud.jobs()] == [State.JOB_STATE_CANCELLED] * 2)
    sweeps.cloud.put("go", b"")
    assert sweeps.run("seed=1,2", WAITING).code == 0
    assert sorted(attempts(sweeps).values()) == [2, 2]


def test_two_launchers_never_share_a_directory(sweeps):
    first = sweeps.start("seed=1", WAITING)
    until(sweeps.cloud.jobs)
    assert "another launcher is at work" in sweeps.run("seed=1", WAITING).refused()
    first.send_signal(signal.SIGKILL)
    first.communicate()


def test_a_run_of_this_machine_is_not_written_over(sweeps):
    place = sweeps.folder / "sweep" / "0"
    place.mkdir(parents=True)
    (place / "config.yaml").write_text("seed: 1\n")
    assert "already holds a sweep" in sweeps.run("seed=1").refused()
    custom = "hydra.sweep.subdir='${hydra.job.num}'"
    assert "already holds a" in sweeps.run("seed=1", custom).refused()
    assert sweeps.cloud.calls == []
