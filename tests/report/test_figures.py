"""Figures of a study: what is drawn is what was found, and what can't be drawn says why."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.report.conftest import make_profile
from tests.report.studies import SMALL, change, whole_run
from zeta_exp.errors import UserError
from zeta_exp.evaluation.profile import Profile
from zeta_exp.evaluation.statistics import rmse
from zeta_exp.report.catalogue import CAPTIONS
from zeta_exp.report.evidence import gather
from zeta_exp.report.plots import FIGURES, save
from zeta_exp.report.plots.beyond import by_distance
from zeta_exp.report.plots.style import COLOURS, large
from zeta_exp.report.run_directory import Residuals
from zeta_exp.split import Split
from zeta_exp.verdict.effects import as_percent
from zeta_exp.verdict.judge import Request

SEVERAL_HEIGHTS = {"height"}  # figures that the small study has too little for


@pytest.fixture(scope="module")
def evidence(small_study):
    return gather(Request(str(small_study)))


@pytest.fixture(scope="module")
def drawn(evidence):
    """Each figure of the study that can be drawn, once."""
    return {name: draw(evidence) for name, draw in FIGURES.items() if name not in SEVERAL_HEIGHTS}


def test_every_figure_has_a_caption():
    assert list(FIGURES) == list(CAPTIONS)


def test_axes_are_named_and_panels_titled(drawn):
    for name, figure in drawn.items():
        assert isinstance(figure, Figure)
        for axes in figure.axes:
            assert axes.get_title(loc="left"), name
        assert any(axes.get_ylabel() for axes in figure.axes) or name == "forest"
        assert any(axes.get_xlabel() for axes in figure.axes), name


def test_the_forest_shows_the_findings(evidence, drawn):
    findings = evidence.judgement.findings
    axes = drawn["forest"].axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    told = {label.get_text() for label in axes.get_yticklabels()}
    assert told == {finding.label for finding in findings}
    assert len(dots) == len(findings) == len(SMALL.sizes)
    for dot, finding in zip(dots, findings, strict=True):
        assert dot.get_xdata()[0] == pytest.approx(float(as_percent(finding.effect.estimate)))
        assert dot.get_markerfacecolor() == "white", "nothing is claimed of 2 seeds"


def test_an_arm_looks_the_same_wherever_it_is(drawn):
    for name in ("profile", "horizon", "learning_curves", "size", "cost"):
        colours = {}
        for axes in drawn[name].axes:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                if label.startswith("with"):
                    line = getattr(handle, "lines", [handle])[0]
                    colours.setdefault(label.split(",")[0], set()).add(line.get_color())
        assert colours == {"with rg": {COLOURS["vermillion"]}, "without rg": {COLOURS["blue"]}}


def test_the_error_by_distance_keeps_the_sum_of_squares():
    rng = np.random.default_rng(0)
    for count in (3, 10, 100, 1_000, 4_321):
        true = rng.standard_normal(count)
        window = Residuals(np.arange(count), true + 0.1 * rng.standard_normal(count), true)
        x, error = by_distance(window)
        assert np.all(np.diff(x) > 0)
        assert error.min() <= rmse(window.predicted, window.true) <= error.max()
        constant = Residuals(window.n, true + 0.25, true)
        assert by_distance(constant)[1] == pytest.approx(0.25)
        assert by_distance(constant, 0)[1] == pytest.approx(by_distance(window, 0)[1])


def test_the_profile_shows_each_run_and_their_median(tmp_path):
    rmse = []
    for number, scale in enumerate((1.0, 1.3, 3.0)):
        run = whole_run(tmp_path / "sweep" / str(number))
        profile = Profile.over(Split(1, 10_000), scale * make_profile(0.01).rmse)
        change(run, **profile.as_result())
        rmse.append(profile.rmse)
    axes = FIGURES["profile"](tmp_path / "sweep").axes[0]
    median, *each, _linear = axes.lines
    assert axes.get_xlabel() == "ordinal n"
    assert np.array_equal(median.get_xdata(), profile.middle)
    assert np.array_equal(median.get_ydata(), rmse[1])
    assert np.array_equal([line.get_ydata() for line in each], rmse)
    shaded = sorted(patch.get_x() for patch in axes.patches)
    assert shaded == [9001, 10_001]


def test_profiles_of_several_ranges_are_drawn_by_their_share(evidence):
    """The study has two sizes and two origins, all on one axis from 0 to 110%."""
    figure = FIGURES["profile"](evidence)
    for axes in figure.axes:
        assert axes.get_xlabel().endswith("(% of the seen range)")
        for line in axes.lines:
            if len(line.get_xdata()) == 55:
                assert np.allclose(line.get_xdata(), np.arange(1, 111, 2), atol=0.1)


def test_a_run_far_up_is_drawn_from_its_first_ordinal(tmp_path):
    run = whole_run(tmp_path / "run")
    split = Split(10**12, 10_000)
    provenance = json.loads((run / "result.json").read_text())["provenance"]
    profile = Profile.over(split, make_profile(0.01).rmse)
    change(run, provenance=provenance | {"start": split.start}, **profile.as_result())
    axes = FIGURES["profile"](run).axes[0]
    assert axes.get_xlabel() == "ordinal n − 1,000,000,000,000"
    assert np.array_equal(axes.lines[0].get_xdata(), profile.middle - 10**12)
    assert axes.get_title(loc="left").endswith("worst tenth 3 times the best")


def test_runs_without_a_profile_are_left_out_of_it(tmp_path):
    for number in range(2):
        run = whole_run(tmp_path / "sweep" / str(number))
        change(run, **make_profile(0.01 + number).as_result())
    change(run, profile=None, profile_worst_over_best=None)
    assert np.allclose(FIGURES["profile"](tmp_path / "sweep").axes[0].lines[0].get_ydata()[0], 0.01)
    with pytest.raises(UserError, match="no run here has measured its error"):
        FIGURES["profile"](run)


def test_svg_is_whole_and_its_names_are_its_own(study_page):
    figures = re.findall(r'<figure id="figure-(\w+)".*?(<svg .*?</svg>)', study_page, re.DOTALL)
    assert {name for name, _ in figures} == FIGURES.keys() - SEVERAL_HEIGHTS
    for name, text in figures:
        root = ElementTree.fromstring(text.replace("<svg ", '<svg xmlns:xlink="x" ', 1))
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        assert all(one.startswith(f"{name}-") for one in ids)
        assert {f"{name}-title", f"{name}-desc"} == set(root.get("aria-labelledby").split())
        assert len(root.find("desc").text) > 60
        assert not re.findall(r"#[0-9a-f]{6}\b", text), "colours are the page's"
        assert len(text) < 200_000, "twelve figures make a page of less than 5 MB"


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_the_same_figure_gives_the_same_bytes(evidence, tmp_path, kind):
    written = []
    for number in range(2):
        path = tmp_path / f"{number}.{kind}"
        save(FIGURES["forest"](evidence), path, kind)
        written.append(path.read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("forest", "compares no factor"),
        ("size", "all runs have one N"),
        ("height", "all runs have one height"),
        ("cost", "all runs have one N"),
    ],
)
def test_what_a_run_can_not_show_is_said(tmp_path, name, said):
    with pytest.raises(UserError, match=said):
        FIGURES[name](whole_run(tmp_path / "run"))


def test_a_run_without_statistics_or_config(tmp_path):
    run = whole_run(tmp_path / "run")
    change(run, spectrum=None, config=None)
    for name in ("pair_correlation", "number_variance"):
        with pytest.raises(UserError, match="no run has spectral statistics"):
            FIGURES[name](run)
    with pytest.raises(UserError, match="has left no config"):
        FIGURES["size"](run)


def test_a_name_with_dollars_is_no_formula(tmp_path):
    for number, model in enumerate(("a$b", r"$\frac{")):
        run = whole_run(tmp_path / "sweep" / str(number))
        change(run, config={"N": 10_000, "start": 1, "seed": 1, "model": model})
    figure = FIGURES["learning_curves"](tmp_path / "sweep")
    save(figure, tmp_path / "figure.svg", "svg")
    assert r"$\frac{" in (tmp_path / "figure.svg").read_text()


def test_large_numbers_of_an_axis():
    shown = [large(value) for value in (0.01, 1, 2_000, 1e5, 2e6, 1e6, 1e12)]
    assert shown == ["0.01", "1", "2,000", "100,000", "2,000,000", "10⁶", "10¹²"]
