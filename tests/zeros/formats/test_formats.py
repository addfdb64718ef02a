"""Reading any format by its content, writing by name, and what is no table."""

import bz2
import errno
import gzip
import io
import json
import lzma
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.zeros import generate
from zeta_exp.zeros.formats import FORMATS, format_of, read, write
from zeta_exp.zeros.formats.contents import take
from zeta_exp.zeros.stretch import COARSE_FROM, Stretch

NAMES = {"text": "a.txt", "odlyzko": "a.odlyzko", "npy": "a.npy", "lmfdb": "a.dat"}


@pytest.fixture(scope="module")
def zeros() -> np.ndarray:
    return generate(1000, 5000)


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path):
    """A folder on the disk, and one that is reached by an address."""
    yield str(tmp_path) if request.param == "local" else f"memory://{tmp_path.name}"
    MemoryFileSystem.store.clear()


def parts(zeros: np.ndarray) -> list[Stretch]:
    """Three stretches, one without zeros."""
    return [
        Stretch(1000, 0.0, zeros[:2000]),
        Stretch(3000, 0.0, zeros[:0]),
        Stretch(3000, 0.0, zeros[2000:]),
    ]


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_back_the_zeros(folder, zeros, name, packed):
    path = f"{folder}/{NAMES[name]}{packed}"
    write(path, parts(zeros), format_of(path))
    start = None if name in ("odlyzko", "lmfdb") else 1000
    table = read(path, start)
    stretches = list(table.stretches())
    assert (table.format, table.path, table.start) == (name, path, 1000)
    assert stretches[0].start == 1000
    assert [s.start for s in stretches[1:]] == [s.stop for s in stretches[:-1]]
    assert np.concatenate([s.ordinates() for s in stretches]).tolist() == zeros.tolist()
    said = table.provenance()
    assert (said["format"], said["path"], len(str(said["sha256"]))) == (name, path, 64)
    assert json.loads(json.dumps(said)) == said


@pytest.mark.parametrize("name", FORMATS)
def test_equal_zeros_are_equal_bytes_whatever_the_pieces(tmp_path, zeros, name):
    for packed in ("", ".gz"):
        one, two = (tmp_path / f"{i}{packed}" for i in "ab")
        write(one, parts(zeros), name)
        write(two, [Stretch(1000, 0.0, zeros)], name)
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_tables_are_read_by_content_not_by_name(tmp_path, zeros, name):
    write(tmp_path / "zeros", parts(zeros), name)
    assert read(tmp_path / "zeros", 1000).format == name


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_not_written(folder, zeros, name, bad):
    wrong = zeros.copy()
    wrong[2500] = bad
    path = f"{folder}/file"
    with pytest.raises(UserError, match=rf"ordinal 3500 is {bad}, which no table"):
        write(path, parts(wrong), name)
    with pytest.raises(UserError, match="does not exist"):
        read(path)


@pytest.mark.parametrize("name", FORMATS)
def test_no_zeros_are_no_table(tmp_path, name):
    for stretches in ([], [Stretch(1, 0.0, np.empty(0))]):
        with pytest.raises(UserError, match="there is no zero to write"):
            write(tmp_path / "file", stretches, name)
    assert list(tmp_path.iterdir()) == []


def test_stretches_with_a_gap_are_a_bug(tmp_path, zeros):
    with pytest.raises(ValueError, match="begins at ordinal 3001, not 3000"):
        write(tmp_path / "a", [parts(zeros)[0], Stretch(3001, 0.0, zeros)], "text")


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_replaced_only_by_a_whole_one(tmp_path, zeros, name):
    path = tmp_path / "file"
    write(path, parts(zeros), name)
    before = path.read_bytes()

    def interrupted():
        yield parts(zeros)[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(path, interrupted(), name)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["text", "odlyzko", "lmfdb"])
def test_high_zeros_come_back_to_eleven_decimals(tmp_path, name):
    """From one base to another, through the file and back."""
    rng = np.random.default_rng(7)
    heights = np.cumsum(rng.exponential(0.25, 30_000)) + 4000
    start = COARSE_FROM
    pieces = [
        Stretch(start, 3293531632.25, heights[:10_000]),
        Stretch(start + 10_000, 3293540000.75, heights[10_000:] - 8368.5),
    ]
    write(tmp_path / "file", pieces, name)
    table = read(tmp_path / "file", start)
    got = [(s.base - 3293531632.25) + s.offsets for s in table.stretches()]
    assert table.start == start
    assert np.abs(np.concatenate(got) - heights).max() < 1e-11


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.txt", "text"),
        ("a.txt.gz", "text"),
        ("gs://bucket/a.odlyzko", "odlyzko"),
        (Path("a.b/zeros.npy"), "npy"),
        ("zeros_14.dat", "lmfdb"),
    ],
)
def test_the_suffix_names_the_format(path, name):
    assert format_of(path) == name


@pytest.mark.parametrize("path", ["zeros", "zeros.csv", "txt", "a.txt/b"])
def test_another_suffix_is_refused(path):
    with pytest.raises(UserError, match=r"no suffix of a format: use .txt \(text\), .*\.dat"):
        format_of(path)


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(
        UserError, match="format 'csv' is unknown; known: lmfdb, npy, odlyzko, text"
    ):
        write(tmp_path / "a", [], "csv")


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("zeros.txt", "14.134725142\n")
    return file.getvalue()


DAMAGED = "is gzip and cut off or damaged"


# Named, since bytes of gzip hold the second of their making and would name the test.
@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "is empty: give a file with zeros", id="empty"),
        pytest.param(b" \r\n\n", "is empty", id="blank"),
        pytest.param(gzip.compress(b""), "is empty", id="gzip-of-nothing"),
        pytest.param(zipped(), "is a zip archive: unpack it", id="zip"),
        pytest.param(bz2.compress(b"14.134725142"), "is packed with bzip2: unpack it", id="bzip2"),
        pytest.param(lzma.compress(b"14.134725142"), "is packed with xz: unpack it", id="xz"),
        pytest.param(
            b"<!DOCTYPE html><p>404",
            "is a web page, not a table of zeros: the download failed",
            id="page",
        ),
        pytest.param(b"\n\n <html>zeta zeros</html>", "is a web page", id="page-after-blanks"),
        pytest.param(gzip.compress(b"<html>"), "is a web page", id="gzip-of-page"),
        pytest.param(bytes(1000), "is no table of zeros: neither UTF-8 text nor", id="nulls"),
        pytest.param("14.134725142\n".encode("utf-16"), "is no table of zeros", id="utf-16"),
        pytest.param(b"14.134725142\n\xff\xfe\n21.022", "is no table of zeros", id="no-utf-8"),
        pytest.param(b"%PDF-1.4\n\xe2\xe3\xcf\xd3\n", "is no table of zeros", id="pdf"),
        pytest.param(gzip.compress(b"14.134725142\n" * 1000)[:-20], DAMAGED, id="gzip-cut-late"),
        pytest.param(gzip.compress(b"14.134725142\n" * 1000)[:15], DAMAGED, id="gzip-cut-early"),
        pytest.param(b"\x1f\x8b" + bytes(30), DAMAGED, id="gzip-of-nulls"),
        pytest.param(b"\x1f\x8b", DAMAGED, id="gzip-mark"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path, content, words):
    path = tmp_path / "zeros"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"^{path} {words}") as caught:
        list(read(path).stretches())
    assert "\n" not in str(caught.value)


def test_a_damaged_gzip_is_refused_far_down(tmp_path):
    rng = np.random.default_rng(1)
    text = "".join(f"{x:.9f}\n" for x in np.cumsum(rng.random(100_000)) + 14)
    packed = bytearray(gzip.compress(text.encode()))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "zeros.gz").write_bytes(packed)
    with pytest.raises(UserError):
        list(read(tmp_path / "zeros.gz").stretches())


def test_a_character_cut_at_the_end_of_the_head_is_text(tmp_path):
    heading = "# zeros of ζ(½ + it) " + "θ" * 40_000 + "\n"
    (tmp_path / "zeros").write_text(heading, encoding="utf-8")
    with pytest.raises(UserError, match="words but no zeros"):
        read(tmp_path / "zeros")


def test_paths_that_can_not_be_read(tmp_path):
    with pytest.raises(UserError, match="nowhere does not exist: check the path"):
        read(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"is a folder without a manifest.json: give a file"):
        read(tmp_path)
    with pytest.raises(UserError, match="start=0 is no ordinal of a zero: use 1 or more"):
        read(tmp_path / "nowhere", 0)


@dataclass(frozen=True)
class Shards:
    """A folder's table, as far as reading asks."""

    path: str
    start: int = 500


def test_a_folder_with_a_manifest_is_a_table_of_shards(folder, monkeypatch):
    monkeypatch.setattr("zeta_exp.zeros.shards.open_table", Shards)
    with files.writing(f"{folder}/manifest_00001_of_00002.json") as file:
        file.write(b"{}")
    assert read(folder) == read(folder, 500) == Shards(folder)
    with pytest.raises(
        UserError, match=r"begins at ordinal 500 .*, not at start=7: leave start out"
    ):
        read(folder, 7)


class Dripping(io.BytesIO):
    """Gives three bytes at most, as files from afar may."""

    def read(self, size: int = -1) -> bytes:
        return super().read(min(size, 3))


def test_bytes_are_taken_until_there_are_enough():
    file = Dripping(b"0123456789")
    assert take(file, 8) == b"01234567"
    assert take(file, 8) == b"89"
    assert take(file, 8) == b""


def test_a_file_without_permission_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "zeros"
    path.write_text("14.134725142\n")

    def denied(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("zeta_exp.zeros.formats.contents.reading", denied)
    with pytest.raises(UserError, match=r"Permission denied\): check the path and your permiss"):
        read(path)


def test_places_that_can_not_be_written(tmp_path, zeros):
    with pytest.raises(
        UserError, match=r"nowhere/a can't be reached, as the folder .*/nowhere does"
    ):
        write(tmp_path / "nowhere" / "a", parts(zeros), "text")
    with pytest.raises(UserError, match="is a folder: give a file"):
        write(tmp_path, parts(zeros), "text")
