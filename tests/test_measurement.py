"""What a run measures: sums over pieces, equal to the numbers of the whole window."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conftest import held, make_line, make_model
from zeta_exp import measurement
from zeta_exp.evaluation import Evaluation, window
from zeta_exp.evaluation import profile as profile_module
from zeta_exp.evaluation.spectral_table import run_spectrum
from zeta_exp.evaluation.statistics import r_squared, rmse, spacing_statistics
from zeta_exp.losses import make_loss
from zeta_exp.measurement import Measurement
from zeta_exp.ranks import ALONE, Ranks
from zeta_exp.split import Split
from zeta_exp.zeros import ComputedZeros

ERROR = "extrapolation_error_next10pct"
LOSS = make_loss({"mse": 1.0, "gue_mmd": 0.05}, "smooth", {"form": "block_spin", "scales": [2, 4]})
SPLIT = Split(start=1, N=3000)
SOURCE = ComputedZeros()


def measured(split=SPLIT, residuals=SOURCE.residuals, ranks=ALONE, loss=LOSS):
    line = make_line(start=split.start, count=split.N)
    model = make_model("relational", line).eval()
    margin = model.receptive_field + loss.margin()
    return Measurement(model, line, split, loss, residuals, margin, Evaluation(30), ranks)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("measured")
    return directory, measured().measure(directory)


def test_numbers_are_those_of_the_predictions(finished):
    directory, result = finished
    arrays = np.load(directory / "predictions.npz")
    val, val_true = arrays["val_pred"], arrays["val_true"]
    ext, ext_true = arrays["ext_pred"], arrays["ext_true"]
    assert np.array_equal(arrays["val_n"], np.arange(*SPLIT.validation))
    assert np.array_equal(arrays["ext_n"], np.arange(*SPLIT.extrapolation))
    assert np.array_equal(val_true, SOURCE.residuals(*SPLIT.validation))
    assert np.array_equal(ext_true, SOURCE.residuals(*SPLIT.extrapolation))
    assert result["val_rmse"] == pytest.approx(rmse(val, val_true), rel=1e-12)
    assert result["val_r2"] == pytest.approx(r_squared(val, val_true), rel=1e-12)
    assert result["extrapolation_error_next10pct"] == pytest.approx(rmse(ext, ext_true), rel=1e-12)
    assert result["next10pct_r2"] == pytest.approx(r_squared(ext, ext_true), rel=1e-12)
    for name, error in (("val", val - val_true), ("next10pct", ext - ext_true)):
        assert result[f"{name}_median_error"] == np.median(np.abs(error))
        assert result[f"{name}_lost_share"] == np.mean(np.abs(error) > 0.5)
    assert result["extrapolation_error"] == rmse(ext[:100], ext_true[:100])
    assert result["spacing"]["prediction"] == spacing_statistics(val)
    assert result["spacing"]["truth"] == spacing_statistics(val_true)
    assert result["spectrum"] == run_spectrum(val, val_true, SPLIT.validation[0])
    assert result["next_error"] == ext[0] - ext_true[0]


@pytest.mark.parametrize("n", [200, 400])
def test_the_hundred_may_be_longer_than_the_tenth(tmp_path, n):
    split = Split(start=1, N=n)
    result = measured(split).measure(tmp_path)
    arrays = np.load(tmp_path / "predictions.npz")
    error = arrays["ext_pred"] - arrays["ext_true"]
    assert error.size == 100
    assert result["extrapolation_error"] == pytest.approx(np.sqrt(np.mean(error**2)))
    tenth = np.sqrt(np.mean(error[: n // 10] ** 2))
    assert result["extrapolation_error_next10pct"] == pytest.approx(tenth)
    assert result["next10pct_median_error"] == np.median(np.abs(error[: n // 10]))


def test_pieces_change_nothing_but_rounding(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(window, "BLOCK", 77)
    _, whole = finished
    parts = measured().measure(tmp_path)
    for name in ("val_rmse", "val_loss", "val_r2", "next10pct_r2", "extrapolation_error_gamma"):
        assert parts[name] == pytest.approx(whole[name], rel=1e-9)
    assert parts["loss_terms"] == pytest.approx(whole["loss_terms"], rel=1e-9)


def windows_of(profile, values):
    """The values of ordinals from 1 on, by window."""
    return [values[first - 1 : last] for first, last in zip(*ends(profile), strict=True)]


def ends(profile):
    return profile["first"], profile["last"]


def test_the_profile_is_the_error_of_the_whole_line(finished):
    """Of a short line it is tiled, so the windows together have the errors of every ordinal."""
    _, result = finished
    here, profile = measured(), result["profile"]
    stop = SPLIT.next_tenth[1]
    pieces = list(here._predict(1, stop))
    error = np.concatenate([piece.residuals for piece in pieces]) - SOURCE.residuals(1, stop)
    squares = windows_of(profile, error**2)
    assert sum(map(len, squares)) == stop - 1
    assert profile["rmse"] == pytest.approx([np.sqrt(np.mean(each)) for each in squares], rel=1e-9)
    for windows, key in ((slice(45, 50), "val_rmse"), (slice(50, 55), ERROR)):
        pooled = np.sqrt(np.mean(np.concatenate(squares[windows])))
        assert result[key] == pytest.approx(pooled, rel=1e-9)


def test_the_profile_of_a_long_line_costs_no_more(tmp_path):
    """Of a line of 2·10^6 zeros it asks for 2^17, a block at a time."""
    asked = []

    def residuals(start, stop):
        asked.append((start, stop))
        return 0.3 * np.sin(np.arange(start, stop))

    split = Split(start=1, N=2_000_000)
    line = make_line(offsets=(), start=split.start, count=100)
    here = Measurement(make_model("linear", line), line, split, LOSS, residuals, 0, Evaluation(30))
    profile = here._profile()
    assert sum(stop - start for start, stop in asked) <= 2**17
    assert max(stop - start for start, stop in asked) <= window.BLOCK
    assert np.isfinite(profile.rmse).all()
    assert (profile.first[0] < split.N // 50, profile.last[-1] > 1.08 * split.N) == (True, True)


def test_validation_is_what_is_measured_at_the_end(finished):
    _, result = finished
    row = measured().validate()
    for name in ("val_rmse", "val_loss", "extrapolation_error"):
        assert row[name] == pytest.approx(result[name], rel=1e-12)
    assert {name: row[name] for name in LOSS.terms} == result["loss_terms"]


def test_of_long_windows_the_first_ordinals_are_kept(finished, tmp_path, monkeypatch):
    """Errors are those of the whole window, statistics those of what is kept."""
    directory, whole = finished
    monkeypatch.setattr(measurement, "KEPT", 150)
    monkeypatch.setattr(window, "BLOCK", 64)
    result = measured().measure(tmp_path)
    all_arrays, kept = (np.load(path / "predictions.npz") for path in (directory, tmp_path))
    for name in all_arrays:
        assert kept[name].shape == (150,)
        assert kept[name] == pytest.approx(all_arrays[name][:150], abs=1e-12)
    for name in ("val_rmse", "val_r2", "extrapolation_error", "extrapolation_error_next10pct"):
        assert result[name] == pytest.approx(whole[name], rel=1e-9)
    assert result["spacing"]["truth"] == spacing_statistics(kept["val_true"])


def test_no_request_for_zeros_grows_with_the_line(tmp_path):
    """Of a line of 2·10^5 zeros, a few thousand at a time."""
    widths = []

    def residuals(start, stop):
        widths.append(stop - start)
        return 0.3 * np.sin(np.arange(start, stop))

    split = Split(start=1, N=200_000)
    here = measured(split, residuals, loss=make_loss({"mse": 1.0}, "smooth", LOSS_OPTIONS))
    here.validate()
    assert max(widths) <= window.BLOCK


LOSS_OPTIONS = {"form": "local", "scales": [2, 4]}


def test_a_term_with_nothing_to_measure_is_nan_and_not_zero():
    local = make_loss({"mse": 1.0}, "smooth", LOSS_OPTIONS)
    line = make_line(offsets=(1, 2, 3))
    split = Split(start=1, N=100)
    model = make_model("relational", line)
    row = Measurement(model, line, split, local, held(np.zeros(400)), 6, Evaluation(30)).validate()
    assert np.isnan(row["rg"])
    assert np.isfinite([row["mse"], row["gue_nll"], row["gue_mmd"]]).all()


class Chorus(Ranks):
    """Ranks in one process: each notes what it would add, the last one hears the sum."""

    sums: list[list[Tensor]]

    def sum_(self, tensors):
        tensors = list(tensors)
        self.sums.append([tensor.clone() for tensor in tensors])
        if len(self.sums) == self.world:
            for place, tensor in enumerate(tensors):
                tensor.copy_(torch.stack([parts[place] for parts in self.sums]).sum(0))


@pytest.mark.parametrize("world", [2, 5])
def test_ranks_measure_their_shares_and_add_them_up(monkeypatch, world):
    monkeypatch.setattr(window, "BLOCK", 80)
    alone = measured()
    expected = alone._read(alone.validation, LOSS, keep=200)
    heard = []
    for rank in range(world):
        ranks = Chorus(rank, world)
        object.__setattr__(ranks, "sums", heard)
        here = measured(ranks=ranks)
        together = here._read(here.validation, LOSS, keep=200)
    assert np.array_equal(together.predicted, expected.predicted)
    assert np.array_equal(together.true, expected.true)
    assert together.errors.rmse == pytest.approx(expected.errors.rmse, rel=1e-12)
    assert together.terms == pytest.approx(expected.terms, rel=1e-12)


@pytest.mark.parametrize("world", [2, 5])
@pytest.mark.parametrize("widest", [2383, 20])
def test_ranks_share_the_profile(monkeypatch, world, widest):
    """Whether it tiles the line or samples it."""
    monkeypatch.setattr(profile_module, "MOST", 55 * widest)
    monkeypatch.setattr(measurement, "BLOCK", 100)
    expected, heard = measured()._profile(), []
    for rank in range(world):
        ranks = Chorus(rank, world)
        object.__setattr__(ranks, "sums", heard)
        together = measured(ranks=ranks)._profile()
    shares = [parts[0][:, 0] for parts in heard]
    assert all(share.sum() > 0 for share in shares)
    assert np.array_equal(sum(shares), expected.last - expected.first + 1)
    assert together.rmse == pytest.approx(expected.rmse, rel=1e-12)


def test_the_first_rank_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(Ranks, "sum_", lambda self, tensors: None)
    assert measured(ranks=Ranks(1, 2)).measure(tmp_path) == {}
    assert not list(tmp_path.iterdir())
