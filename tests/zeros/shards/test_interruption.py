"""A real process, killed or interrupted, leaves whole shards, and the next one completes them."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zeta_exp.zeros.shards import open_table

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "zeta_exp.cli", "zeros", "generate"]
TABLE = ["--start", "2e6", "--count", "600_000", "--shard-size", "20_000"]


def start(folder, *options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*COMMAND, "--out", str(folder), *TABLE, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def stop(process, number, after_lines):
    """Sends the signal at a random moment after some shards; returns code and standard error."""
    lines = [process.stderr.readline() for _ in range(after_lines)]
    time.sleep(random.uniform(0, 0.05))
    process.send_signal(number)
    rest = process.communicate(timeout=60)[1]
    return process.returncode, "".join(lines) + rest


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    process = start(folder)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "600,000 zeros from ordinal 2000000 as ordinates, shards: 30" in out
    assert len(err.splitlines()) == 30
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.soak
def test_killed_a_few_times_it_has_the_same_bytes(tmp_path, whole):
    for after_lines in (1, 7, 9):
        code, err = stop(start(tmp_path), signal.SIGKILL, after_lines)
        assert code == -signal.SIGKILL, err
    process = start(tmp_path)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 0, err
    assert len(err.splitlines()) <= 13  # 17 shards were there
    assert contents(tmp_path) == contents(whole)
    assert open_table(str(tmp_path)).verify_hashes() == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_leaves_whole_shards_and_says_how_to_go_on(tmp_path, whole, workers):
    code, err = stop(start(tmp_path, "--workers", workers), signal.SIGINT, 3)
    assert code == 130, err
    said = err.splitlines()[-1]
    assert said == (
        f"interrupted: the whole shards in {tmp_path} stay; run the same command again to continue"
    )
    assert "Traceback" not in err
    there, complete = contents(tmp_path), contents(whole)
    for name, content in there.items():
        assert name == "manifest.json" or content == complete[name]
    assert 3 <= len(there) - 1 < 30
