"""Floor 5: trackers mirror the run directory, which is the truth."""

from zeta_exp.tracking.contract import Session, Sink, Tracker
from zeta_exp.tracking.mlflow import MlflowSink
from zeta_exp.tracking.none import NoTracker
from zeta_exp.tracking.parameters import flattened
from zeta_exp.tracking.trackers import Trackers
from zeta_exp.tracking.vertex import VertexSink

__all__ = [
    "MlflowSink",
    "NoTracker",
    "Session",
    "Sink",
    "Tracker",
    "Trackers",
    "VertexSink",
    "flattened",
]
