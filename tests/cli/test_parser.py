"""Whole numbers as people write them."""

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.cli.parser import Parser, whole
from zeta_exp.errors import UserError


@given(st.integers(-(10**29), 10**29))
def test_every_way_to_write_a_number(number):
    assert whole(str(number)) == whole(f"{number:_}") == whole(f"{number}.0") == number


@given(st.integers(1, 9), st.integers(0, 20))
def test_powers_of_ten(digit, exponent):
    assert whole(f"{digit}e{exponent}") == whole(f"{digit}.0E+{exponent}") == digit * 10**exponent


@pytest.mark.parametrize("text", ["", "x", "1.5", "1e-3", "nan", "inf", "1e999999", "1e30", "0x10"])
def test_no_whole_number(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no whole number"):
        whole(text)


def test_an_error_is_a_sentence_with_advice():
    parser = Parser(prog="zeta")
    parser.add_argument("--count", type=whole)
    with pytest.raises(UserError, match=r"argument --count: 'many' is .*: see `zeta --help`$"):
        parser.parse_args(["--count", "many"])
    with pytest.raises(UserError, match="unrecognized arguments: --cou"):
        parser.parse_args(["--cou", "5"])
