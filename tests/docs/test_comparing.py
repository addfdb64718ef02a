"""The commands of docs/comparing.md are ones that the programs take."""

import re
import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from conf.replay import FREE
from zeta_exp.cli import _parser

TEXT = (Path(__file__).parents[2] / "docs" / "comparing.md").read_text()
COMMANDS = re.findall(r"^zeta (.*)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one(command):
    words = shlex.split(command)
    assert _parser().parse_args(words).command.__name__ == words[0]


def test_a_replay_is_given_what_it_may_be_given():
    (one, other) = re.findall(r"^python run.py (.*)$", TEXT, re.MULTILINE)
    for words in (one, other):
        parsed = OverridesParser.create().parse_overrides(words.split())
        assert {override.key_or_group for override in parsed} <= set(FREE)
