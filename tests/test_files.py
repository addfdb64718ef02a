"""Files by path or address: whole or not there, listed, and with errors that say what to do."""

import errno
import io
import os
import stat
import sys
import threading

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from zeta_exp import files
from zeta_exp.errors import UserError


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path):
    """A folder on the disk, and one that is reached by an address."""
    if request.param == "local":
        yield str(tmp_path / "folder")
        return
    yield f"memory://{tmp_path.name}/folder"
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def put(path: str, content: bytes) -> None:
    with files.writing(path) as file:
        file.write(content)


def got(path: str) -> bytes:
    with files.reading(path) as file:
        return file.read()


@pytest.mark.parametrize("path", ["gs://bucket/a", "memory://a", "s3://b", "file:///tmp/a"])
def test_addresses_are_remote(path: str):
    assert files.is_remote(path)


@pytest.mark.parametrize("path", ["a", "/a/b", "./a:b", "a//b", "C:/a", "zeros.txt"])
def test_paths_are_not_remote(path: str):
    assert not files.is_remote(path)


def test_join_keeps_one_slash():
    assert files.join("gs://b/folder/", "name") == files.join("gs://b/folder", "name")
    assert files.join("gs://b/folder", "name") == "gs://b/folder/name"
    assert files.join("folder", "name") == os.path.join("folder", "name")


def test_what_is_written_is_read(folder: str):
    files.make_folder(folder)
    path = files.join(folder, "name")
    for content in (b"first", b"", bytes(range(256)) * 5000):
        put(path, content)
        assert got(path) == content


def test_a_file_appears_only_when_it_is_whole(folder: str):
    files.make_folder(folder)
    path = files.join(folder, "name")
    with files.writing(path) as file:
        assert file.writable()
        file.write(b"half")
        assert not files.exists(path)
        assert files.is_remote(folder) or files.names(folder) == []
    assert files.names(folder) == ["name"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_an_error_leaves_what_was_there(folder: str, error: type[BaseException]):
    files.make_folder(folder)
    path = files.join(folder, "name")
    put(path, b"before")

    def fail() -> None:
        with files.writing(path) as file:
            file.write(b"after" * 1000)
            raise error

    with pytest.raises(error):
        fail()
    assert got(path) == b"before"
    assert files.names(folder) == ["name"]


def test_content_at_hand_is_written_whole(tmp_path):
    files.write_atomically(tmp_path / "name", b"content")
    assert got(str(tmp_path / "name")) == b"content"
    with pytest.raises(FileNotFoundError) as caught:
        files.write_atomically(tmp_path / "nowhere" / "name", b"content")
    assert caught.value.filename == str(tmp_path / "nowhere" / "name")


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real", tmp_path / "link"
    link.symlink_to(real)
    for content in (b"first", b"second"):
        put(str(link), content)
        assert link.is_symlink()
        assert real.read_bytes() == content
    assert files.names(str(tmp_path)) == ["elsewhere", "link"]
    assert files.names(str(tmp_path / "elsewhere")) == ["real"]


def test_only_files_are_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/full")
    for path in ("/dev/full", str(tmp_path / "pipe"), str(tmp_path / "link")):
        with pytest.raises(UserError, match=f"^{path} is a device or a pipe, no file to replace"):
            put(path, b"x")
    assert (tmp_path / "link").is_symlink()
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    with pytest.raises(IsADirectoryError):
        put(str(tmp_path), b"x")


def test_two_may_write_one_file_at_a_time(tmp_path):
    """The last to finish has it, and neither takes the other's unfinished file."""
    path = str(tmp_path / "name")
    with files.writing(path) as one:
        one.write(b"one")
        with files.writing(path) as two:
            two.write(b"two")
            assert len(list(tmp_path.iterdir())) == 2
            assert files.names(str(tmp_path)) == []
        assert got(path) == b"two"
    assert got(path) == b"one"
    assert os.listdir(tmp_path) == ["name"]


def test_what_a_killed_writer_left_is_removed(tmp_path):
    for name in (".name.tmp", ".name.0123abcd.tmp", ".name.b.0123abcd.tmp", ".names.tmp"):
        (tmp_path / name).write_bytes(b"half")
    put(str(tmp_path / "name"), b"whole")
    assert sorted(os.listdir(tmp_path)) == [".name.b.0123abcd.tmp", ".names.tmp", "name"]


def test_an_error_keeps_the_name_of_another_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, files.writing(str(tmp_path / "name")):
        open(tmp_path / "other")  # noqa: SIM115
    assert caught.value.filename == str(tmp_path / "other")


def test_reads_have_positions_of_their_own(folder: str):
    files.make_folder(folder)
    path = files.join(folder, "name")
    put(path, b"0123456789")
    with files.reading(path) as one, files.reading(path) as two:
        assert one.read(4) == b"0123"
        assert two.read(2) == b"01"
        assert one.read() == b"456789"
        assert one.seek(-3, os.SEEK_END) == 7
        assert (one.read(2), one.tell()) == (b"78", 9)
        assert one.seek(-1, os.SEEK_CUR) == 8
        assert one.seek(100) == 100
        assert one.read() == b""


def test_folders_are_told_from_files(folder: str):
    assert not files.exists(folder)
    assert not files.is_folder(folder)
    files.make_folder(folder)
    files.make_folder(folder)
    for name in ("b", "a", ".hidden"):
        put(files.join(folder, name), b"x")
    assert files.exists(folder)
    assert files.is_folder(folder)
    assert not files.is_folder(files.join(folder, "a"))
    assert files.names(folder) == [".hidden", "a", "b"]


def test_folders_within_are_listed(folder: str):
    files.make_folder(files.join(folder, "inner"))
    put(files.join(files.join(folder, "inner"), "a"), b"x")
    put(files.join(folder, "z"), b"x")
    assert files.names(folder) == ["inner", "z"]


def test_what_was_never_finished_is_not_listed(tmp_path):
    (tmp_path / ".zeros.npy.tmp").write_bytes(b"half")
    assert files.names(str(tmp_path)) == []


def test_what_is_missing_raises(folder: str):
    for what in (files.names, got):
        with pytest.raises(FileNotFoundError):
            what(files.join(folder, "missing"))


def test_a_folder_is_not_read_as_a_file(folder: str):
    files.make_folder(folder)
    put(files.join(folder, "a"), b"x")
    with pytest.raises(IsADirectoryError):
        got(folder)


def test_writes_of_several_threads_do_not_mix():
    """A transaction of one would hold back the writes of another."""
    both_open = threading.Barrier(2)

    def write(name: str) -> None:
        with files.writing(f"memory://threads/{name}") as file:
            both_open.wait(10)
            file.write(name.encode())

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [got(f"memory://threads/{name}") for name in "ab"] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file"), "folder the does not exist: check"),
        (IsADirectoryError(errno.EISDIR, "Is a directory"), "is a folder: give a file"),
        (PermissionError(errno.EACCES, "Permission denied"), r"\(Permission denied\): check"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left.*: free some space"),
        (OSError("no number"), r"\(no number\): check"),
        (OSError(), r"\(OSError\): check"),
    ],
)
def test_errors_are_explained_in_a_sentence(error: OSError, words: str):
    with pytest.raises(UserError, match=f"^the/path .*{words}"), files.explained("the/path"):
        raise error


def test_what_is_missing_is_told_from_a_missing_folder(tmp_path):
    for path, words in (
        (tmp_path / "a", "a does not exist: check the path"),
        (tmp_path / "b" / "a", f"a can't be reached, as the folder {tmp_path}/b does not exist"),
    ):
        for action in (got, lambda path: put(path, b"") if path.endswith("b/a") else got(path)):
            with pytest.raises(UserError, match=words), files.explained(str(path)):
                action(str(path))


@pytest.mark.parametrize(
    "action", [got, files.names, files.make_folder, lambda path: put(path, b"")]
)
def test_an_empty_path_is_refused(action):
    with pytest.raises(UserError, match=r"^an empty path names nothing"):
        action("")
    with pytest.raises(UserError, match=r"^an empty path names nothing"), files.explained(""):
        raise AssertionError("not reached")
    assert not files.exists("")
    assert not files.is_folder("")


def test_other_errors_are_not_explained():
    with pytest.raises(ValueError, match="a bug"), files.explained("the/path"):
        raise ValueError("a bug")


@pytest.mark.parametrize("what", [files.reading, files.exists, files.names, files.is_folder])
def test_an_unknown_scheme_is_refused(what):
    with pytest.raises(UserError, match=r"^foo://x can't be reached .*use gs:// or a local path"):
        what("foo://x")


@pytest.mark.parametrize(
    ("path", "what"),
    [("gs://b/a", r"zeta_exp\[gcp\]"), ("gcs://b/a", r"zeta_exp\[gcp\]"), ("s3://b/a", "it")],
)
def test_a_missing_library_is_named(monkeypatch, path, what):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UserError, match=rf"fsspec.*: install {what} or use a local path"):
        files.exists(path)


def test_the_library_of_another_store_is_named(monkeypatch):
    def missing(_):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(UserError, match=r"Install s3fs to access S3\): install it or"):
        files.is_folder("s3://bucket/name")


class Broken(MemoryFileSystem):
    """A store that fails as libraries do, with errors of their own."""

    protocol = "broken"
    failing = frozenset[str]()

    def info(self, path, **kwargs):
        if "info" in self.failing:
            raise RuntimeError("no\ncredentials")
        return super().info(path, **kwargs)

    def cat_file(self, path, start=None, end=None, **kwargs):
        if "read" in self.failing:
            raise RuntimeError("connection lost")
        return super().cat_file(path, start, end, **kwargs)

    def _open(self, path, mode="rb", **kwargs):
        file = super()._open(path, mode, **kwargs)
        return Full() if "write" in self.failing else file


class Full(io.BytesIO):
    """A file that takes nothing."""

    def write(self, content):
        raise RuntimeError("quota exceeded")

    def discard(self):
        raise RuntimeError("also this fails")


@pytest.fixture
def broken(monkeypatch):
    fsspec.register_implementation("broken", Broken, clobber=True)
    put("broken://a", b"content")

    def fail(*what: str) -> None:
        monkeypatch.setattr(Broken, "failing", frozenset(what))

    yield fail
    MemoryFileSystem.store.clear()


@pytest.mark.parametrize("what", [files.exists, files.is_folder])
def test_questions_about_an_address_are_answered_or_explained(broken, what):
    broken("info")
    with pytest.raises(
        UserError, match=r"^broken://a .*RuntimeError: no credentials\): check .* network"
    ):
        what("broken://a")


@pytest.mark.parametrize(
    ("failing", "action", "words"),
    [
        ("info", lambda: got("broken://a"), "no credentials"),
        ("read", lambda: got("broken://a"), "connection lost"),
        ("write", lambda: put("broken://a", b"x"), "quota exceeded"),
    ],
)
def test_errors_of_libraries_are_explained(broken, failing: str, action, words: str):
    broken(failing)
    with pytest.raises(OSError, match=words):
        action()
    with pytest.raises(UserError, match=words), files.explained("broken://a"):
        action()
    broken()
    assert got("broken://a") == b"content"


def test_the_shortest_path_leads_down_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert files.shortest(str(tmp_path / "outputs" / "1")) == "outputs/1"
    assert files.shortest("outputs/1") == "outputs/1"
    assert files.shortest(str(tmp_path.parent / "x")) == str(tmp_path.parent / "x")
