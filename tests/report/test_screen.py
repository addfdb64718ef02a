"""The screen says what it is told, and shows a bar only where someone is watching."""

import io

from rich.console import Console

from zeta_exp.report.screen import Screen

ROW = {
    "updates": 40,
    "val_rmse": 0.0213,
    "extrapolation_error": 0.0198,
    "node_visits": 10_000,
    "wall_s": 2.0,
}


def shown(tmp_path, terminal):
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=120)
    with Screen(tmp_path, lambda line: None, console) as screen:
        screen.advance(20, 80, None)
        screen.advance(0, 80, ROW)
    return text.getvalue()


def test_a_bar_with_the_newest_errors_on_a_terminal(tmp_path):
    text = shown(tmp_path, terminal=True)
    assert "50%" in text
    assert "validation 0.0213" in text
    assert "5,000 nodes/s" in text


def test_nothing_in_a_file(tmp_path):
    assert shown(tmp_path, terminal=False).strip() == ""


def test_the_result_comes_with_its_figures(run, result):
    text = io.StringIO()
    with Screen(run, lambda line: None, Console(file=text, width=80)) as screen:
        screen.show(result)
    assert "this model" in text.getvalue()
    assert len(list((run / "plots").glob("*.png"))) == 3
