"""A bar where someone is watching, else lines."""

import io

import pytest
from rich.console import Console

from zeta_exp.cli.watch import Watch
from zeta_exp.zeros.shards import Shard

SHARD = Shard("zeros_00001.npy", 101, 100, 0.0, 1.0, "", None, None, None)


@pytest.fixture
def show():
    def call(terminal):
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=120)
        with Watch("zeros", console) as watch:
            watch.begin(1000, 100)
            watch.advance(150)
            watch.wrote(SHARD)
            watch.say("zeros_00000.npy [is] damaged")
            watch.advance(750)
            assert watch.rate > 0
        return out.getvalue()

    return call


def test_lines_where_nobody_watches(show):
    first, second = show(terminal=False).splitlines()
    assert first.startswith("zeros_00001.npy: 250 of 1,000 zeros, ")
    assert "zeros/s, " in first
    assert first.endswith("0:00 left")
    assert second == "zeros_00000.npy [is] damaged"


def test_a_bar_on_a_terminal(show):
    shown = show(terminal=True)
    assert "zeros_00001.npy:" not in shown
    assert "zeros_00000.npy [is] damaged" in shown
    assert "1,000 of 1,000 zeros" in shown


def test_nobody_knows_how_many():
    out = io.StringIO()
    with Watch("reading", Console(file=out, force_terminal=True, width=120)) as watch:
        watch.begin(None)
        watch.advance(5)
    assert " 5 zeros, " in out.getvalue()
