import numpy as np
import pytest

from zeta_exp.errors import UserError
from zeta_exp.report.plots import (
    FIGURES,
    OF_A_RUN,
    extrapolation,
    learning_curves,
    spacing_histogram,
    write_plots,
)
from zeta_exp.report.run_directory import read_metrics, read_result, read_window

PNG_SIGNATURE = b"\x89PNG"


def test_every_figure_is_written_as_png(run):
    paths = write_plots(run)
    assert [path.stem for path in paths] == list(OF_A_RUN)
    assert all(path.read_bytes().startswith(PNG_SIGNATURE) for path in paths)
    assert write_plots(run) == paths, "a resumed run draws its figures again"


def test_the_same_run_gives_the_same_bytes(run):
    first = [path.read_bytes() for path in write_plots(run)]
    assert first == [path.read_bytes() for path in write_plots(run)]


def test_every_axis_is_labelled(run):
    for name in OF_A_RUN:
        for axes in FIGURES[name](run).axes:
            shares_the_axis_below = not axes.xaxis.get_tick_params()["labelbottom"]
            assert axes.get_title(loc="left")
            assert axes.get_ylabel()
            assert axes.get_xlabel() or shares_the_axis_below


def test_learning_curves_skip_epochs_that_were_not_measured(run):
    metrics = read_metrics(run)
    unmeasured = np.isnan(metrics["extrapolation_error"])
    assert unmeasured.sum() == 1
    curve = learning_curves(run).axes[0].lines[1]
    assert np.array_equal(curve.get_xdata(), metrics["updates"][~unmeasured])


def test_learning_curves_show_the_smooth_baseline(run):
    smooth = read_result(run)["baselines"]["smooth"]["next10pct"]
    assert list(learning_curves(run).axes[0].lines[-1].get_ydata()) == [smooth, smooth]


def test_extrapolation_draws_the_next_hundred_and_the_whole_window(run):
    line, error, scatter = extrapolation(run).axes
    window = read_window(run, "ext")
    assert np.array_equal(line.lines[0].get_ydata(), window.true[:100])
    assert np.array_equal(line.lines[1].get_ydata(), window.predicted[:100])
    expected = (window.predicted - window.true)[:100]
    assert np.array_equal(error.lines[-1].get_ydata(), expected)
    assert len(scatter.lines[-1].get_xdata()) == len(window)


def test_histograms_have_the_mass_of_the_gaps_they_show(run):
    for patch in spacing_histogram(run).axes[0].patches:
        values, edges, _ = patch.get_data()
        assert np.sum(values * np.diff(edges)) == pytest.approx(1, abs=1e-3)


def test_gaps_outside_the_figure_are_owned_up_to(run):
    arrays = dict(np.load(run / "predictions.npz"))
    arrays["ext_pred"] = arrays["ext_pred"] + 10 * (np.arange(1000) % 2)
    np.savez(run / "predictions.npz", **arrays)
    labels = [text.get_text() for text in spacing_histogram(run).axes[0].get_legend().get_texts()]
    assert "outside" not in labels[0]
    assert "50.0% outside the figure" in labels[1]


def test_gaps_are_not_taken_across_missing_ordinals(run):
    arrays = dict(np.load(run / "predictions.npz"))
    arrays["ext_n"] = arrays["ext_n"] + 5
    for key in ("ext_pred", "ext_true"):
        arrays[key] = arrays[key] + 100  # the step across the hole would be a huge gap
    np.savez(run / "predictions.npz", **arrays)
    legend = spacing_histogram(run).axes[0].get_legend()
    assert not any("outside" in text.get_text() for text in legend.get_texts())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("result.json", "holds no run"),
        ("metrics.csv", "metrics.csv does not exist"),
        ("predictions.npz", "predictions.npz does not exist"),
    ],
)
def test_a_directory_that_is_no_run_is_refused(run, name, said):
    (run / name).unlink()
    with pytest.raises(UserError, match=said):
        write_plots(run)
