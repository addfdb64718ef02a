"""One table where there is a terminal; elsewhere a line for each change."""

import io

import pytest
from hydra_plugins.hydra_vertex_launcher._progress import Line, Progress
from rich.console import Console


def line(state, metric="", minutes=0.0):
    return Line(3, "seed=1 [x]", state, minutes, 0.25, metric)


def shown(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, _environ={})
    with Progress(console) as progress:
        progress.say("a word [with brackets]")
        for state in ("queued", "queued", "running"):
            progress.show([line(state)])
        progress.show([line("completed", "epoch 2: val_rmse 0.25", 90.0)])
    return console.file.getvalue()


def test_without_a_terminal_each_change_is_a_line():
    assert shown(False).splitlines() == [
        "a word [with brackets]",
        "#3 queued (seed=1 [x])",
        "#3 running (seed=1 [x])",
        "#3 completed (seed=1 [x]), 0.25 USD, epoch 2: val_rmse 0.25",
    ]


@pytest.mark.parametrize("words", ["90.0", "0.25", "seed=1 [x]", "epoch 2", "a word [with"])
def test_on_a_terminal_the_table_says_it_all(words):
    assert words in shown(True)
