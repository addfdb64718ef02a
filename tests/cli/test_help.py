"""What --help shows of each command, how lightly, and what a shell completes."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from zeta_exp.cli import _parser
from zeta_exp.cli.completion import SHELLS, parsers

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "numba", "numpy", "matplotlib", "torch_geometric", "google.auth", "scipy", "rich")
PARSERS = {parser.prog: parser for parser in parsers(_parser())}


@pytest.mark.parametrize("name", PARSERS)
def test_every_command_shows_examples_that_are_commands(name):
    shown = PARSERS[name].format_help()
    _, _, examples = shown.partition("examples:\n")
    commands = re.findall(r"^  (zeta .*?)(?:   .*| >.*)?$", examples, re.MULTILINE)
    assert commands, shown
    assert any(command.startswith(name) for command in commands)
    for command in commands:
        words = shlex.split(command)[1:]
        if "--help" not in words:
            assert _parser().parse_args(words).command


def test_no_help_imports_anything_heavy():
    program = (
        "import sys; from zeta_exp.cli import main\n"
        "for words in sys.argv[1:]: assert main([*words.split()[1:], '--help']) == 0, words\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *PARSERS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "[]")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("zeta ", {"zeros", "doctor", "verdict", "jobs", "completion"}),
        ("zeta zeros ver", {"verify"}),
        ("zeta zeros generate --sh", {"--shard", "--shard-size"}),
        ("zeta zeros verify tab", {"table.txt"}),
    ],
)
def test_bash_completes(zeta, tmp_path, typed, offered):
    (tmp_path / "table.txt").touch()
    script = zeta("completion", "bash").out
    words = typed.split(" ")
    script += f"""
COMP_WORDS=({" ".join(repr(word) for word in words)}) COMP_CWORD={len(words) - 1}
_shtab_zeta zeta
echo "${{COMPREPLY[*]}}"
"""
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert offered <= set(done.stdout.split()), done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script(zeta, shell):
    shown = zeta("completion", shell)
    assert (shown.code, shown.err) == (0, "")
    assert "generate" in shown.out


def test_an_unknown_shell_is_refused(zeta):
    assert "choose from 'bash', 'zsh', 'fish'" in zeta("completion", "cmd").refused()
