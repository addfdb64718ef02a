"""What a shell sees of `zeta report` and `zeta plot`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.report.studies import whole_run
from zeta_exp.report.catalogue import CAPTIONS

ROOT = Path(__file__).parents[2]
BEGINNING = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


@pytest.fixture
def run(tmp_path):
    return whole_run(tmp_path / "run")


def test_a_page_of_a_run(zeta, run, tmp_path):
    (run / "predictions.npz").unlink()  # figures take time
    shown = zeta("report", run, "--out", "page.html", "--margin", "0.1")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("page.html: 1 run, ")
    page = (tmp_path / "page.html").read_text()
    assert f"zeta report {run} --margin 0.1 --out page.html" in page
    assert f"zeta plot loss_terms {run} --margin 0.1 --out loss_terms.pdf" in page


@pytest.mark.parametrize("kind", BEGINNING)
def test_a_figure_of_a_run(zeta, run, tmp_path, kind):
    shown = zeta("plot", "learning_curves", run, "--out", f"figure.{kind}")
    assert (shown.code, shown.out, shown.err) == (0, f"figure.{kind}\n", "")
    assert (tmp_path / f"figure.{kind}").read_bytes().startswith(BEGINNING[kind])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plot", "forrest", "RUN"], "known are forest, profile"),
        (["plot", "forest", "RUN", "--out", "forest.jpg"], "end it in .png, .svg, .pdf"),
        (["plot", "forest", "RUN"], "compares no factor"),
        (["plot", "forest", "nowhere"], "nowhere is no folder"),
        (["plot", "learning_curves", "RUN", "--out", "nowhere/a.png"], "the folder nowhere"),
        (["report", "nowhere"], "nowhere is no folder"),
        (["report", "RUN", "--out", "nowhere/a.html"], "the folder nowhere"),
        (["report", "RUN", "--allow", "anything"], "--allow anything is unknown"),
        (["report"], "see `zeta report --help`"),
    ],
)
def test_mistakes(zeta, run, words, said):
    (run / "predictions.npz").unlink()
    shown = zeta(*(run if word == "RUN" else word for word in words))
    assert said in shown.refused()


def test_help_lists_the_figures(zeta):
    for command in ("plot", "report"):
        shown = zeta(command, "--help")
        assert shown.code == 0
        assert max(map(len, shown.out.splitlines())) <= 100
    told = zeta("plot", "--help").out
    assert all(f"  {name} " in told and CAPTIONS[name].shows in told for name in CAPTIONS)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from zeta_exp.cli import main; main(['plot', '--help']);"
        "sys.exit(any(n in sys.modules for n in ('numpy', 'matplotlib', 'jinja2', 'torch')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_a_page_needs_no_torch():
    code = "import sys, zeta_exp.report.page; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
