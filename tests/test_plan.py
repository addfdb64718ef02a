"""What a run will do is said before anything is computed, with the numbers that it then uses."""

import json
import re

import pytest

from tests.run.conftest import SMALL
from tests.run.conftest import run as run  # a fixture
from zeta_exp.budget import Budget


def told(text):
    """The lines of the plan by their labels."""
    return dict(re.findall(r"^  (writes to|\S+)\s+(.*)$", text, re.MULTILINE))


def test_the_plan_is_what_is_done(run, tmp_path):
    ended = run(
        *SMALL,
        "strategy=streamed",
        "start=11",
        "loss=seed",
        "loss.weights.gue_nll=0",
        "hydra.run.dir=here",
    )
    assert ended.code == 0, ended.err
    plan, result = told(ended.out), json.loads((tmp_path / "here/result.json").read_text())
    assert "streamed training on the zeros 11 to 190" in ended.out
    assert plan["zeros"] == "computed, N = 200 from ordinal 11: 180 train, 20 validate"
    assert f"Relational, {result['n_parameters']:,} parameters" in plan["model"]
    assert plan["loss"] == "mse + 0.05 gue_mmd + 0.1 rg"
    assert plan["budget"] == "2 epochs"
    assert plan["device"] == "cpu, 1 thread"
    needed = float(re.match(r"([\d.]+) GB needed", plan["memory"])[1])
    assert needed == pytest.approx(result["memory"]["estimated_mb"] / 1024, rel=0.05)
    assert plan["writes to"] == "here"


def test_everything_that_is_shown_is_in_run_log(run, tmp_path):
    ended = run(*SMALL, "hydra.run.dir=here")
    log = (tmp_path / "here/run.log").read_text()
    for line in filter(str.strip, ended.out.splitlines()):
        assert line.rstrip() in log


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (Budget(epochs=60), "60 epochs"),
        (Budget(60, "node_visits", node_visits=10**6), "1,000,000 zeros visited"),
        (Budget(60, "seconds", seconds=2.5), "2.5 seconds"),
        (Budget(5, patience=3), "5 epochs, or until 3 evaluations bring no better one"),
    ],
)
def test_a_budget_in_words(budget, words):
    assert budget.words == words
