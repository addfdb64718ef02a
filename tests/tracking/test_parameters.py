"""Configs as flat names with plain values."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from zeta_exp.tracking.parameters import flattened, numbers

VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
NAMES = st.sampled_from(["a", "b", "_target_", "c"])
TREES = st.dictionaries(
    NAMES, st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner) | st.lists(inner))
)


@given(TREES)
@settings(max_examples=50)
def test_every_value_is_one_that_services_take(tree):
    for name, value in flattened(tree).items():
        assert isinstance(name, str)
        assert type(value) in (str, int, float)
        assert not isinstance(value, float) or math.isfinite(value)


def test_names_are_dotted_and_classes_stand_where_their_arguments_are():
    config = {
        "N": 10,
        "model": {"_target_": "zeta_exp.models.MLP", "_partial_": True, "hidden": 8, "norm": None},
        "graph": {"primes": [2, 3]},
        "strategy": {"debias": False},
        "tracking": {"vertex": {"project": "p"}},
        "resume": "here",
    }
    assert flattened(config) == {
        "N": 10,
        "model": "MLP",
        "model.hidden": 8,
        "model.norm": "null",
        "graph.primes": "[2,3]",
        "strategy.debias": "false",
    }


def test_numbers_are_what_can_be_drawn():
    row = {"epoch": 1.0, "rg": math.nan, "status": "completed", "dirty": True, "n": 3, "x": None}
    assert numbers(row) == {"epoch": 1.0, "n": 3}
