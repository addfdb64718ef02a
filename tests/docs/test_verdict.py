"""The tables of docs/verdict.md are what the simulation prints, its reasons the program's."""

import re
from pathlib import Path

import pytest

from zeta_exp.verdict.problems import REASONS
from zeta_exp.verdict.simulation import main

TEXT = (Path(__file__).parents[2] / "docs" / "verdict.md").read_text()
LEAST = 0.3  # percentage points that another version of a library may move a rate


def cells(table):
    """Rows of a table in Markdown."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def number(cell):
    return float(cell.removesuffix("%")) if re.fullmatch(r"[\d.]+%", cell) else None


@pytest.mark.soak
def test_the_tables_are_those_of_the_simulation(capsys):
    main()
    printed = capsys.readouterr().out.strip().split("\n\n")
    for name, table in zip(("rates", "freedom"), printed, strict=True):
        shown = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", TEXT, re.DOTALL)
        assert shown, name
        for told, found in zip(cells(shown[1]), cells(table), strict=True):
            for one, other in zip(told, found, strict=True):
                if number(one) is None:
                    assert one == other
                else:
                    assert number(one) == pytest.approx(number(other), abs=LEAST)


def test_every_reason_is_explained():
    assert re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE) == list(REASONS)
