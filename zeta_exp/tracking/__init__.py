"""Floor 5: trackers mirror the run directory, which is the truth."""

from zeta_exp.tracking.none import NoTracker, Tracker

__all__ = ["NoTracker", "Tracker"]
