"""Labels: nested, the same in every run, and the truth of the others out of reach."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conftest import make_line
from tests.test_experiment import experiment
from zeta_exp.errors import UserError
from zeta_exp.features import IntegerPhases
from zeta_exp.graph import Block
from zeta_exp.labels import RUN, Labels
from zeta_exp.losses import make_loss
from zeta_exp.models import Hardy
from zeta_exp.report.silence import Silence
from zeta_exp.split import Split
from zeta_exp.strategies import FullBatch, MiniBatch, Streamed
from zeta_exp.target import ResidualTarget, Truth
from zeta_exp.zeros.source import ComputedZeros

SPLIT = Split(1, 400)  # trains on [1, 361)
PRIOR = make_loss({"gue_mmd": 1.0}, "smooth", {"form": "local"})
ALL_TERMS = dict.fromkeys(("mse", "gue_nll", "gue_nll_matched", "gue_mmd", "rg"), 0.1)


class Poisoned(ComputedZeros):
    """The zeros with NaN in place of the residual of every hidden one."""

    def __init__(self, labels):
        super().__init__()
        self._labels = labels

    def residuals(self, start, stop):
        return np.where(self._labels.between(start, stop), super().residuals(start, stop), np.nan)

    def ordinates(self, start, stop):
        raw = super().ordinates(start, stop)
        return np.where(self._labels.between(start, stop), raw, np.nan)


@pytest.mark.parametrize("layout", ["scattered", "runs"])
def test_a_smaller_fraction_lies_in_a_larger_one(layout):
    few, some, most = (Labels(f, layout).between(1, 100_000) for f in (0.01, 0.1, 0.7))
    assert not (few & ~some).any()
    assert not (some & ~most).any()
    assert some.mean() == pytest.approx(0.1, abs=0.01)
    assert Labels(0.1, layout, seed=1).between(1, 100_000).tolist() != some.tolist()


def test_scattered_labels_are_independent():
    labelled = Labels(0.3).between(1, 1_000_001).astype(float)
    assert labelled.mean() == pytest.approx(0.3, abs=0.002)
    for lag in (1, 2, 64):
        assert abs(np.corrcoef(labelled[:-lag], labelled[lag:])[0, 1]) < 0.004


def test_runs_are_of_consecutive_zeros():
    labelled = Labels(0.5, "runs").between(1, 100 * RUN + 1).reshape(100, RUN)
    assert set(labelled.sum(axis=1)) == {0, RUN}


@pytest.mark.parametrize("layout", ["scattered", "runs"])
def test_an_ordinal_has_its_label_in_every_run(layout):
    """Whatever N, start and the request are; beyond the training range all are known."""
    whole = Labels(0.2, layout).between(1, 1_001)
    for split in (Split(1, 400), Split(101, 800)):
        labels = Labels(0.2, layout, split=split)
        start, stop = split.train
        assert labels.between(start, stop).tolist() == whole[start - 1 : stop - 1].tolist()
        assert labels.between(stop, 1_001).all()
        assert labels.between(1, start).all()
        assert labels.count == whole[start - 1 : stop - 1].sum()


def test_a_hidden_zero_has_no_target():
    labels = Labels(0.3, split=SPLIT)
    truth = Truth(ResidualTarget(), Poisoned(labels).residuals, 1, 401, labels)
    n = np.arange(1, 401)
    found = truth(n).numpy()
    assert np.isfinite(found).all()
    assert (found[~labels.known(n)] == 0).all()
    assert np.abs(found[labels.known(n)]).min() > 0


def test_the_squared_error_is_the_mean_over_labelled_zeros():
    whole = make_line(start=1, count=400)
    labels = Labels(0.3, split=SPLIT)
    truth = Truth(ResidualTarget(), lambda lo, hi: np.arange(lo, hi) / 100, 1, 401, labels)
    (batch,) = [replace(whole, truth=truth).runs([Block(101, 191, 96, 196)])]
    output = torch.zeros(batch.ordinals.shape, dtype=torch.float64)
    terms = make_loss({"mse": 1.0}, "smooth", {"form": "block_spin"})
    total = terms.terms["mse"].statistics(batch, output, None)
    n = np.arange(101, 191)[labels.between(101, 191)]
    assert total.tolist() == pytest.approx([float((n / 100) @ (n / 100)), len(n)])
    assert batch.owned.sum() == 90 > batch.labelled.sum() == len(n)


STRATEGIES = {
    "minibatch": MiniBatch(32, None, 2, None, "contiguous", seed=0),
    "metis": MiniBatch(32, None, 1, None, "metis", seed=0),
    "streamed": Streamed(64, 2, seed=0),
    "fullbatch": FullBatch(),
}


def numbers(directory, **parts):
    """What a run writes of its numbers."""
    directory.mkdir(exist_ok=True)
    experiment(N=400, **parts).run(directory, False, Silence())
    result = json.loads((directory / "result.json").read_text())
    told = {k: v for k, v in result.items() if k.startswith(("val", "next10", "ext", "profile"))}
    return told | {k: result[k] for k in ("loss_terms", "baselines", "labelled")}


@pytest.mark.parametrize("layout", ["scattered", "runs"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_the_truth_of_hidden_zeros_is_out_of_reach(tmp_path, name, layout):
    """Poisoned with NaN it changes no bit: of no weight, no term, no baseline, no profile."""
    labels = Labels(0.4, layout, split=SPLIT)
    exact = name in ("streamed", "fullbatch")
    weights = ALL_TERMS if exact else {k: v for k, v in ALL_TERMS.items() if k != "rg"}
    loss = make_loss(weights, "smooth", {"form": "block_spin"})
    common = {"strategy": STRATEGIES[name], "labels": labels, "loss": loss}
    clean = numbers(tmp_path / "clean", **common)
    poisoned = numbers(tmp_path / "poisoned", **common, zeros=Poisoned(labels))
    assert json.dumps(clean) == json.dumps(poisoned)
    assert clean["labelled"] == labels.count < 360
    assert np.isfinite(clean["extrapolation_error_next10pct"])
    before, after = (np.load(tmp_path / each / "predictions.npz") for each in ("clean", "poisoned"))
    assert before["ext_pred"].tobytes() == after["ext_pred"].tobytes()


def test_closed_forms_start_from_labelled_zeros(tmp_path):
    labels = Labels(0.4, split=SPLIT)
    common = {"model": hardy, "features": IntegerPhases(None, SPLIT), "labels": labels}
    clean = numbers(tmp_path / "clean", **common)
    assert json.dumps(clean) == json.dumps(
        numbers(tmp_path / "poisoned", **common, zeros=Poisoned(labels))
    )


def hardy(dim, offsets):
    return Hardy(dim, offsets, steps=2)


def test_fewer_labels_teach_less(tmp_path):
    few, many = (
        numbers(tmp_path / str(f), labels=Labels(f, split=SPLIT))["val_rmse"] for f in (0.03, 1.0)
    )
    assert few > 1.5 * many


def test_what_cannot_be_fitted_is_left_out(tmp_path):
    """AR(2) takes three labelled zeros in a row."""
    found = numbers(tmp_path, labels=Labels(0.05, split=SPLIT))["baselines"]
    assert "linear" in found
    assert "ar2" not in found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"fraction": -0.1}, "use 0 to 1"),
        ({"fraction": 2.0}, "use 0 to 1"),
        ({"fraction": float("nan")}, "use 0 to 1"),
        ({"layout": "foo"}, "scattered, runs"),
    ],
)
def test_no_such_labels(arguments, words):
    with pytest.raises(UserError, match=words):
        Labels(**arguments)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "leaves no labelled zero to learn from"),
        (
            {"model": hardy, "features": IntegerPhases(None, SPLIT), "loss": PRIOR},
            "which Hardy starts from",
        ),
    ],
)
def test_nothing_to_learn_from_is_refused(tmp_path, parts, words):
    mean = make_loss({"mse": 1.0}, "smooth", {"form": "local"})
    with pytest.raises(UserError, match=words):
        numbers(tmp_path, **{"loss": mean, **parts}, labels=Labels(0.0, split=SPLIT))


def test_a_law_that_would_need_the_hidden_zeros_is_refused(tmp_path):
    finite = {"reference": "finite_height", "windows": [1]}
    loss = make_loss({"mse": 1.0, "gue_mmd": 0.1}, "smooth", {"form": "local"}, finite)
    with pytest.raises(UserError, match=r"finite_height .* labels.fraction=0.4 hides some"):
        numbers(tmp_path, loss=loss, labels=Labels(0.4, split=SPLIT))


def test_priors_alone_train_without_a_label(tmp_path):
    found = numbers(tmp_path, loss=PRIOR, labels=Labels(0.0, split=SPLIT))
    assert found["labelled"] == 0
    assert np.isfinite(found["val_rmse"])
