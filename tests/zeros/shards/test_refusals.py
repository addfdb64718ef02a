"""What the writer of shards refuses, in one sentence and before it spoils anything."""

import errno
import itertools
import os

import pytest

from zeta_exp.errors import UserError
from zeta_exp.zeros.shards import Slice, open_table, write_table
from zeta_exp.zeros.shards.writer import _bytes


@pytest.mark.parametrize(("before", "after"), [(250, 750), (300, 200)])
def test_a_table_with_other_shards_may_neither_grow_nor_shrink(tmp_path, shards, before, after):
    shards.table(tmp_path, count=before)
    with pytest.raises(UserError, match=rf"count={before}, not count={after}, and its zeros_00002"):
        shards.table(tmp_path, count=after)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"start": 900}, "start=1000, not start=900"),
        ({"size": 50}, "shard_size=100, not shard_size=50"),
        ({"form": "residuals"}, "form=ordinates, not form=residuals"),
    ],
)
def test_another_table_is_refused(tmp_path, shards, other, said):
    shards.table(tmp_path)
    before = shards.contents(tmp_path)
    with pytest.raises(UserError, match=f"manifest.json is of another table, with {said}: repeat"):
        shards.table(tmp_path, **other)
    assert shards.contents(tmp_path) == before


def test_slices_of_another_table_are_refused(tmp_path, shards):
    write_table(str(tmp_path), shards.plan(), shards.supply(), Slice(2, 3))
    with pytest.raises(UserError, match="made in 3 slices, not in 1"):
        shards.table(tmp_path)
    with pytest.raises(UserError, match="made in 3 slices, not in 4"):
        write_table(str(tmp_path), shards.plan(), shards.supply(), Slice(2, 4))
    with pytest.raises(
        UserError, match=r"manifest_00002_of_00003.json .* count=1000, not count=90"
    ):
        write_table(str(tmp_path), shards.plan(count=900), shards.supply(), Slice(1, 3))


def test_foreign_folders_and_files_are_refused(tmp_path, shards):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UserError, match=r"holds other things, such as thesis.tex: choose"):
        shards.table(tmp_path)
    with pytest.raises(UserError, match=r"thesis.tex is a file: give a folder"):
        shards.table(tmp_path / "thesis.tex")
    assert set(shards.contents(tmp_path)) == {"thesis.tex"}


def test_an_unreadable_manifest_is_refused(tmp_path, shards):
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UserError, match=r"manifest.json is no manifest"):
        shards.table(tmp_path)


@pytest.mark.parametrize(
    ("form", "advice"), [(None, "--form residuals"), ("residuals", "lower the")]
)
def test_no_room_is_seen_before_the_work(tmp_path, shards, monkeypatch, form, advice):
    monkeypatch.setattr("shutil.disk_usage", lambda path: Disk(399))
    with pytest.raises(UserError, match=rf"needs .\.0 kB, its disk has 399.0 B free: .*{advice}"):
        shards.table(tmp_path / "not" / "there", form=form, count=1000)
    assert not list(tmp_path.iterdir())


class Disk:
    def __init__(self, free, total=1000):
        self.free = free
        self.total = total


def test_only_what_is_missing_needs_room(tmp_path, shards, monkeypatch):
    shards.table(tmp_path)
    (tmp_path / "zeros_00002.npy").unlink()
    monkeypatch.setattr("shutil.disk_usage", lambda path: Disk(800))
    shards.table(tmp_path)
    assert (tmp_path / "zeros_00002.npy").exists()


def test_a_disk_that_fills_up_is_one_sentence_and_leaves_whole_shards(
    tmp_path, shards, monkeypatch
):
    replace, left = os.replace, itertools.count(5, -1)

    def full(source, target):
        if next(left) <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match=r"\(No space left on device\): free some space"):
        shards.table(tmp_path)
    monkeypatch.undo()
    assert set(shards.contents(tmp_path)) == {"manifest.json", "zeros_00000.npy", "zeros_00001.npy"}
    shards.table(tmp_path)
    assert open_table(str(tmp_path)).verify_hashes() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_one_sentence(tmp_path, shards):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="Permission denied"):
        shards.table(tmp_path / "zeros")


def test_a_read_only_disk_is_one_sentence(tmp_path, shards, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "makedirs", refuse)
    with pytest.raises(
        UserError, match=r"zeros can't be read or written \(Read-only file system\)"
    ):
        shards.table(tmp_path / "zeros")


def test_sizes_in_the_units_of_a_reader():
    sizes = [_bytes(size) for size in (0, 999, 8e7, 8e9, 8e13)]
    assert sizes == ["0.0 B", "999.0 B", "80.0 MB", "8.0 GB", "80.0 TB"]


def test_a_folder_without_a_name_is_refused(shards):
    with pytest.raises(UserError, match="has no name: give one"):
        write_table("", shards.plan(), shards.supply())


def test_a_folder_on_no_disk_is_refused(tmp_path, shards, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: Disk(0, 0))
    with pytest.raises(UserError, match="can't be written, it is on no disk: choose"):
        shards.table(tmp_path / "made")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("after", "left"), [(50, None), (150, 2)])
def test_a_folder_that_was_made_stays_only_with_shards(tmp_path, shards, after, left):
    made, supply = tmp_path / "made", shards.supply(stop_after=after, error=UserError("torn"))
    with pytest.raises(UserError, match="torn"):
        write_table(str(made), shards.plan(), supply)
    assert made.exists() == (left is not None)
    assert left is None or len(os.listdir(made)) == left


def test_a_folder_that_was_there_stays(tmp_path, shards):
    with pytest.raises(KeyboardInterrupt):
        write_table(str(tmp_path), shards.plan(), shards.supply(stop_after=50))
    assert os.listdir(tmp_path) == ["manifest.json"]
