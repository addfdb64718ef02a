"""NumPy's files: a vector of float64."""

import gzip
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.zeros.formats import CHUNK, read, write
from zeta_exp.zeros.formats.protocol import COARSE_HEIGHT
from zeta_exp.zeros.stretch import COARSE_FROM, Stretch

ZEROS = np.array([14.134725141734695, 21.022039638771556, 25.01085758014569])


def saved(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


@pytest.fixture
def table(tmp_path):
    """Reads a file of the given content."""

    def opened(content: bytes, start: int | None = None):
        path = tmp_path / "zeros.npy"
        path.write_bytes(content)
        return read(path, start)

    return opened


@pytest.mark.parametrize(
    "content",
    [
        saved(ZEROS),
        saved(ZEROS, (2, 0)),
        saved(ZEROS.astype(">f8")),
        saved(np.asfortranarray(ZEROS)),
        gzip.compress(saved(ZEROS)),
    ],
    ids=["plain", "version2", "bigendian", "fortran", "gzip"],
)
def test_the_same_zeros_in_every_dress(table, content):
    opened = table(content)
    (stretch,) = opened.stretches()
    assert stretch.offsets.tolist() == ZEROS.tolist()
    assert stretch.offsets.dtype == np.dtype("float64")
    assert stretch.offsets.dtype.isnative
    assert (opened.format, opened.start, opened.tolerance) == ("npy", 1, 0.0)
    assert (stretch.start, stretch.base) == (1, 0.0)


def test_the_user_says_which_zero_is_first(table):
    opened = table(saved(ZEROS), start=500)
    assert next(opened.stretches()).start == opened.start == 500
    assert opened.place(502) == "entry 3"
    assert opened.provenance()["count"] == 3


def test_values_that_are_no_heights_pass(table):
    """Another part names them by their ordinal."""
    (stretch,) = table(saved(np.array([np.nan, np.inf, -1.0, 0.0]))).stretches()
    assert np.isnan(stretch.offsets[0])
    assert stretch.offsets[1:].tolist() == [np.inf, -1.0, 0.0]


def test_long_tables_are_read_in_pieces(table):
    values = np.arange(1.0, CHUNK + 100)
    stretches = list(table(saved(values)).stretches())
    assert [(s.start, s.offsets.size) for s in stretches] == [(1, CHUNK), (CHUNK + 1, 99)]
    assert np.concatenate([s.offsets for s in stretches]).tolist() == values.tolist()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (ZEROS.astype("f4"), "holds float32, too coarse for heights: save it as float64"),
        (ZEROS.astype("i8"), "holds int64, no heights in float64"),
        (ZEROS.astype("c16"), "holds complex128, no heights"),
        (ZEROS.astype("O"), "holds object, no heights"),
        (ZEROS.astype("U"), "holds .*, no heights"),
        (ZEROS.reshape(3, 1), r"has the shape \(3, 1\)"),
        (np.float64(14.1), r"has the shape \(\)"),
        (np.empty(0), "holds no entry"),
        (np.zeros(3, [("a", "f8")]), "holds .*, no heights"),
    ],
)
def test_what_is_no_vector_of_float64_is_refused(table, array, words):
    with pytest.raises(UserError, match=words):
        table(saved(np.asarray(array)))


@pytest.mark.parametrize("length", [6, 7, 8, 9, 10, 50, 127])
def test_a_damaged_head_is_refused(table, length):
    with pytest.raises(UserError, match=r"the head of .*zeros.npy is damaged \(.*numpy.save"):
        table(saved(ZEROS)[:length])


def test_another_version_is_named(table):
    content = bytearray(saved(ZEROS))
    content[6] = 3
    with pytest.raises(UserError, match=r"is damaged \(.*version \(3, 0\)"):
        table(bytes(content))


@pytest.mark.parametrize(("lost", "whole"), [(1, 2), (8, 2), (9, 1), (24, 0)])
def test_a_file_that_was_cut_off_is_refused(table, lost, whole):
    opened = table(saved(ZEROS)[:-lost])
    seen: list[float] = []
    with pytest.raises(UserError, match=f"ends after entry {whole} of 3: it was cut off"):
        seen.extend(zero for stretch in opened.stretches() for zero in stretch.offsets.tolist())
    assert seen == ZEROS[:whole].tolist()  # what is whole is there before the error


def test_a_file_that_goes_on_is_refused(table):
    opened = table(saved(ZEROS) + b"x")
    with pytest.raises(UserError, match="goes on after the 3 entries"):
        list(opened.stretches())


@given(
    start=st.integers(1, 10**9),
    heights=st.lists(st.floats(1e-300, COARSE_HEIGHT - 1), min_size=1, max_size=60),
    cut=st.integers(0, 60),
)
def test_zeros_keep_their_bits(tmp_path_factory, start, heights, cut):
    path = tmp_path_factory.getbasetemp() / "some.npy"
    cut = min(cut, len(heights))
    parts = [
        Stretch(start, 0.0, np.array(heights[:cut])),
        Stretch(start + cut, 0.0, np.array(heights[cut:])),
    ]
    for name in ("some.npy", "some.npy.gz"):
        path = path.with_name(name)
        write(path, parts, "npy")
        (stretch,) = read(path, start).stretches()
        assert stretch.offsets.tobytes() == np.array(heights).tobytes()
    assert path.with_name("some.npy").read_bytes() == saved(np.array(heights))
    assert np.load(path.with_name("some.npy")).tolist() == heights


def test_bases_are_added(tmp_path):
    write(tmp_path / "a.npy", [Stretch(10**9, 371870200.25, np.array([-0.5, 0.5]))], "npy")
    assert np.load(tmp_path / "a.npy").tolist() == [371870199.75, 371870200.75]


def test_zeros_too_high_for_float64_are_refused(tmp_path):
    for start in (COARSE_FROM, 1):  # whatever it is called, its height is too great
        stretch = Stretch(start, 3293531632.0, np.array([0.25, 0.5]))
        words = rf"ordinal {start + 1}, at height 32935316\d+, is too high .* shards .*lmfdb"
        with pytest.raises(UserError, match=words):
            write(tmp_path / "a.npy", [stretch], "npy")
    assert list(tmp_path.iterdir()) == []
