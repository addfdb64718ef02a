"""The examples of docs/extending.md, each saved and run as the page says."""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "extending.md").read_text()
SECTIONS = {
    title: re.findall(r'```(?:\w+)(?: title="([^"]+)")?\n(.*?)```', body, re.DOTALL)
    for title, body in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
}
EXAMPLES = {title: blocks for title, blocks in SECTIONS.items() if blocks}
MOST = 30  # lines of code


def test_there_is_one_of_each():
    one_of_each = ["A model", "A loss term", "An optimiser", "A strategy", "A source of zeros"]
    assert list(EXAMPLES) == one_of_each


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_runs_as_the_page_says(run, small, tmp_path, monkeypatch, title):
    *files, (_, command) = EXAMPLES[title]
    *python, yaml = files
    assert yaml[0].split("/")[0] == "options"
    for name, text in python:
        assert name == "mine.py"
        assert len([line for line in text.splitlines() if line.strip()]) < MOST
    for name, text in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))  # as if run.py were there
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    words = command.split()
    assert words[:3] == ["python", "run.py", "--config-dir=options"]
    if title == "A model":
        small.remove("model.hidden=8")
    done = run(*words[2:], *small, "hydra.run.dir=here")
    assert done.code == 0, done.err
    result = json.loads((tmp_path / "here/result.json").read_text())
    group, _, option = words[3].partition("=")
    assert result["config"][group]["_target_"].startswith("mine." if python else "zeta_exp."), (
        option
    )
    assert result["status"] == "completed"
