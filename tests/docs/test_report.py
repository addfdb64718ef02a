"""docs/report.md tells of every figure, and its example is a figure."""

import re
from pathlib import Path

from tests.report.studies import whole_run
from zeta_exp.report.catalogue import CAPTIONS

TEXT = (Path(__file__).parents[2] / "docs" / "report.md").read_text()


def test_every_figure_is_told_of():
    rows = re.findall(r"^\| (`.*?`) \|", TEXT, re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(CAPTIONS)


def test_the_example_draws_a_figure(tmp_path, monkeypatch):
    whole_run(tmp_path / "outputs" / "studies" / "rg_essential_small")
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)[1], {})
    assert (tmp_path / "horizon.pdf").read_bytes().startswith(b"%PDF")
