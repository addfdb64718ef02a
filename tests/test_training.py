"""The loop, the optimiser, checkpoints and what is written."""

import json
import os
import resource
import signal
from copy import deepcopy

import numpy as np
import pytest
import torch

from tests.conftest import make_line, make_model
from zeta_exp.budget import Budget
from zeta_exp.checkpoint import FILE, Progress, load_checkpoint, load_model, save_checkpoint
from zeta_exp.errors import UserError
from zeta_exp.files import write_atomically
from zeta_exp.graph import Block
from zeta_exp.losses import make_loss
from zeta_exp.metrics import COLUMNS, read_metrics
from zeta_exp.models import PyGModel
from zeta_exp.optimizer import AdamWOneCycle, MuonOneCycle
from zeta_exp.parts import config_sha256
from zeta_exp.ranks import ALONE
from zeta_exp.result import write_predictions, write_result
from zeta_exp.split import Split
from zeta_exp.strategies import ExactGradient, FullBatch, MiniBatch, Streamed
from zeta_exp.strategies.kept import KEPT_BYTES
from zeta_exp.tracking import NoTracker
from zeta_exp.training import Interrupted, Training

RECIPE = AdamWOneCycle(lr=1e-2, weight_decay=1e-2, clip=1.0, pct_start=0.3)
NOISY = MuonOneCycle(lr=1e-2, weight_decay=1e-2, clip=1.0, pct_start=0.3, weight_noise=0.1)
SPLIT = Split(start=1, N=300)
LOSS = make_loss({"mse": 1.0, "gue_mmd": 0.05}, "smooth", {"form": "block_spin", "scales": [2, 4]})


def minibatch(**options):
    defaults = {
        "block_size": None,
        "parts": None,
        "halo": None,
        "partition": "contiguous",
        "debias": True,
        "partition_cache": None,
        "seed": 0,
    }
    return MiniBatch(**(defaults | options))


STRATEGIES = {
    "minibatch": lambda: minibatch(block_size=30, blocks_per_step=2),
    "streamed": lambda: Streamed(block_size=40, steps_per_epoch=2, seed=0),
    "fullbatch": FullBatch,
}


def dropping(line):
    """A model that draws as it trains."""
    torch.manual_seed(0)
    sizes = {"hidden": 4, "layers": 1, "heads": None}
    return PyGModel(line.features.dim, (1,), "gcn", norm=None, dropout=0.5, **sizes).double()


class Run:
    """A small training in `directory`, a fresh model every time."""

    def __init__(
        self,
        directory,
        epochs=4,
        advance=lambda updates, total, row: None,
        strategy="minibatch",
        model="relational",
        recipe=RECIPE,
        errors=(),
        budget=None,
    ):
        line = make_line(count=300)
        self.model = dropping(line) if model == "dropping" else make_model(model, line)
        visits = STRATEGIES[strategy]().open(line, SPLIT, LOSS, self.model, ALONE)
        self.optimisation = recipe.start(self.model, epochs * visits.updates_per_epoch)
        errors = iter(errors)
        self.training = Training(
            model=self.model,
            gradient=ExactGradient(self.model, LOSS),
            visits=visits,
            optimisation=self.optimisation,
            validate=lambda: dict.fromkeys(COLUMNS[6:], 0.5) | {"val_rmse": next(errors, 0.5)},
            budget=budget or Budget(epochs),
            directory=directory,
            tracker=NoTracker(),
            advance=advance,
        )
        self.directory = directory

    def resumed(self):
        return load_checkpoint(self.directory, self.model, self.optimisation)


def state(model):
    return {name: value.numpy().tobytes() for name, value in model.state_dict().items()}


def without_clock(path):
    return [{k: v for k, v in row.items() if k != "wall_s"} for row in read_metrics(path)]


def test_training_counts_what_it_does(tmp_path):
    run = Run(tmp_path)
    progress = run.training.run(Progress())
    assert (progress.epoch, progress.updates, progress.node_visits) == (4, 20, 4 * 270)
    rows = read_metrics(tmp_path / "metrics.csv")
    assert [row["updates"] for row in rows] == [5, 10, 15, 20]
    assert rows[-1]["lr"] < rows[0]["lr"]
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]


@pytest.mark.parametrize("stop_after", [1, 5, 7, 12])
def test_an_interrupted_run_resumes_to_the_same_bytes(tmp_path, stop_after):
    made = 0

    def interrupt(updates, total, row):
        nonlocal made
        made += updates
        if updates and made == stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    progress = assert_resumed_to_the_same_bytes(tmp_path, "minibatch", interrupt)
    assert progress.updates == stop_after


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("forward", [1, 3, 6, 9, 14])
def test_a_run_stopped_within_a_step_resumes_to_the_same_bytes(
    tmp_path, monkeypatch, strategy, forward
):
    """The signal comes during any forward pass: of the first pass, the second, the validation."""
    monkeypatch.setitem(KEPT_BYTES, "cpu", 0)
    progress = assert_resumed_to_the_same_bytes(tmp_path, strategy, forward=forward)
    if strategy == "streamed" and forward < 9:  # four blocks a step, two passes
        assert progress.updates == 0
        assert progress.step_begun.portions == forward % 4
        assert (progress.step_begun.cotangents is not None) == (forward > 4)


@pytest.mark.parametrize("forward", range(1, 12))
def test_a_step_that_keeps_its_graphs_resumes_to_the_same_bytes(tmp_path, forward):
    """Also in an update whose first pass left out means, of which a new process knows nothing."""
    assert_resumed_to_the_same_bytes(tmp_path, "streamed", forward=forward)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("forward", [1, 3, 6, 14])
def test_noise_on_the_weights_is_drawn_the_same_after_a_resume(
    tmp_path, monkeypatch, strategy, forward
):
    """Also within a step, where the weights with noise are those of the model."""
    monkeypatch.setitem(KEPT_BYTES, "cpu", 0)
    assert_resumed_to_the_same_bytes(tmp_path, strategy, forward=forward, recipe=NOISY)


class TestBestEvaluation:
    def test_the_model_ends_at_it(self, tmp_path):
        (tmp_path / "short").mkdir()
        (tmp_path / "long").mkdir()
        kept = {}

        def keep(updates, total, row):
            if row is not None:
                kept[row["epoch"]] = state(run.model)

        run = Run(tmp_path / "long", errors=[0.4, 0.2, 0.3, 0.25], advance=keep)
        progress = run.training.run(Progress())
        assert progress.best_epoch == 2
        assert state(run.model) == kept[2] != kept[4]

    def test_a_stored_model_is_that_one_and_a_resumed_run_goes_on_from_the_last(self, tmp_path):
        errors = [0.4, 0.2, 0.3]
        run = Run(tmp_path, epochs=3, errors=errors)
        run.training.run(Progress())
        other = Run(tmp_path, epochs=3)
        load_model(str(tmp_path), other.model)
        assert state(other.model) == state(run.model)
        longer = Run(tmp_path, epochs=4, errors=[0.1])
        progress = longer.resumed()
        assert state(longer.model) != state(run.model)
        end = longer.training.run(progress)
        assert end.best_epoch == 4

    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_patience_ends_the_run_at_it(self, tmp_path, strategy):
        budget = Budget(epochs=9, patience=2)
        errors = [0.4, 0.2, 0.3, 0.3, 0.1]
        run = Run(tmp_path, epochs=9, errors=errors, budget=budget, strategy=strategy)
        progress = run.training.run(Progress())
        assert (progress.epoch, progress.best_epoch) == (4, 2)


@pytest.mark.parametrize("forward", [1, 7])
def test_dropout_draws_the_same_after_a_resume(tmp_path, forward):
    assert_resumed_to_the_same_bytes(tmp_path, "minibatch", forward=forward, model="dropping")


def assert_resumed_to_the_same_bytes(tmp_path, strategy, advance=None, forward=None, **options):
    """Interrupts a run at an update or in a forward pass; returns the progress it resumed from."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = Run(tmp_path / "whole", strategy=strategy, **options)
    whole.training.run(Progress())

    advance = advance or (lambda *_: None)
    begun = Run(tmp_path / "parts", advance=advance, strategy=strategy, **options)
    passes = []

    def count(*_):
        passes.append(1)
        if len(passes) == forward:
            os.kill(os.getpid(), signal.SIGTERM)

    begun.model.register_forward_hook(count)
    try:
        begun.training.run(Progress())
    except Interrupted:
        pass
    else:
        assert strategy == "fullbatch"  # four forward passes in all
    resumed = Run(tmp_path / "parts", strategy=strategy, **options)
    progress = resumed.resumed()
    before = deepcopy(progress)
    end = resumed.training.run(progress)
    assert end.epoch == 4
    assert state(resumed.model) == state(whole.model)
    assert without_clock(tmp_path / "whole/metrics.csv") == without_clock(
        tmp_path / "parts/metrics.csv"
    )
    return before


def test_rows_after_the_checkpoint_are_forgotten(tmp_path):
    first = Run(tmp_path)
    first.training.run(Progress())
    save_checkpoint(tmp_path, first.model, first.optimisation, Progress(epoch=2, updates=10))
    run = Run(tmp_path)
    run.training.run(run.resumed())
    assert [row["epoch"] for row in read_metrics(tmp_path / "metrics.csv")] == [1, 2, 3, 4]


def test_a_larger_budget_continues(tmp_path):
    Run(tmp_path, epochs=2).training.run(Progress())
    longer = Run(tmp_path, epochs=3)
    progress = longer.training.run(longer.resumed())
    assert progress.epoch == 3
    assert len(read_metrics(tmp_path / "metrics.csv")) == 3


def test_a_run_begun_before_there_was_a_column_goes_on(tmp_path):
    Run(tmp_path, epochs=2).training.run(Progress())
    path = tmp_path / "metrics.csv"
    place = COLUMNS.index("gue_nll_matched")
    rows = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("".join(",".join(r[:place] + r[place + 1 :]) + "\n" for r in rows))
    longer = Run(tmp_path, epochs=3)
    longer.training.run(longer.resumed())
    found = [row["gue_nll_matched"] for row in read_metrics(path)]
    assert np.isnan(found[:2]).all()
    assert found[2] == 0.5


def test_divergence_ends_in_advice(tmp_path):
    run = Run(tmp_path)
    with torch.no_grad():
        run.model.skip.weight.fill_(float("inf"))
    with pytest.raises(UserError, match=r"diverged.*optimizer.lr"):
        run.training.run(Progress())


def test_schedule_is_a_function_of_the_update(tmp_path):
    line = make_line()
    model = make_model("linear", line)
    one = RECIPE.start(model, 10)
    rates = []
    for _ in range(10):
        rates.append(one.lr)
        model(line.runs([Block.with_halo(1, 20, 0)])).sum().backward()
        one.update()
    assert max(rates) == pytest.approx(RECIPE.lr, rel=0.1)
    for updates in (0, 3, 9):
        other = RECIPE.start(model, 10)
        other.restore(one.moments(), updates)
        assert other.lr == rates[updates]


@pytest.mark.parametrize("updates", [1, 2, 3, 4, 9, 20])
@pytest.mark.parametrize("pct_start", [0.05, 0.25, 0.3, 0.5, 0.9])
def test_the_schedule_fits_the_shortest_runs(updates, pct_start):
    line = make_line()
    model = make_model("linear", line)
    recipe = AdamWOneCycle(lr=1e-2, weight_decay=0.0, clip=1.0, pct_start=pct_start)
    optimisation = recipe.start(model, updates)
    for _ in range(updates):
        model(line.runs([Block.with_halo(1, 20, 0)])).sum().backward()
        optimisation.update()
    assert 0 < optimisation.lr <= 1e-2


@pytest.mark.parametrize("bad", [{"lr": 0.0}, {"clip": -1.0}, {"pct_start": 1.0}, {"lr": np.inf}])
def test_impossible_recipes_are_refused(bad):
    good = {"lr": 1e-2, "weight_decay": 0.0, "clip": 1.0, "pct_start": 0.1}
    with pytest.raises(UserError, match=f"optimizer.{next(iter(bad))}"):
        AdamWOneCycle(**(good | bad))


def test_checkpoint_of_another_model_is_refused(tmp_path):
    run = Run(tmp_path)
    save_checkpoint(tmp_path, run.model, run.optimisation, Progress())
    line = make_line(offsets=(1, 2), count=300)
    for name in ("mlp", "relational"):
        other = make_model(name, line)
        with pytest.raises(UserError, match="checkpoint of another model"):
            load_checkpoint(tmp_path, other, RECIPE.start(other, 5))


def test_damaged_or_missing_checkpoints_are_refused(tmp_path):
    run = Run(tmp_path)
    with pytest.raises(UserError, match="no checkpoint there"):
        run.resumed()
    save_checkpoint(tmp_path, run.model, run.optimisation, Progress())
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="no whole checkpoint"):
        run.resumed()


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"before")
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(OSError, match="large"):
            write_atomically(path, b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_results_are_plain_json(tmp_path):
    write_result(tmp_path, {"a": np.inf, "b": [float("nan"), 1.5], "c": {"d": "text"}})
    assert json.loads((tmp_path / "result.json").read_text()) == {
        "a": None,
        "b": [None, 1.5],
        "c": {"d": "text"},
    }


def test_equal_predictions_are_equal_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_predictions(tmp_path / name, val_n=np.arange(5), val_pred=np.ones(5))
    files = [(tmp_path / name / "predictions.npz").read_bytes() for name in ("a", "b")]
    assert files[0] == files[1]


def test_config_hash_ignores_where_and_how_it_is_watched():
    config = {"N": 100, "model": {"hidden": 8}, "tracking": "none", "resume": None}
    same = dict(reversed(config.items())) | {"tracking": "mlflow", "resume": "somewhere"}
    assert config_sha256(config) == config_sha256(same)
    assert config_sha256(config) != config_sha256(config | {"N": 101})
