"""What a shell sees of the commands that put a run's model to ordinals it was not trained on."""

import json

import numpy as np
import pytest

from tests.run.leaving import left
from zeta_exp.evaluation.statistics import r_squared, rmse
from zeta_exp.evaluation.transfer import refuse_trained
from zeta_exp.trained import load_trained
from zeta_exp.zeros import ComputedZeros

LATER = 5000  # 200 zeros are seen, 180 of them trained on


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return left(tmp_path_factory.mktemp("run"), f"evaluation.transfer=[{LATER}]")


def answer(zeta, *arguments):
    shown = zeta(*arguments, "--json")
    assert (shown.code, shown.err) == (0, ""), shown.err
    return json.loads(shown.out)


def test_transfer_is_what_the_run_says_too(zeta, finished):
    result = json.loads((finished / "result.json").read_text())
    found = answer(zeta, "transfer", finished, "--start", LATER, "1e6")
    assert list(found) == ["5000", "1000000"]
    for key, value in result["transfer"][str(LATER)].items():
        assert found[str(LATER)][key] == pytest.approx(value, rel=1e-5), key
    predicted = load_trained(finished).residuals(LATER, LATER + 100)
    true = ComputedZeros().residuals(LATER, LATER + 100)
    assert found["5000"]["rmse"] == pytest.approx(rmse(predicted, true), rel=1e-5)
    assert found["5000"]["r2"] == pytest.approx(r_squared(predicted, true), rel=1e-5)
    shown = zeta("transfer", finished, "--start", "1e6", "--count", 50).out
    assert "1,000,000" in shown


def test_anomalies_of_a_range(zeta, finished):
    found = answer(zeta, "anomalies", finished, "--start", LATER, "--count", 1000, "--largest", 3)
    true = ComputedZeros().residuals(LATER, LATER + 1000)
    predicted = load_trained(finished).residuals(LATER, LATER + 1000)
    error = predicted - true
    worst = int(np.abs(error).argmax())
    assert [len(found["errors"]), len(found["pairs"])] == [3, 3]
    assert found["errors"][0]["ordinal"] == LATER + worst
    assert found["errors"][0]["error"] == pytest.approx(error[worst], rel=1e-5)
    nearest = int(np.diff(true).argmin())
    pair = found["pairs"][0]
    assert pair["ordinal"] == LATER + nearest
    assert pair["spacing"] == pytest.approx(1 + true[nearest + 1] - true[nearest])
    assert pair["predicted"] == pytest.approx(
        1 + predicted[nearest + 1] - predicted[nearest], abs=1e-5
    )
    ordinate = ComputedZeros().ordinates(pair["ordinal"], pair["ordinal"] + 1)[0]
    assert pair["height"] == pytest.approx(ordinate, abs=1e-9)
    shown = zeta("anomalies", finished, "--start", LATER, "--count", 1000).out
    assert "largest errors" in shown
    assert "closest pairs" in shown


def test_probe_and_its_figure(zeta, finished, tmp_path):
    found = answer(zeta, "probe", finished, "--start", "1e6", "--count", 3000)
    assert [p["prime"] for p in found["primes"] if p["given"]] == [2, 3, 5, 7]
    assert found["max_prime"] == 10
    assert sum(p["p_value"] <= 0.01 for p in found["primes"] if not p["given"]) >= 15
    figure = tmp_path / "probe.png"
    shown = zeta("probe", finished, "--start", "1e6", "--count", 3000, "--figure", figure)
    assert "of 20 primes left out stand out at 1%" in shown.out
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["transfer", "--start", "100"], "meet those that are trained on, 1 to 180"),
        (["transfer", "--start", "0"], "start=0 is no ordinal"),
        (["transfer", "--start", "1000", "--count", "0"], "count=0 asks for no zeros"),
        (["anomalies", "--start", "100"], "meet those that are trained on"),
        (["anomalies"], "120 errors have no tail to compare with"),
        (["probe", "--figure", "probe.gif"], "names no kind of figure"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(zeta, finished, arguments, sentence):
    command, *options = arguments
    assert sentence in zeta(command, finished, *options).refused()


def test_what_is_beside_the_trained_ordinals_is_not_refused(finished):
    split = load_trained(finished).split
    for start, count in ((181, 1000), (10**9, 1)):
        refuse_trained(start, count, split)


def test_heights_of_a_sweep(zeta, finished, tmp_path):
    own, elsewhere = answer(zeta, "heights", finished)
    assert (own["transferred"], elsewhere["transferred"]) == (False, True)
    assert elsewhere["start"] == LATER
    names = [tmp_path / "own.png", tmp_path / "all.svg"]
    shown = zeta("heights", finished, "--figure", names[0], "--transfer-figure", names[1])
    assert len(shown.out.splitlines()) == 3
    assert all(name.stat().st_size > 1000 for name in names)


def test_closest_pairs_of_a_table(zeta, table):
    found = answer(zeta, "zeros", "pairs", table, "--closest", 2)
    gaps = 1 + np.diff(ComputedZeros().residuals(1, 3001))
    assert found["gaps"] == 2999
    assert [p["ordinal"] for p in found["pairs"]] == (1 + np.argsort(gaps)[:2]).tolist()
    assert "closest of 2,999 gaps" in zeta("zeros", "pairs", table).out
