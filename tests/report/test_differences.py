"""Config differences: all that differs, nothing else, in the order of what tells most."""

import json

import pytest

from tests.verdict.sweeps import config
from zeta_exp.report.differences import ABSENT, differences, overrides, separating
from zeta_exp.report.settings import settings


def told(*changes):
    return [settings(config(0, 1, 0.1) | change) for change in changes]


def test_three_keys_that_differ_are_the_differences():
    one = settings(config(0, 1, 0.1, P=300))
    other = settings(config(7, 1, 0.0, P=100))
    found = differences([one, other])
    assert [d.key for d in found] == ["features.max_prime", "loss.weights.rg", "seed"]
    assert [d.values for d in found] == [(300, 100), (0.1, 0.0), (0, 7)]
    assert overrides(found, 1) == "seed=7 features.max_prime=100 loss.weights.rg=0"
    assert differences([one, one]) == []


def test_a_key_of_one_alone_is_absent_in_the_other():
    one, other = told({}, {"strategy": {"_target_": "zeta_exp.strategies.FullBatch"}})
    one["strategy.block_size"] = 64
    found = {d.key: d.values for d in differences([one, other])}
    assert found == {"strategy": ("streamed", "fullbatch"), "strategy.block_size": (64, ABSENT)}
    assert overrides(differences([one, other]), 1) == "strategy=fullbatch"


def test_a_follower_that_stayed_behind_is_told():
    """evaluation.max_prime = 300 was taken over in one run, and given in the other."""
    one = settings(config(0, 1, 0.1, P=300))
    other = settings(config(0, 1, 0.1, P=100, **{"evaluation.max_prime": 300}))
    assert [d.key for d in differences([one, other])] == ["features.max_prime"]
    other["evaluation.max_prime"] = 50
    assert [d.key for d in differences([one, other])][1:] == ["evaluation.max_prime"]


@pytest.mark.parametrize(("value", "count"), [(1.0, 0), (True, 1), (None, 1), ("1", 1)])
def test_values_are_compared_as_yaml_writes_them(value, count):
    assert len(differences([{"a": 1}, {"a": value}])) == count


def test_of_three_configs_one_may_differ():
    (found,) = differences([{"a": [1]}, {"a": [1]}, {"a": [2]}])
    assert json.dumps(found.values) == "[[1], [1], [2]]"


def test_keys_that_separate_are_as_few_as_their_order_allows():
    groups = [{"a": 1, "b": 1, "c": 0}, {"a": 1, "b": 2, "c": 1}, {"a": 2, "b": 2, "c": 2}]
    assert separating(groups, ["a", "b", "c"]) == ["a", "b"]
    assert separating(groups, ["c", "a", "b"]) == ["c"]
    assert separating(groups[:1], ["a"]) == []
