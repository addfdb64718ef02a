"""Standard output may be full, closed or a pipe."""

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zeta_exp.cli import main

ROOT = Path(__file__).parents[2]
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device")


def shell(command):
    """What a shell's line does that runs the module."""
    line = f"{sys.executable} -m zeta_exp.cli {command}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    done = subprocess.run(
        line, shell=True, capture_output=True, text=True, env=environment, check=False
    )
    return done.returncode, done.stdout, done.stderr


@FULL
@pytest.mark.parametrize("command", ["zeros stats made", "--help"])
def test_full(zeta, table, command):
    code, _, err = shell(f"{command} > /dev/full")
    assert code == 2
    assert err.startswith("error: standard output can't be written (No space left on device)")
    assert err.count("\n") == 1


def test_closed(zeta, table):
    assert shell("zeros stats made >&-") == (0, "", "")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_full_in_this_process(zeta, table, monkeypatch, number):
    def full(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("zeta_exp.cli.output.print", full, raising=False)
    said = zeta("zeros", "stats", table).refused()
    assert f"standard output can't be written ({os.strerror(number)})" in said


def test_closed_in_this_process(zeta, table, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["zeros", "stats", table]) == 0


def test_libraries_for_buckets_keep_quiet(zeta):
    zeta("--help")
    for name in ("gcsfs", "fsspec"):
        assert not logging.getLogger(name).isEnabledFor(logging.ERROR)
