"""Whole experiments, small enough to run in a second."""

import hashlib
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from zeta_exp import experiment as experiment_module
from zeta_exp.budget import Budget
from zeta_exp.errors import UserError
from zeta_exp.evaluation import Evaluation
from zeta_exp.experiment import Experiment
from zeta_exp.features import IntegerPhases, LogIndex, PrimePhases, RandomPhases, WrongHeight
from zeta_exp.hardware import Hardware
from zeta_exp.losses import make_loss
from zeta_exp.models import Hardy, HybridGCN, Linear, Relational
from zeta_exp.optimizer import AdamWOneCycle
from zeta_exp.report.silence import Silence
from zeta_exp.split import Split
from zeta_exp.strategies import FullBatch, MiniBatch
from zeta_exp.tracking import NoTracker
from zeta_exp.training import Interrupted
from zeta_exp.zeros import MAX_ORDINAL, generate
from zeta_exp.zeros.source import ComputedZeros, ShuffledZeros
from zeta_exp.zeros.surrogate import CueZeros, PoissonZeros

KEYS = {
    "extrapolation_error",
    "extrapolation_error_gamma",
    "extrapolation_error_next10pct",
    "val_rmse",
    "val_loss",
    "val_r2",
    "next10pct_r2",
    "val_median_error",
    "val_lost_share",
    "next10pct_median_error",
    "next10pct_lost_share",
    "profile",
    "profile_worst_over_best",
    "next_error",
    "loss_terms",
    "predicted_next",
    "actual_next",
    "baselines",
    "spacing",
    "spectrum",
    "epochs",
    "updates",
    "node_visits",
    "wall_s",
    "nodes_per_s",
    "peak_rss_mb",
    "peak_vram_mb",
    "n_parameters",
    "config_sha256",
    "provenance",
    "status",
}
SPLIT = Split(start=1, N=1000)
MOST = 2**17  # ordinals that a source gives at once


def hardware(**changes):
    """This machine's CPU, or what is asked for."""
    here = {"name": "cpu", "device": "cpu", "gpu": None, "precision": "float32", "tf32": False}
    here |= {"compile": None, "block_size": None, "threads": 1, "memory_gb": None}
    return Hardware(**(here | changes))


def minibatch(**changes):
    """Two blocks of 32 a step, with halos."""
    options = {"block_size": 32, "parts": None, "blocks_per_step": 2, "halo": None}
    options |= {"partition": "contiguous", "seed": 0}
    options |= {"debias": True, "partition_cache": None}
    return MiniBatch(**(options | changes))


def experiment(**changes):
    parts = {
        "config": {"N": 1000},
        "N": SPLIT.N,
        "start": SPLIT.start,
        "seed": 0,
        "target": "residual",
        "budget": Budget(epochs=12),
        "zeros": ComputedZeros(),
        "features": PrimePhases(30),
        "graph": (1,),
        "model": lambda dim, offsets: Relational(dim, offsets, hidden=16),
        "loss": make_loss({"mse": 1.0, "gue_mmd": 0.05}, "smooth", {"form": "block_spin"}),
        "strategy": minibatch(),
        "optimizer": AdamWOneCycle(lr=8e-3, weight_decay=1e-2, clip=1.0, pct_start=0.15),
        "hardware": hardware(),
        "tracking": NoTracker(),
        "evaluation": Evaluation(max_prime=30, transfer=(10**6,)),
    }
    return Experiment(**(parts | changes))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    return directory, experiment().run(directory, False, Silence())


def test_result_has_everything(finished):
    directory, result = finished
    assert set(result) >= KEYS
    assert json.loads((directory / "result.json").read_text())["val_rmse"] == result["val_rmse"]
    assert set(result["loss_terms"]) == {"mse", "gue_nll", "gue_nll_matched", "gue_mmd", "rg"}
    assert all(np.isfinite(value) for value in result["loss_terms"].values())
    for name in ("smooth", "linear", "explicit_formula", "ar2", "riemann_siegel", "prime_tail"):
        assert {"next100", "next10pct"} <= set(result["baselines"][name])
    for side in ("prediction", "truth"):
        assert set(result["spacing"][side]) == {"variance", "ks_gue", "mmd_gue", "lag1"}
    provenance = {"git", "dirty", "versions", "device", "zeros_sha256", "start", "N", "seed"}
    assert provenance <= set(result["provenance"])


def test_a_model_begins_at_its_closed_form_and_goes_on_from_a_checkpoint(tmp_path):
    """From zero the glass box learns nothing; a rate this small leaves it where it begins."""
    recipe = AdamWOneCycle(lr=1e-7, weight_decay=0.0, clip=1.0, pct_start=0.15)
    parts = {"model": Hardy, "features": IntegerPhases(None, SPLIT), "optimizer": recipe}
    begun = experiment(**parts, budget=Budget(epochs=1)).run(tmp_path, False, Silence())
    closed_form = begun["amplitudes"]["closed_form"]
    assert closed_form["a"][:8] == pytest.approx([1] * 8, abs=0.01)
    error = begun["extrapolation_error_next10pct"]
    assert error < 0.1 * begun["baselines"]["linear"]["next10pct"]
    gone_on = experiment(**parts, budget=Budget(epochs=2)).run(tmp_path, True, Silence())
    assert gone_on["updates"] == 2 * begun["updates"]
    assert gone_on["amplitudes"]["closed_form"] == closed_form
    assert gone_on["extrapolation_error_next10pct"] == pytest.approx(error, rel=0.05)


def test_references_are_measured_on_the_training_range_alone():
    asked = []

    class Watched(ComputedZeros):
        def residuals(self, start, stop):
            asked.append((start, stop))
            return super().residuals(start, stop)

    height = {"reference": "finite_height"}
    terms = make_loss(
        {"mse": 1.0}, "smooth", {"form": "block_spin"}, height | {"windows": [1, 8]}, height
    )
    experiment(zeros=Watched(), loss=terms)._prepare(Path("run"), Silence())
    assert min(start for start, _ in asked) == SPLIT.train[0]
    assert max(stop for _, stop in asked) == SPLIT.train[1]
    assert terms.terms["gue_nll_matched"].level == pytest.approx(0.46, abs=0.05)


def test_it_learns_and_predicts_the_next_zero(finished):
    _, result = finished
    smooth = result["baselines"]["smooth"]["next10pct"]
    assert result["extrapolation_error_next10pct"] < 0.35 * smooth
    assert result["val_r2"] > 0.9
    # acb.zeta_zeros(1001, 1) of python-flint
    assert result["actual_next"] == pytest.approx(1420.41652632, abs=1e-6)
    assert abs(result["predicted_next"] - result["actual_next"]) < 0.5


def test_predictions_are_what_the_numbers_say(finished):
    directory, result = finished
    arrays = np.load(directory / "predictions.npz")
    assert set(arrays) == {f"{w}_{k}" for w in ("val", "ext") for k in ("n", "pred", "true")}
    assert arrays["val_n"].tolist() == list(range(*SPLIT.validation))
    assert arrays["ext_n"].tolist() == list(range(1001, 1101))
    error = arrays["ext_pred"] - arrays["ext_true"]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(result["extrapolation_error"])


def test_full_batch_is_deterministic(tmp_path):
    contents = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        experiment(strategy=FullBatch(), budget=Budget(20)).run(tmp_path / name, False, Silence())
        contents.append((tmp_path / name / "predictions.npz").read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    "control",
    [
        {"zeros": ShuffledZeros(SPLIT, seed=1)},
        pytest.param({"zeros": CueZeros(size=64, seed=1)}, marks=pytest.mark.soak),
        {"zeros": PoissonZeros(size=64, seed=1)},
        {"features": RandomPhases(30, seed=1)},
        {"features": WrongHeight(30, shift=10**9)},
        {"features": LogIndex()},
    ],
    ids=["shuffled", "cue", "poisson", "random_phases", "wrong_height", "log_index"],
)
def test_controls_learn_nothing(tmp_path, control):
    result = experiment(**control).run(tmp_path, False, Silence())
    assert result["val_r2"] < 0.05
    assert result["next10pct_r2"] < 0.1


def test_the_published_formulation_runs_and_fails_honestly(tmp_path):
    result = experiment(
        target="ordinate",
        features=LogIndex(),
        graph=(1, 2, 3),
        model=lambda dim, offsets: HybridGCN(dim, offsets, hidden=8),
        loss=make_loss(
            {"mse": 1.0, "gue_nll": 0.02, "gue_mmd": 0.05, "rg": 0.1}, "mean", {"form": "dilation"}
        ),
        strategy=FullBatch(),
    ).run(tmp_path, False, Silence())
    assert result["val_r2"] < 0
    assert np.isfinite(result["extrapolation_error"])


@pytest.mark.parametrize("partition", ["contiguous", "metis"])
def test_clusters_of_every_kind_train(tmp_path, partition):
    strategy = minibatch(block_size=None, parts=14, halo=False, partition=partition)
    result = experiment(strategy=strategy, graph=(1, 2)).run(tmp_path, False, Silence())
    assert result["val_r2"] > 0.8


def test_what_does_not_fit_is_refused_before_it_is_tried(tmp_path):
    small = hardware(memory_gb=0.5)
    huge = experiment(N=10**7, strategy=FullBatch(), hardware=small)
    with pytest.raises(
        UserError,
        match=r"N=10_000_000 with strategy=fullbatch needs about .* GB.*strategy=streamed",
    ):
        huge.run(tmp_path, False, Silence())
    assert not list(tmp_path.iterdir())


def test_missing_hardware_is_refused(tmp_path):
    import torch

    if torch.cuda.is_available() and "A100" in torch.cuda.get_device_name(0):
        wanted = hardware(name="h100", device="cuda", gpu="H100")
    else:
        wanted = hardware(name="a100", device="cuda", gpu="A100")
    with pytest.raises(UserError, match="use hardware=auto here"):
        experiment(hardware=wanted).run(tmp_path, False, Silence())


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(UserError, match=r"budget\.epochs=0"):
        Budget(epochs=0)


class Guarded(ComputedZeros):
    """Zeros that are given in small requests only."""

    def residuals(self, start, stop):
        assert stop - start <= MOST
        return super().residuals(start, stop)

    def ordinates(self, start, stop):
        assert stop - start <= MOST
        return super().ordinates(start, stop)


def test_no_request_for_zeros_grows_with_the_line(tmp_path):
    """Of 250,000 zeros, visited and measured, nobody asks for more than 2^17."""
    result = experiment(
        N=250_000,
        zeros=Guarded(),
        budget=Budget(1),
        features=LogIndex(),
        model=Linear,
        strategy=minibatch(block_size=2000, blocks_per_step=8),
    ).run(tmp_path, False, Silence())
    assert result["status"] == "completed"
    assert result["node_visits"] == 225_000


def test_the_zeros_that_were_seen_are_hashed(finished):
    _, result = finished
    seen = generate(1, SPLIT.N).astype("<f8").tobytes()
    assert result["provenance"]["zeros_sha256"] == hashlib.sha256(seen).hexdigest()


@pytest.mark.parametrize("most", [999, 1000])
def test_stopping_a_long_run_makes_no_zeros_anew(tmp_path, monkeypatch, most):
    class Impatient(Silence):
        def advance(self, updates, total, row):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(experiment_module, "MOST_HASHED_AT_ONCE", most)
    with pytest.raises(Interrupted):
        experiment().run(tmp_path, False, Impatient())
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["status"] == "interrupted"
    assert (result["provenance"]["zeros_sha256"] is None) == (most < SPLIT.N)


def test_ordinals_that_no_zero_is_known_of_are_refused_before_training(tmp_path):
    with pytest.raises(UserError, match=str(MAX_ORDINAL)):
        experiment(start=MAX_ORDINAL - 1000).run(tmp_path, False, Silence())
    assert not list(tmp_path.iterdir())
