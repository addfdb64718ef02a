"""Runs that are killed at random instants and resumed, until enough have been.

    python -m tests.run.killed KILLS DIRECTORY '{"NAME": [ARGUMENT, …], …}'

Of each case one run goes to its end in DIRECTORY/NAME/whole, the others are in DIRECTORY/NAME/0, 1,
…; the line printed has for each the updates that its kills left behind.  What every run needs is
loaded once, before the first fork, so that one takes a fraction of a second.
"""

import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

from safetensors import safe_open

from tests.run.leaving import small_experiment
from zeta_exp import training
from zeta_exp.checkpoint import FILE
from zeta_exp.report.silence import Silence
from zeta_exp.theory.gue.determinant import gaudin_law

BETWEEN_CHECKPOINTS = 0.005  # seconds: most kills lose some updates


def run(experiment, directory, told):
    """The run in a fork, which writes a byte to `told` before each checkpoint; the process id."""
    child = os.fork()
    if child:
        return child
    save = training.save_checkpoint

    def saved(*state):
        os.write(told, b".")  # before it: a kill may also come while the file is written
        save(*state)

    training.save_checkpoint, training.CHECKPOINT_SECONDS = saved, BETWEEN_CHECKPOINTS
    code = 1
    try:
        experiment.run(directory, (directory / FILE).exists(), Silence())
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def trained(experiment, directory, delay=None):
    """Runs, and kills so many seconds after the first checkpoint; whether that came in time."""
    directory.mkdir(exist_ok=True, parents=True)
    reading, writing = os.pipe()
    child = run(experiment, directory, writing)
    os.close(writing)
    os.read(reading, 1)
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(reading)
    if code not in (0, -signal.SIGKILL):
        raise SystemExit(f"the run has ended with exit code {code}")
    return code != 0


def updates(directory):
    """Those that the checkpoint of a run knows; a run without one has to begin anew."""
    if not (directory / FILE).exists():
        shutil.rmtree(directory)
        return 0
    with safe_open(directory / FILE, framework="pt") as file:
        return json.loads(file.metadata()["progress"])["updates"]


def killed(kills, draw, directory, experiment):
    """Kills and resumes one run after the other; the updates that each kill left."""
    trained(experiment, directory / "whole")
    lasting = json.loads((directory / "whole/result.json").read_text())["wall_s"]
    left, runs = [], 0
    while len(left) < kills:
        parts = directory / str(runs)
        runs += 1
        # now and then it is killed after its training, while the result is written
        while trained(experiment, parts, draw.uniform(0, lasting) if len(left) < kills else None):
            left.append(updates(parts))
    return left


def main(kills, place, cases):
    """All cases; prints what was left."""
    importlib.import_module("torch.fx.experimental.symbolic_shapes")  # by the first backward pass
    gaudin_law()
    left = {}
    for name, arguments in json.loads(cases).items():
        experiment = small_experiment(*arguments)
        experiment.zeros.residuals(1, 2 * experiment.N)
        left[name] = killed(int(kills), random.Random(name), Path(place) / name, experiment)
    print(json.dumps(left))


if __name__ == "__main__":
    main(*sys.argv[1:])
