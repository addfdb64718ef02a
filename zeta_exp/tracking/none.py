"""The tracker that does nothing."""

from collections.abc import Mapping
from typing import Any

from zeta_exp.tracking.contract import Session


class NoTracker:
    """Keeps nothing: the run directory has it all."""

    def begin(self, session: Session) -> None:
        """Nothing."""

    def log(self, row: Mapping[str, float]) -> None:
        """Nothing."""

    def finish(self, result: Mapping[str, Any]) -> None:
        """Nothing."""
