"""The site of docs/: it builds strictly, needs no network, and says every key there is."""

import html
import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from conf.describe import groups, program
from zeta_exp.cli import _parser
from zeta_exp.cli.completion import parsers

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)="?((?:https?:)?//[^" >]+)')
MATH = "http://www.w3.org/1998/Math/MathML"  # a name, not an address


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site; a warning would have been an error."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder)))
    return folder


def text_of(path):
    """What a reader of a page sees."""
    return html.unescape(re.sub(r"<[^>]+>", "", path.read_text()))


def test_every_page_of_docs_is_in_the_menu(site):
    menu = (site / "index.html").read_text()
    for source in (ROOT / "docs").glob("*.md"):
        assert f'href="{source.stem}.html"' in menu, source.name


def test_no_page_fetches_anything(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    assert [found for page in pages for found in FETCHED.findall(page.read_text())] == []
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", style.read_text())


@pytest.mark.parametrize("group", groups(program("config")), ids=lambda group: group.name)
def test_a_page_says_each_option_and_key_of_its_group(site, group):
    said = text_of(site / "config" / f"{group.name.replace('/', '_')}.html")
    for option in group.options.values():
        assert f"{group.name}={option.name}" in said
        assert option.summary.replace("`", "").split(".")[0] in said
        if group.name != "experiment":
            assert {key.name for key in option.keys if key.name not in said} == set()
    for name in group.elsewhere:
        assert name in said


def test_the_keys_of_both_programs_are_said(site):
    said = text_of(site / "config" / "index.html")
    for key in (*program("config").keys, *program("zeros").keys):
        assert key.name in said
        assert key.comment in said


def test_every_command_is_said(site):
    said = text_of(site / "commands.html")
    for parser in parsers(_parser()):
        assert f"usage: {parser.prog}" in said


def test_formulas_are_drawn_by_the_browser(site):
    pages = {page.name: page.read_text() for page in site.glob("*.html")}
    assert pages["method.html"].count("<math") == pages["method.html"].count(MATH) > 30
    assert [name for name, page in pages.items() if "arithmatex" in page] == []
    assert not re.search(r"\\(?:frac|hat|sum)", text_of(site / "method.html"))
