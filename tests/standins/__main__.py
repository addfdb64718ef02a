"""A cloud in a process of its own: `python -m tests.standins --port-file F -- python run.py`.

It writes to F, once it serves, what a client needs to know (`Remote` reads it), and ends at
SIGTERM, at Ctrl-C, or when the process that started it is gone.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.standins.cloud import Cloud

LOOK = 0.5  # seconds between two looks at the parent


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins", description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--root", type=Path, help="where jobs run; a temporary folder if left out")
    parser.add_argument("--cwd", type=Path, default=Path.cwd(), help="what the image holds")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds before SIGKILL")
    parser.add_argument("entry", nargs="*", default=[sys.executable, "run.py"])
    return parser.parse_args()


def serve(root: Path, options: argparse.Namespace) -> None:
    """Serve until the end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()
    with Cloud(root, options.entry, options.cwd, grace=options.grace) as cloud:
        start = {
            "endpoint": cloud.endpoint,
            "bucket": cloud.bucket,
            "image": cloud.image,
            "environment": cloud.environment,
            "pid": os.getpid(),
        }
        unfinished = options.port_file.with_suffix(".tmp")
        unfinished.write_text(json.dumps(start))
        unfinished.replace(options.port_file)
        while not stop.wait(LOOK) and os.getppid() == parent:
            pass


def main() -> None:
    """Serve below the folder of --root."""
    options = arguments()
    if options.root:
        serve(options.root, options)
        return
    with tempfile.TemporaryDirectory() as folder:
        serve(Path(folder), options)


if __name__ == "__main__":
    main()
