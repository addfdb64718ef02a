"""Budgets in every currency: exact ends, schedules that span them, resuming, early stopping."""

import os
import signal

import pytest

from tests.conftest import make_line, make_model
from zeta_exp.budget import KINDS, Budget
from zeta_exp.checkpoint import Progress, load_checkpoint
from zeta_exp.errors import UserError
from zeta_exp.losses import make_loss
from zeta_exp.metrics import COLUMNS, read_metrics
from zeta_exp.optimizer import AdamWOneCycle
from zeta_exp.ranks import ALONE
from zeta_exp.split import Split
from zeta_exp.strategies import ExactGradient, FullBatch, Streamed
from zeta_exp.tracking import NoTracker
from zeta_exp.training import Interrupted, Training

RECIPE = AdamWOneCycle(lr=1e-2, weight_decay=1e-2, clip=1.0, pct_start=0.3)
SPLIT = Split(start=1, N=300)  # 270 train
LOSS = make_loss({"mse": 1.0}, "smooth", {"form": "block_spin", "scales": [2]})
STEPS = 5  # of an epoch, 54 ordinals each


class Run:
    """A training in `directory` with a budget; errors: val_rmse of one evaluation after another."""

    def __init__(self, directory, budget, stop_after=None, errors=None, strategy=None):
        line = make_line(count=300)
        self.model = make_model("linear", line)
        strategy = strategy or Streamed(block_size=None, steps_per_epoch=STEPS, seed=0)
        visits = strategy.open(line, SPLIT, LOSS, self.model, ALONE)
        total = budget.total(visits.updates_per_epoch)
        self.optimisation = RECIPE.start(self.model, total)
        self.budget, self.directory, self.rates = budget, directory, []
        self.made, self.stop_after = 0, stop_after
        found = iter(errors or ())
        self.training = Training(
            model=self.model,
            gradient=ExactGradient(self.model, LOSS),
            visits=visits,
            optimisation=self.optimisation,
            validate=lambda: dict.fromkeys(COLUMNS[6:], 0.5) | {"val_rmse": next(found, 0.5)},
            budget=budget,
            directory=directory,
            tracker=NoTracker(),
            advance=self.advance,
        )

    def advance(self, updates, total, row):
        self.made += updates
        self.rates.append(self.optimisation.lr)
        if updates and self.made == self.stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    def resumed(self):
        return load_checkpoint(self.directory, self.model, self.optimisation, self.budget.spent)

    def state(self):
        return {name: value.numpy().tobytes() for name, value in self.model.state_dict().items()}


EXACT = {
    "epochs": (Budget(epochs=2), 10),
    "updates": (Budget(epochs=9, kind="updates", updates=13), 13),
    "node_visits": (Budget(epochs=9, kind="node_visits", node_visits=54 * 12 + 1), 13),
}


@pytest.mark.parametrize("kind", EXACT)
def test_a_run_ends_with_the_update_that_spends_its_budget(tmp_path, kind):
    budget, updates = EXACT[kind]
    progress = Run(tmp_path, budget).training.run(Progress())
    rows = read_metrics(tmp_path / "metrics.csv")
    assert progress.updates == rows[-1]["updates"] == updates
    assert rows[-1]["node_visits"] == 54 * updates
    assert [row["epoch"] for row in rows] == [1, 2, 3][: -(-updates // STEPS)]


def test_seconds_end_a_run_soon_after_they_have_passed(tmp_path):
    budget = Budget(epochs=1, kind="seconds", seconds=0.3)
    progress = Run(tmp_path, budget).training.run(Progress())
    assert progress.wall_s >= 0.3
    assert progress.updates > 5  # on any machine: an update of 54 nodes takes less than a ms


@pytest.mark.parametrize("kind", KINDS)
def test_the_schedule_spans_the_budget(tmp_path, kind):
    """Warm-up from lr/25, the peak after pct_start of the budget, next to nothing at the end."""
    budget = {
        "epochs": Budget(epochs=40),
        "updates": Budget(epochs=1, kind="updates", updates=200),
        "node_visits": Budget(epochs=1, kind="node_visits", node_visits=200 * 54),
        "seconds": Budget(epochs=1, kind="seconds", seconds=0.5),
    }[kind]
    run = Run(tmp_path, budget)
    assert run.optimisation.lr == pytest.approx(1e-2 / 25)
    run.training.run(Progress())
    assert max(run.rates) == pytest.approx(1e-2, rel=0.05)
    assert run.rates[-1] < 1e-4
    if kind != "seconds":
        peak = run.rates.index(max(run.rates)) / len(run.rates)
        assert peak == pytest.approx(0.3, abs=0.02)


def test_the_same_updates_are_the_same_numbers_in_each_currency(tmp_path):
    """Ten updates, which two epochs are."""
    states = [
        (Run(tmp_path / "a", Budget(epochs=2)), Progress()),
        (Run(tmp_path / "b", Budget(epochs=9, kind="updates", updates=10)), Progress()),
    ]
    for run, progress in states:
        run.directory.mkdir()
        run.training.run(progress)
    assert states[0][0].state() == states[1][0].state()


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("stop_after", [3, 5, 9])
def test_a_resumed_run_gives_the_same_bytes(tmp_path, kind, stop_after):
    budget, updates = EXACT[kind]
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = Run(tmp_path / "whole", budget)
    whole.training.run(Progress())
    with pytest.raises(Interrupted):
        Run(tmp_path / "parts", budget, stop_after).training.run(Progress())
    later = Run(tmp_path / "parts", budget)
    progress = later.training.run(later.resumed())
    assert progress.updates == updates
    assert later.state() == whole.state()
    again = Run(tmp_path / "parts", budget)  # a run that has ended is not trained further
    assert again.training.run(again.resumed()).updates == updates
    assert again.state() == whole.state()


def test_a_run_stopped_at_its_last_update_gets_its_last_row(tmp_path):
    budget = Budget(epochs=9, kind="updates", updates=7)
    with pytest.raises(Interrupted):
        Run(tmp_path, budget, stop_after=7).training.run(Progress())
    assert len(read_metrics(tmp_path / "metrics.csv")) == 1
    later = Run(tmp_path, budget)
    later.training.run(later.resumed())
    assert [row["updates"] for row in read_metrics(tmp_path / "metrics.csv")] == [5, 7]


@pytest.mark.parametrize("strategy", ["streamed", "fullbatch"])
def test_early_stopping_counts_evaluations(tmp_path, strategy):
    """The third is the best, and two more are waited for, whatever an epoch is."""
    errors = [0.5, 0.4, 0.3, 0.3, 0.4, 0.1]
    chosen = FullBatch() if strategy == "fullbatch" else None
    run = Run(tmp_path, Budget(epochs=50, patience=2), errors=errors, strategy=chosen)
    progress = run.training.run(Progress())
    assert (progress.epoch, progress.stale, progress.best_val_rmse) == (5, 2, 0.3)
    assert len(read_metrics(tmp_path / "metrics.csv")) == 5


def test_a_resumed_run_remembers_its_best_evaluation(tmp_path):
    budget = Budget(epochs=50, patience=2)
    with pytest.raises(Interrupted):
        Run(tmp_path, budget, stop_after=11, errors=[0.2, 0.3]).training.run(Progress())
    later = Run(tmp_path, budget, errors=[0.25, 0.1])
    progress = later.training.run(later.resumed())
    assert (progress.epoch, progress.best_val_rmse) == (3, 0.2)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"kind": "hours"}, "budget.kind=hours is unknown; known: epochs, updates"),
        ({"kind": "updates"}, "budget.kind=updates needs budget.updates"),
        ({"kind": "updates", "updates": 0}, "budget.updates=0 trains nothing"),
        ({"kind": "seconds", "seconds": float("nan")}, "budget.seconds=nan trains nothing"),
        ({"updates": 5}, "budget.updates=5 is never read with budget.kind=epochs"),
        ({"patience": 0}, "budget.patience=0"),
    ],
)
def test_a_mistake_is_named(keys, words):
    with pytest.raises(UserError, match=words.replace(".", r"\.")):
        Budget(epochs=3, **keys)
