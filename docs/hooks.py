"""What mkdocs makes beside the pages of docs/: the configuration, the commands, MathML, the nav."""

import fnmatch
import html
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from conf.describe import Group, Key, Option, groups, program
from zeta_exp.cli import _parser
from zeta_exp.cli.completion import parsers

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
_FUNCTION = re.compile(r"(<mi>(?:log|sin|cos|exp)</mi>)(?=<m[isnrf])")
_WITHOUT_NAV = ("notebooks/",)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made from conf/ and from the command `zeta`; completes the nav."""
    for name, text in _made():
        files.append(File.generated(config, name, content=text))
    config.nav = _filled(config.nav, [file.src_uri for file in files.documentation_pages()])
    return files


def on_page_content(content: str, **kwargs: Any) -> str:
    """Formulas as MathML, which browsers draw by themselves."""
    return _FORMULA.sub(_mathml, content)


def _mathml(found: re.Match[str]) -> str:
    block = found[1] == "div"
    made = convert(html.unescape(found[2]).strip(), display="block" if block else "inline")
    spaced = _FUNCTION.sub(r'\1<mspace width="0.17em" />', made)
    return f'<div class="formula">{spaced}</div>' if block else spaced


def _filled(nav: Any, pages: list[str]) -> Any:
    """The nav, each pattern replaced by the pages that match it and stand nowhere else."""
    named = {entry for entry in _leaves(nav) if "*" not in entry}
    left = [p for p in pages if p not in named and not p.startswith(_WITHOUT_NAV)]

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {title: fill(child) for title, child in node.items()}
        if isinstance(node, str):
            return node
        filled = []
        for entry in node:
            if isinstance(entry, str) and "*" in entry:
                found = [p for p in left if _matches(p, entry)]
                left[:] = [p for p in left if p not in found]
                filled += found
            else:
                filled.append(fill(entry))
        return [entry for entry in filled if not isinstance(entry, dict) or any(entry.values())]

    return fill(nav)


def _matches(page: str, pattern: str) -> bool:
    """Whether a pattern of the nav, which does not reach into folders, means the page."""
    folder = PurePosixPath(page).parent == PurePosixPath(pattern).parent
    return folder and fnmatch.fnmatchcase(page, pattern)


def _leaves(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
        return
    for child in nav.values() if isinstance(nav, dict) else nav:
        yield from _leaves(child)


def _made() -> Iterator[tuple[str, str]]:
    """Names and texts of the pages that nobody writes."""
    experiment, zeros = program("config"), program("zeros")
    offered = groups(experiment)
    yield "config/index.md", _overview(experiment, zeros, offered)
    for group in offered:
        yield _page(group), _of_group(group)
    yield "commands.md", _commands()


def _page(group: Group) -> str:
    return f"config/{group.name.replace('/', '_')}.md"


def _overview(experiment: Option, zeros: Option, offered: list[Group]) -> str:
    rows = [
        f"| [`{group.name}`]({_page(group).removeprefix('config/')}) | {group.summary} | "
        f"`{group.default}` | {', '.join(f'`{o}`' for o in sorted(_others(group)))} |"
        for group in offered
    ]
    return "\n".join(
        [
            "# Configuration",
            "",
            "`python run.py GROUP=OPTION KEY=VALUE` composes a run from these groups and keys; a "
            "misspelt or ill-typed one is refused before anything is computed. "
            "`python run.py --help` says the same in the terminal.",
            "",
            *_said(experiment),
            "## Groups",
            "",
            "| group | what it is | default | others |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            "## Keys of the run",
            "",
            *_table(experiment.keys),
            "## A table of zeros: `--config-name=zeros`",
            "",
            *_said(zeros),
            *_table(zeros.keys),
        ]
    )


def _others(group: Group) -> set[str]:
    return {*group.options, *group.elsewhere} - {group.default}


def _of_group(group: Group) -> str:
    lines = [f"# {group.name}", "", f"{group.summary[0].upper()}{group.summary[1:]}.", ""]
    if group.elsewhere:
        named = ", ".join(f"`{name}`" for name in group.elsewhere)
        lines += [f"Hydra and its plugins bring {named}; below is what this repository adds.", ""]
    for option in group.options.values():
        default = " (default)" if option.name == group.default else ""
        lines += [f"## {group.name}={option.name}{default}", "", *_said(option)]
        if group.name == "experiment":
            lines += ["```yaml", *option.body, "```", ""]
        else:
            lines += _table(option.keys)
    return "\n".join(lines)


def _said(option: Option) -> list[str]:
    """The comment of a file: its sentences, and as code the lines that it sets off."""
    lines: list[str] = []
    in_code = False
    for line in option.head:
        if line.startswith("  ") != in_code:
            in_code = not in_code
            lines += ["", "```"] if in_code else ["```", ""]
        lines.append(line.removeprefix("  ") if in_code else _escaped(line))
    return [*lines, *(["```"] if in_code else []), ""]


def _table(keys: tuple[Key, ...]) -> list[str]:
    if not keys:
        return ["It has no keys.", ""]
    rows = [f"| `{key.name}` | {_code(key.value)} | {_escaped(key.comment)} |" for key in keys]
    return ["| key | value | |", "| --- | --- | --- |", *rows, ""]


def _code(value: str) -> str:
    return f"`{value}`" if value else ""


def _escaped(text: str) -> str:
    """Text as it is: no table cell, emphasis, formula or tag begins in it."""
    return re.sub(r"([|*_$<\[\]])", r"\\\1", text)


def _commands() -> str:
    lines = ["# The command zeta", "", "What `zeta … --help` prints.", ""]
    for parser in parsers(_parser()):
        level = "##" if parser.prog.count(" ") < 2 else "###"
        lines += [f"{level} {parser.prog}", "", "```text", parser.format_help().rstrip(), "```", ""]
    return "\n".join(lines)
