"""The screen says what it is told, and shows a bar only where someone is watching."""

import io
import logging

import pytest
from rich.console import Console

from zeta_exp.plan import Plan
from zeta_exp.report.plots import OF_A_RUN
from zeta_exp.report.screen import Screen
from zeta_exp.report.silence import Silence

PLAN = Plan("minibatch training", {"loss": "mse + 0.05 gue_mmd", "writes to": "x"}, ("gue_mmd",))
ROW = {
    "epoch": 3,
    "updates": 40,
    "train_loss": 0.0123,
    "gue_mmd": 0.0456,
    "rg": 0.7,
    "val_rmse": 0.0213,
    "extrapolation_error": 0.0198,
    "node_visits": 10_000,
    "wall_s": 2.0,
}


@pytest.fixture
def shown(tmp_path):
    """What a terminal, or a file, shows; what is said; what is kept beside."""

    def call(terminal):
        text, said, kept = io.StringIO(), [], []
        console = Console(file=text, force_terminal=terminal, width=80, color_system=None)
        with Screen(tmp_path, said.append, kept.append, console) as screen:
            screen.begin(PLAN)
            screen.advance(20, 80, None)
            screen.advance(0, 80, ROW)
        return text.getvalue(), said, kept

    return call


def test_the_plan_and_a_bar_on_a_terminal(shown):
    text, said, kept = shown(terminal=True)
    for words in (
        "mse + 0.05 gue_mmd",
        "50% 40/80 updates",
        "5,000 zeros/s",
        "epoch 3: training loss 0.0123",
        "validation: gue_mmd 0.0456\n",
        "validation 0.0213, next 100 zeros 0.0198",
    ):
        assert words in text.replace(" \n", "\n").replace("\r", "")
    assert said == []
    assert kept == list(PLAN.text())


def test_plain_lines_and_no_bar_in_a_file(shown):
    text, said, kept = shown(terminal=False)
    assert text.strip() == ""
    assert said == list(PLAN.text())
    assert kept == []


def test_the_lines_of_the_log_stay_above_the_bar(tmp_path):
    """A handler that wrote to the terminal itself would write through the bar."""
    stream, text = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    try:
        console = Console(file=text, force_terminal=True, width=80)
        with Screen(tmp_path, print, print, console):
            logging.getLogger("zeta_exp").warning("a tracker has failed")
        logging.getLogger("zeta_exp").warning("afterwards")
    finally:
        logging.getLogger().removeHandler(handler)
    assert "a tracker has failed" in text.getvalue()
    assert stream.getvalue() == "afterwards\n"


def test_the_result_comes_with_its_figures_and_is_kept_as_it_is_shown(run, result):
    text, kept = io.StringIO(), []
    console = Console(file=text, width=80)
    with Screen(run, lambda line: None, kept.append, console) as screen:
        screen.show(result)
    assert "this model" in text.getvalue()
    assert f"zeta compare {run} OTHER-RUN" in "\n".join(kept)
    assert [line.rstrip() for line in text.getvalue().splitlines()] == kept
    assert len(list((run / "plots").glob("*.png"))) == len(OF_A_RUN)


def test_silence_keeps_the_plan():
    said = []
    Silence(said.append).begin(PLAN)
    assert said == list(PLAN.text())
