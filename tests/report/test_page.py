"""The page says what the runs say, holds all it needs, and has a sentence for what is missing."""

import json
import re
import shutil
from html import unescape
from html.parser import HTMLParser

import fsspec
import pytest

from benchmarks.made_study import Made
from tests.report.studies import change, rendered, study, whole_run
from zeta_exp.report.catalogue import CAPTIONS
from zeta_exp.report.evidence import gather
from zeta_exp.report.page.answer import answer
from zeta_exp.report.page.tables import baselines
from zeta_exp.verdict import words
from zeta_exp.verdict.judge import Request

VOID = {"meta", "link"}


class Page(HTMLParser):
    """The elements of a page, which must be nested well, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.ids, self.links, self._open = [], [], [], []
        self.said = ""
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        self.said += " " * (tag in ("td", "th", "code"))

    def handle_data(self, data):
        hidden = self._open and self._open[-1] in ("script", "style")
        self.said += "" if hidden else data


def said(folder, **question):
    """The text of the page of a folder, in one line."""
    return " ".join(Page(rendered(folder, **question)).said.split())


@pytest.fixture
def folder(small_study):
    return small_study


@pytest.fixture
def page(study_page):
    return study_page


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A run that has nothing but its errors: a page without figures is made in no time."""
    run = whole_run(
        tmp_path_factory.mktemp("bare") / "run", baselines={}, spectrum={}, profile=None
    )
    for name in ("metrics.csv", "predictions.npz"):
        (run / name).unlink()
    return run


def test_it_opens_with_the_verdict(folder, page):
    judgement = gather(Request(str(folder))).judgement
    opening = page[page.index("<h1>") : page.index("<section>")]
    told = re.search(r'<div class="answer is-undecided".*?<p>(.*?)</p>', opening, re.DOTALL)
    largest = max(judgement.findings, key=lambda finding: finding.cells.size)
    assert unescape(told[1]) == f"{judgement.factor} {words.told(largest)}."
    assert words.interval(largest, 0.95) in unescape(told[1])
    assert "Nothing is claimed of fewer than 10 seeds × 5 origins." in opening


def test_it_is_one_well_formed_file(page):
    made = Page(page)
    assert len(made.ids) == len(set(made.ids))
    inner = {link.removeprefix("#") for link in made.links if link != "data:,"}
    assert inner <= set(made.ids), "every link leads into the page"
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert len(page) < 2_000_000


def test_every_figure_has_a_caption_a_command_and_a_text_alternative(page):
    figures = re.findall(r'<figure id="figure-(\w+)".*?</figure>', page, re.DOTALL)
    assert set(figures) == set(CAPTIONS) - {"height"}
    assert "all runs have one height" in page
    for name in figures:
        figure = page[page.index(f'<figure id="figure-{name}"') :]
        figure = unescape(figure[: figure.index("</figure>")])
        assert f"zeta plot {name} " in figure
        assert CAPTIONS[name].look in figure
        assert f'<desc id="{name}-desc">' in figure


def test_the_same_runs_give_the_same_page(bare):
    assert rendered(bare) == rendered(bare)


def test_tables_and_provenance(page):
    text = " ".join(Page(page).said.split())
    assert "control/shuffled" in text
    assert "loss.weights.rg 0.1 0" in text
    assert "commit 4433ac037d" in text
    assert "python run.py -m experiment=made" in text


def test_a_control_with_skill_makes_it_invalid(tmp_path):
    made = Made(sizes=(2_000,), seeds=(1, 2), origins=2, control_r2=0.4)
    found = answer(gather(Request(str(study(tmp_path / "study", made)))))
    assert (found.badge, found.kind) == ("invalid", "invalid")
    assert found.sentence.startswith("The study is invalid and says nothing of loss.weights.rg")
    assert "control/shuffled shows skill" in found.sentence


def test_a_study_that_is_refused_says_why(folder, tmp_path):
    copied = shutil.copytree(folder, tmp_path / "study")
    next(copied.glob("confirm/*/result.json")).unlink()
    found = answer(gather(Request(str(copied))))
    assert found.badge == "not judged"
    assert "16 of 17 runs have finished" in found.sentence
    assert any(reason.startswith("unfinished: 1 runs") for reason in found.reasons)
    allowed = gather(Request(str(copied), allow=("unfinished", "unpaired")))
    assert answer(allowed).badge == "undecided"


def test_a_run_stands_beside_its_baselines(tmp_path):
    run = whole_run(tmp_path / "run")
    result = json.loads((run / "result.json").read_text())
    found = answer(gather(Request(str(run))))
    error = result["extrapolation_error_next10pct"]
    smooth = result["baselines"]["smooth"]["next10pct"]
    assert f"is {error:#.3g} mean spacings: {smooth / error:.3g} times smaller" in found.sentence
    assert "the linear model's 0.0739" in found.sentence
    assert "there is no prime-tail scale" in found.more[-1]
    table = baselines(gather(Request(str(run))).shown[0])
    cells = {row[0].text: row[2] for row in table.rows}
    assert cells["this model"].value == error
    assert cells["smooth count, δ = 0"].value == smooth
    assert "prime-tail scale (a scale, not an error)" not in cells, "it is none here"
    change(run, next10pct_r2=-0.01, extrapolation_error_next10pct=0.6)
    poor = answer(gather(Request(str(run))))
    assert poor.badge == "learnt nothing"
    assert "times larger than the smooth count's" in poor.sentence


def test_whatever_is_missing_is_a_sentence(bare):
    text = said(bare)
    assert "(no baseline was measured)" in text
    assert "predictions.npz does not exist" in text
    assert "no run has spectral statistics" in text
    assert f"python run.py replay={bare}" in text
    assert "python run.py experiment=quick 'name='\"'\"'a b'\"'\"''" in text


def test_a_run_may_be_remote(bare):
    memory = fsspec.filesystem("memory")
    memory.put(str(bare), "/a_bare_run", recursive=True)
    try:
        remote = said("memory://a_bare_run").partition("Making it again")[0]
        assert said(bare).replace(str(bare), "memory://a_bare_run").startswith(remote)
    finally:
        memory.rm("/a_bare_run", recursive=True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "interrupted"}, "The run has not finished (interrupted)"),
        ({"extrapolation_error_next10pct": None}, "its error beyond the range is no number"),
    ],
)
def test_a_run_that_came_to_nothing(tmp_path, bare, changes, sentence):
    run = tmp_path / "run"
    run.mkdir()
    (run / "result.json").write_text((bare / "result.json").read_text())
    change(run, **changes)
    assert sentence in said(run)


def test_a_run_that_has_only_begun(tmp_path):
    (tmp_path / "config.yaml").write_text("N: 1")
    text = said(tmp_path)
    assert "The run has not finished (unfinished)" in text
    assert "No run has finished with an error" in text


def test_a_sweep_without_a_comparison(tmp_path, bare):
    for number, lr in enumerate((0.1, 0.01)):
        run = tmp_path / str(number)
        run.mkdir()
        (run / "result.json").write_text((bare / "result.json").read_text())
        change(run, extrapolation_error_next10pct=lr)
        config = json.loads((run / "result.json").read_text())["config"]
        change(run, config=config | {"optimizer": {"lr": lr}})
    text = said(tmp_path)
    assert "Of 2 configurations, N = 10,000, optimizer.lr = 0.01 has the smallest error" in text
    assert "optimizer.lr 0.1 0.01" in text
    asked = said(tmp_path, factor="optimizer.lr", without=0.1)
    assert "optimizer.lr is undecided" in asked


def test_studies_below_are_named_and_not_mixed(tmp_path, bare):
    for name in ("one", "two"):
        (tmp_path / name / "confirm").mkdir(parents=True)
        for rg in (0, 0.1):
            run = tmp_path / name / "confirm" / str(rg)
            run.mkdir()
            (run / "result.json").write_text((bare / "result.json").read_text())
            config = json.loads((run / "result.json").read_text())["config"]
            change(run, config=config | {"loss": {"weights": {"rg": rg}}})
        (tmp_path / name / "study.json").write_text('{"runs": {}}')
    found = answer(gather(Request(str(tmp_path))))
    assert found.badge == ""
    assert f"{tmp_path}/one, {tmp_path}/two" in " ".join(found.more)


def test_what_comes_from_files_is_only_text(tmp_path, bare):
    evil = "<script>alert(1)</script>"
    run = tmp_path / evil.replace("/", "∕")
    run.mkdir()
    (run / "result.json").write_text((bare / "result.json").read_text())
    change(run, provenance={"git": evil, "device": evil, "versions": {evil: evil}})
    change(run, config={"N": 1, "start": 1, "seed": evil, "model": evil}, config_sha256=evil)
    page = rendered(run, options="--factor '</style><script>'")
    assert page.count("<script>") == 1
    assert page.count("</style>") == 1
    assert "alert(1)" in Page(page).said


def test_more_arms_than_can_be_told_apart_are_owned_up_to(tmp_path, bare):
    for number in range(9):
        run = tmp_path / str(number)
        run.mkdir()
        (run / "result.json").write_text((bare / "result.json").read_text())
        config = json.loads((run / "result.json").read_text())["config"]
        change(run, config=config | {"optimizer": {"lr": number}}, val_rmse=1.0 - 0.1 * number)
        (run / "metrics.csv").write_text("epoch,updates,val_rmse\n1,10,0.5\n2,20,0.4\n")
    page = rendered(tmp_path)
    assert "Drawn are 6 of 9 arms" in page
    figure = page[page.index('id="figure-learning_curves"') :].partition("</figure>")[0]
    assert [n for n in range(9) if f"optimizer.lr = {n}" in figure] == [3, 4, 5, 6, 7, 8]
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8" in Page(page).said, "too many for a column each"
