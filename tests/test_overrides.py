"""What is written for a shell and Hydra is read by both as it was."""

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.overrides import arguments, override, shown

AWKWARD = [
    *("null", "True", "1e5", "1_000", "-1", "nan", "+inf", "", " a b ", "a=b", 'a"b', "a'b", "a\\"),
    *("a\\\\", '\\"', "[1]", "${x}", "ü", "..", "gs://b/x", "x,y", "$HOME `ls`", "2026-01-01/12"),
]


def read(argument):
    """The value that the shell hands to Hydra."""
    (word,) = shlex.split(argument)
    value = OverridesParser.create().parse_override(word).value()
    plain = [getattr(v, "text", v) for v in (value if isinstance(value, list) else [value])]
    return plain if isinstance(value, list) else plain[0]


@pytest.mark.parametrize("value", [*AWKWARD, None, True, 3, -0.5, 1e-5, 1e22, [], [2, 3], ["a", 1]])
def test_a_value_is_read_as_it_was(value):
    got = read(override("key", value))
    assert (got, type(got)) == (value, type(value))


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_any_text_is_read_as_it_was(text):
    assert read(override("key", text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_every_digit(number):
    assert float(shown(number)) == number


def test_options_of_groups_come_first():
    told = arguments({"strategy.block_size": 64, "N": 10, "strategy": "streamed"})
    assert told == "N=10 strategy=streamed strategy.block_size=64"
