"""The race to an error: its ladder, its counts, and that the peers train the same model."""

import pytest
import torch

from benchmarks import time_to_error
from benchmarks.harness import Report
from benchmarks.ours import experiment
from benchmarks.peers.one_cycle import OneCycleClusters, training_data
from benchmarks.time_to_error import Attempt, Goal, Package, attempt, middle, pipelines, race
from zeta_exp.models import Model
from zeta_exp.report.silence import Silence

GOAL = Goal(zeros=400, max_prime=10, error=1.0, seeds=(0, 1), ladder=(3, 5))
NODES = 360  # of an epoch
FREE = [*GOAL.overrides, "model.reflection=false"]  # PyG knows no mirror
LADDER = (10, 20, 40, 80)


@pytest.fixture(scope="module")
def taking():
    """The three pipelines on a short line."""
    return pipelines(GOAL)


def falling(log, name, scale):
    """An attempt whose error is scale/updates."""

    def climb(updates):
        log.append((name, updates))
        return Attempt(updates, 100.0 * updates, 1.0, 1.0, scale / updates)

    return climb


def test_the_ladder_is_left_at_the_first_budget_that_is_enough():
    log = []
    climbers = {"fast": falling(log, "fast", 1.0), "slow": falling(log, "slow", 4.0)}
    found = race(climbers, LADDER, target=0.1)
    assert {name: one.updates for name, one in found.items()} == {"fast": 10, "slow": 40}
    assert log == [("fast", 10), ("slow", 10), ("slow", 20), ("slow", 40)]


def test_who_never_reaches_the_error_is_left_at_the_cap():
    found = race({"slow": falling([], "slow", 100.0)}, LADDER, target=0.1)
    assert found["slow"].updates == LADDER[-1]
    assert found["slow"].error > 0.1


def test_medians_are_taken_number_by_number():
    attempts = [Attempt(7, v, s, s, e) for v, s, e in ((1, 5, 0.1), (3, 4, 0.3), (2, 9, 0.2))]
    assert middle(attempts) == Attempt(7, 2, 5, 5, 0.2)


@pytest.mark.soak
def test_a_budget_of_an_epoch_visits_each_node_once(taking):
    """Steps of 256 nodes: two make an epoch of 360."""
    for pipeline in taking.values():
        assert attempt(pipeline, 2, seed=0).visits == NODES
        assert attempt(pipeline, 4, seed=0).visits == 2 * NODES


def test_the_peer_has_as_many_parameters_as_ours_without_reflection(taking):
    ours = Package(lambda seed: experiment(FREE)).start(2, 0).model
    peer = taking["PyG, AdamW"].start(2, 0).model
    assert isinstance(ours, Model)
    assert sum(p.numel() for p in peer.parameters()) == ours.n_parameters


def test_the_peer_has_our_features_targets_and_window():
    """The weights of ours give the error of ours over the next tenth."""
    run = experiment(FREE)
    package = Package(lambda seed: run)
    learner = package.start(4, 0)
    for _ in range(4):
        learner.step()
    data = training_data(run)
    start, stop = run.split.train
    batch = torch.arange(start, stop).numpy()
    assert torch.equal(data.x, package.line.features(batch))
    assert torch.equal(data.y, package.line.truth(batch))
    peer = OneCycleClusters(run, 4).start(4, 0)
    peer.model.load_ours(learner.model.state_dict())
    assert peer.error() == pytest.approx(learner.error(), rel=1e-5)


def test_our_training_is_that_of_a_run(tmp_path):
    """Three epochs of two updates; windows of other lengths may round the outputs otherwise."""
    run = experiment([*GOAL.overrides, "budget.epochs=3", "hardware.threads=1"])
    result = run.run(tmp_path, False, Silence())
    learner = Package(lambda seed: run).start(6, run.seed)
    assert sum(learner.step() for _ in range(6)) == result["node_visits"]
    assert result["best_epoch"] == 3
    assert learner.error() == pytest.approx(result["extrapolation_error_next10pct"], rel=1e-6)


@pytest.mark.soak
def test_the_table_marks_who_has_missed(taking, monkeypatch):
    report = Report(barred=False)
    time_to_error.reach(report, GOAL, taking)
    head, *body = report.tables["time_to_error"]
    assert {len(row) for row in body} == {len(head)}
    assert [row[2] for row in body] == list(taking)
    assert len(report.rows) == 4

    report = Report(barred=False)
    monkeypatch.setattr(time_to_error, "TIMED_UPDATES", 2)
    time_to_error.update_rates(report, GOAL, taking, 1)
    assert all(row.ours > 0 and row.ratio > 0 for row in report.rows)

    found = dict(
        zip(taking, (Attempt(3, 9, 1, 1, 0.5), *2 * [Attempt(5, 18, 2, 2, 1.5)]), strict=True)
    )
    rows = [time_to_error.cells(GOAL, name, found) for name in found]
    assert [row[3] for row in rows] == ["3", "> 5", "> 5"]
    assert rows[1][-3:] == ["> 2", "> 2", "> 2"]
