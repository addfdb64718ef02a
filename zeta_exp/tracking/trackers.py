"""Several services at once, none of which can stop or slow down a run."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zeta_exp.errors import UserError
from zeta_exp.files import write_atomically
from zeta_exp.tracking.contract import Session, Sink
from zeta_exp.tracking.courier import Courier, Patience

FILE = "tracking.json"  # in the run directory: the name that the run has in the services


class Trackers:
    """Mirrors a run to each sink, by the name that the user knows it by.

    Raises `UserError` for what is no sink.
    """

    def __init__(self, patience: Patience | None = None, **sinks: Sink) -> None:
        say = logging.getLogger("zeta_exp").warning
        for name, sink in sinks.items():
            if not callable(getattr(sink, "open", None)):
                raise UserError(f"tracking.{name}={sink} is no tracker: leave it out")
        self._couriers = [
            Courier(name, sink, lambda line: say("warning: %s", line), patience or Patience())
            for name, sink in sinks.items()
        ]

    def begin(self, session: Session) -> None:
        """The run begins, under the name that it had if it goes on."""
        if not self._couriers:
            return
        session = replace(session, identity=_kept(session.directory, session.identity))
        for courier in self._couriers:
            courier.begin(session)

    def log(self, row: Mapping[str, float]) -> None:
        """One epoch's row."""
        for courier in self._couriers:
            courier.add(row)

    def finish(self, result: Mapping[str, Any]) -> None:
        """How the run ended."""
        for courier in self._couriers:
            courier.finish(result)


def _kept(directory: Path, identity: str) -> str:
    """The name that is written down, or the one given, which is then written down.

    It comes of the config, and a resumed run may change its budget.
    """
    path = directory / FILE
    try:
        return str(json.loads(path.read_text())["run"])
    except (OSError, ValueError, LookupError, TypeError):
        write_atomically(path, json.dumps({"run": identity}).encode() + b"\n")
    return identity
