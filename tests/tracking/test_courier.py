"""A run goes on whatever its trackers do, and they get all that they can take."""

import json
import logging
import random

import pytest

from tests.tracking.sinks import Hanging, Recorder
from zeta_exp.errors import UserError
from zeta_exp.tracking import Session, Trackers
from zeta_exp.tracking.courier import Patience

HASTY = Patience(stalled=0.05, pause=0.0, completed=30.0, cut_short=30.0)
COMPLETED = {"status": "completed", "val_rmse": 0.5}


@pytest.fixture
def session(tmp_path):
    return Session("zeta-1", tmp_path, {"seed": 1})


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def tracked(session, *sinks, epochs=20, result=COMPLETED, patience=HASTY):
    """A run of so many epochs; returns its rows."""
    trackers = Trackers(patience, **{f"sink{n}": sink for n, sink in enumerate(sinks)})
    trackers.begin(session)
    rows = [{"epoch": float(n)} for n in range(epochs)]
    for row in rows:
        trackers.log(row)
    trackers.finish(result)
    return rows


def test_making_trackers_does_nothing(session):
    sink = Recorder()
    Trackers(sink=sink)
    assert sink.calls == 0
    assert list(session.directory.iterdir()) == []


def test_every_row_arrives_once_and_in_order(session, caplog):
    first, second = Recorder(), Recorder()
    rows = tracked(session, first, second)
    for sink in (first, second):
        assert sink.rows == rows
        assert sink.results == [COMPLETED]
    assert warnings(caplog) == []


@pytest.mark.parametrize("seed", range(20))
def test_a_sink_that_fails_now_and_then_gets_all_in_the_end(session, caplog, seed):
    sink = Recorder(random.Random(seed).sample(range(6), 3))
    trackers = Trackers(HASTY, sink=sink)
    trackers.begin(session)
    rows = [{"epoch": float(n)} for n in range(50)]
    for row in rows:
        trackers.log(row)
    trackers.finish(COMPLETED)
    # the end is tried once: what is left by then is in the run directory
    assert sink.rows == rows[: len(sink.rows)]
    assert len(sink.results) <= 1
    said = warnings(caplog)
    assert len(said) <= 1
    assert all("tracking=sink has failed (ConnectionError: no route)" in line for line in said)


def test_one_that_always_fails_warns_once_and_leaves_the_others_alone(session, caplog):
    broken, whole = Recorder(range(10**4)), Recorder()
    rows = tracked(session, broken, whole)
    assert broken.rows == broken.results == []
    assert whole.rows == rows
    assert len(warnings(caplog)) == 1


def test_one_that_never_answers_is_given_up(session, caplog):
    sink, whole = Hanging(), Recorder()
    rows = tracked(session, sink, whole)
    sink.released.set()
    assert whole.rows == rows
    (said,) = warnings(caplog)
    assert "tracking=sink0 does not answer" in said


def test_a_stopped_run_waits_less(session, caplog):
    sink = Hanging()
    short = Patience(stalled=1e9, completed=1e9, cut_short=0.05)
    tracked(session, sink, result={"status": "interrupted"}, patience=short)
    sink.released.set()
    assert len(warnings(caplog)) == 1


def test_a_resumed_run_keeps_its_name(session):
    first, second = Recorder(), Recorder()
    tracked(session, first)
    tracked(Session("zeta-2", session.directory, {}), second)
    assert [s.identity for s in first.sessions + second.sessions] == ["zeta-1", "zeta-1"]
    assert json.loads((session.directory / "tracking.json").read_text()) == {"run": "zeta-1"}


def test_what_is_no_tracker_is_refused():
    with pytest.raises(UserError, match=r"tracking\.foo=1 is no tracker"):
        Trackers(foo=1)
