"""Figures of a study: what is drawn is what was found, and what can't be drawn says why."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.report.studies import SMALL, change, whole_run
from zeta_exp.errors import UserError
from zeta_exp.evaluation.statistics import rmse
from zeta_exp.report.catalogue import CAPTIONS
from zeta_exp.report.evidence import gather
from zeta_exp.report.plots import FIGURES, save
from zeta_exp.report.plots.beyond import by_distance
from zeta_exp.report.plots.style import COLOURS, large
from zeta_exp.report.run_directory import Residuals
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
    for name in ("horizon", "learning_curves", "size", "cost"):
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
        assert len(text) < 200_000, "eleven figures make a page of less than 5 MB"


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
