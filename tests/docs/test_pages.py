"""What the pages tell people to type exists, and what they point to is there."""

import re
import shlex
from pathlib import Path

import pytest

from zeta_exp.cli import _parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MADE = re.compile(r"config/|commands\.md")  # by docs/hooks.py, checked where the site is built
IDS = [path.name for path in PAGES]


def commands(path):
    """The lines of code blocks that call zeta, whole."""
    for block in re.findall(r"^```\w*\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("zeta ") and "…" not in line:
                yield from line.split("  #")[0].split("; ")


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_every_command_of_zeta_is_one(path):
    for command in commands(path):
        words = [word for word in shlex.split(command, comments=True) if word not in ("|", ">")]
        assert _parser().parse_args(words[1:]).command, command


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_every_page_it_points_to_is_there(path):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    missing = [link for link in links if not (path.parent / link).exists()]
    assert [link for link in missing if not MADE.match(link)] == []
