"""One process makes a slice; another one is turned away, and nothing remains of the lock."""

import errno
import fcntl
import os

import pytest

from zeta_exp.errors import UserError
from zeta_exp.zeros.shards import Slice, Supply, write_table
from zeta_exp.zeros.shards.lock import locked


def test_a_second_process_is_refused(tmp_path, shards):
    def pieces(start, stop):
        with pytest.raises(UserError, match=r"another process is making this table in .*: wait"):
            shards.table(tmp_path / "made")
        yield from shards.supply().pieces(start, stop)

    write_table(str(tmp_path / "made"), shards.plan(), Supply(shards.supply().source, pieces))
    shards.table(tmp_path / "whole")
    assert shards.contents(tmp_path / "made") == shards.contents(tmp_path / "whole")


def test_another_slice_may_be_made_meanwhile(tmp_path, shards):
    with locked(str(tmp_path), Slice(1, 2)):
        write_table(str(tmp_path), shards.plan(), shards.supply(), Slice(2, 2))
    write_table(str(tmp_path), shards.plan(), shards.supply(), Slice(1, 2))
    assert all("lock" not in name for name in os.listdir(tmp_path))


def test_what_a_killed_process_left_of_it_holds_nobody_up(tmp_path, shards):
    (tmp_path / ".manifest.json.lock.tmp").write_bytes(b"")
    shards.table(tmp_path)
    assert not (tmp_path / ".manifest.json.lock.tmp").exists()


def test_a_lock_that_its_owner_removes_is_taken_anew(tmp_path, monkeypatch):
    lock, path = fcntl.flock, tmp_path / ".manifest.json.lock.tmp"
    calls = []

    def late(descriptor, operation):
        calls.append(descriptor)
        if len(calls) == 1:
            path.unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with locked(str(tmp_path), Slice(1, 1)):
        assert path.exists()
    assert len(calls) == 2
    assert not path.exists()


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locked(str(tmp_path), Slice(1, 1)):
        pass
    assert not os.listdir(tmp_path)


def test_who_is_refused_takes_nothing_away(tmp_path, shards, monkeypatch):
    made = tmp_path / "made"
    shards.table(made, count=50)
    before = shards.contents(made)
    monkeypatch.setattr("zeta_exp.files.exists", lambda path: False)  # made at the same moment
    with (
        locked(str(made), Slice(1, 1)),
        pytest.raises(UserError, match="another process"),
    ):
        shards.table(made, count=50)
    assert shards.contents(made) == before
