"""Text tables: one zero a line, any number of decimals, any height."""

import gzip
import hashlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.zeros import block, generate
from zeta_exp.zeros.formats import read, write
from zeta_exp.zeros.formats.decimals import decimals, decimals_within, offsets_from, plain
from zeta_exp.zeros.formats.protocol import ZeroTable
from zeta_exp.zeros.integrity import verify
from zeta_exp.zeros.stretch import COARSE_FROM, Stretch, stretch_of_residuals

# python-flint: acb.zeta_zeros(1, 3), prec 200
FIRST = [
    "14.1347251417346937904572519835624702708",
    "21.0220396387715549926284795938969027773",
    "25.0108575801456887632137909925628218187",
]


@pytest.fixture
def table(tmp_path):
    """Reads a file of the given content."""

    def opened(content: str | bytes, name: str = "zeros.txt", start: int | None = None):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path, start)

    return opened


def ordinates(table: ZeroTable) -> np.ndarray:
    return np.concatenate([stretch.ordinates() for stretch in table.stretches()])


def exact(table: ZeroTable) -> list[Fraction]:
    """base + offset, with no rounding."""
    return [
        Fraction(stretch.base) + Fraction(offset)
        for stretch in table.stretches()
        for offset in stretch.offsets.tolist()
    ]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(FIRST),
        "\n".join(FIRST) + "\n",
        "\r\n".join(FIRST) + "\r\n\r\n",
        "\ufeff" + "\n".join(FIRST),
        "\n".join(f"   {zero} " for zero in FIRST) + "\n \n\t\n",
        "\n".join(f"+{zero}" for zero in FIRST),
        "1.41347251417346937904572519835624702708e+1\n" + "\n".join(FIRST[1:]),
        "\n".join(f"{n} {zero}" for n, zero in enumerate(FIRST, 1)),
        "\n".join(f"{n}\t{zero}\r" for n, zero in enumerate(FIRST, 1)),
        gzip.compress("\n".join(FIRST).encode()),
    ],
    ids=["bare", "end", "crlf", "bom", "space", "plus", "exponent", "ordinals", "tabs", "gzip"],
)
def test_the_same_zeros_in_every_dress(table, content):
    opened = table(content)
    assert ordinates(opened).tolist() == [float(zero) for zero in FIRST]
    assert (opened.format, opened.start) == ("text", 1)
    assert opened.place(3) == "line 3"


def test_each_reading_begins_anew(table):
    opened = table("\n".join(FIRST))
    first, second = opened.stretches(), opened.stretches()
    assert next(first).start == next(second).start == 1
    assert ordinates(opened).size == ordinates(opened).size == 3


def test_provenance_has_the_digest_of_the_file(table, tmp_path):
    opened = table("\n".join(FIRST))
    assert opened.provenance() == {
        "format": "text",
        "path": str(tmp_path / "zeros.txt"),
        "sha256": hashlib.sha256("\n".join(FIRST).encode()).hexdigest(),
    }


@pytest.mark.parametrize(
    ("numbers", "tolerance"),
    [
        (["14.134725142", "21.022039639"], 1e-8),
        (["14.13472", "21.02204"], 1e-4),
        (["14.1347", "21.022039639", "25.0108"], 1e-8),
        (["1.4134725142e1", "21.0220"], 1e-8),
    ],
)
def test_tolerance_is_ten_units_of_the_last_decimal(table, numbers, tolerance):
    assert table("\n".join(numbers)).tolerance == pytest.approx(tolerance)


def test_too_few_decimals_are_refused(table):
    with pytest.raises(UserError, match=r"prints 4 decimals, too few .* 5 or more"):
        table("14.1347\n21.0220\n")


def test_ordinals_come_from_the_file_or_from_the_user(table):
    rows = "\n".join(f"{n} {n / 7:.9f}" for n in range(500, 700))
    said, told = table(rows), table(rows, start=1000)
    assert (said.start, said.place(517)) == (500, "line 18")
    assert (told.start, told.place(1017)) == (1000, "line 18")
    for opened in (said, told):
        assert next(opened.stretches()).start == opened.start
        assert ordinates(opened)[0] == 71.428571429


def test_a_table_of_several_megabytes_is_read_in_pieces(table):
    values = np.arange(1, 200_001) * 0.25 + 0.123456789
    opened = table("".join(f"{value:.9f}\n" for value in values))
    stretches = list(opened.stretches())
    assert len(stretches) > 1
    assert [s.start for s in stretches[1:]] == [s.stop for s in stretches[:-1]]
    assert stretches[0].start == 1
    assert np.abs(ordinates(opened) - values).max() < 1e-9
    assert opened.place(200_000) == "line 200000"


# --- heights that float64 is too coarse for


@given(
    whole=st.integers(3_300_000_000, 2_500_000_000_000),
    gaps=st.lists(st.integers(1, 10**13), min_size=1, max_size=50),
    places=st.integers(9, 13),
)
def test_great_heights_are_split_exactly(tmp_path_factory, whole, gaps, places):
    """γ of twelve digits and thirteen decimals: the offset is the nearest float64."""
    units = [whole * 10**places + int(sum_) for sum_ in np.cumsum(np.array(gaps, dtype=object))]
    path = tmp_path_factory.getbasetemp() / "great.txt"
    path.write_text("".join(f"{u // 10**places}.{u % 10**places:0{places}d}\n" for u in units))
    (stretch,) = read(path, 10**12).stretches()
    assert stretch.base == units[0] // 10**places
    for unit, offset in zip(units, stretch.offsets.tolist(), strict=True):
        difference = unit - int(stretch.base) * 10**places
        assert offset == difference / 10**places  # Python divides integers with one rounding


def test_no_stretch_of_great_heights_is_wide(table):
    values = np.arange(100_000) * 0.25
    opened = table("".join(f"{3_000_000_000_000 + v:.5f}\n" for v in values), start=10**12)
    assert max(stretch.offsets.max() for stretch in opened.stretches()) < 25_000
    assert exact(opened)[-1] == Fraction(3_000_000_000_000) + Fraction(values[-1])


def test_heights_beyond_float64_are_refused(table):
    opened = table("144176897509546973538.49806962\n144176897509546973538.69355122\n")
    with pytest.raises(UserError, match=r"line 1 of .* lies beyond what can be checked"):
        list(opened.stretches())


@given(st.decimals("0.00001", 10**12, places=11).map(str), st.integers(0, 10**6))
def test_offsets_are_rounded_once(number, base):
    (offset,) = offsets_from(base, [number.encode()])
    assert offset == float(Fraction(number) - base)


def test_signs_and_exponents_are_written_out():
    assert plain(b"+1.5e3") == b"1500"
    assert plain(b"1.5e-3") == b"0.0015"
    assert (decimals(b"1.5e-3"), decimals(b"12"), decimals(b"1e5")) == (4, 0, 0)


# --- what is malformed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("14.134725\n\n25.010857\n", "line 2 of .* is blank: delete it"),
        ("14.134725\n21.02204O\n", "line 2 of .*ordinal 2. is '21.02204O', no positive decimal"),
        ("14.134725\nnan\n", "line 2 of .* is 'nan', no positive decimal"),
        ("14.134725\ninf\n", "line 2 of .* is 'inf', no positive"),
        ("14.134725\n-21.022039\n", "line 2 of .* is '-21.022039', no positive"),
        ("14.134725\n21.022 039\n", "line 2 of .* is '21.022 039', no positive"),
        ("14.134725\n21,022039\n", "line 2 of .* is '21,022039', no positive"),
        ("14.134725\n21_0.22039\n", "line 2 of .* is '21_0.22039', no positive"),
        ("14.134725\n21..022039\n", "line 2 of .* is '21..022039', no positive"),
        ("14.134725\n1e400\n", "line 2 of .* is '1e400', no positive"),
        ("14.134725\n" + "9" * 400 + "\n", "line 2 of .* is '9999.*…', no positive"),
        ("some words\n14.134725\n", "line 1 of .* is 'some words', no positive"),
        ("version https://git-lfs.github.com/spec/v1\n", "line 1 of .* is 'version https"),
        ("1 14.134725\n3 21.022039\n", "line 2 of .* is '3 21.022039', where ordinal 2 should"),
        ("1 14.134725\n21.022039\n", "line 2 of .*no positive .* one zero after its ordinal"),
        ("1 14.134725\n2 21.022039 x\n", "line 2 of .* is '2 21.022039 x', no positive"),
    ],
)
def test_malformed_lines_are_named(table, content, words):
    with pytest.raises(UserError, match=words):
        table(content)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("21.02204O", "line 150001 of .*ordinal 150001. is '21.02204O', no positive"),
        ("", "line 150001 of .* is blank"),
        ("9" * 400, "line 150001 of .* is '999.*…', no positive"),
    ],
)
@pytest.mark.parametrize("height", [14, 4_000_000_000])
def test_malformed_lines_far_down_are_named(table, line, words, height):
    rows = [f"{height + n / 8:.9f}" for n in range(150_000)]
    opened = table("\n".join([*rows, line, *rows[:10]]))
    with pytest.raises(UserError, match=words):
        list(opened.stretches())


@pytest.mark.parametrize("line", ["21.02204O", "", "9" * 400, "x" * 3_000_000])
@pytest.mark.parametrize("height", [14, 4_000_000_000])
def test_the_zeros_above_a_malformed_line_are_there(table, line, height):
    rows = [f"{height + n / 8:.9f}" for n in range(150_000)]
    opened = table("\n".join([*rows, line, *rows[:10]]))
    seen: list[Stretch] = []
    with pytest.raises(UserError, match="line 150001 of"):
        seen.extend(opened.stretches())
    assert sum(stretch.offsets.size for stretch in seen) == 150_000
    assert (seen[-1].stop, seen[-1].ordinates()[-1]) == (150_001, float(rows[-1]))


def test_ordinals_that_jump_far_down_are_named(table):
    rows = [f"{n} {n / 8:.9f}" for n in range(5000, 155_000) if n != 140_000]
    opened = table("\n".join(rows))
    with pytest.raises(UserError, match=r"line 135001 of .* where ordinal 140000 should stand"):
        list(opened.stretches())


def test_a_blank_line_between_pieces_is_named(table):
    """Blank lines fill the rest of a megabyte, and more zeros follow."""
    opened = table("14.134725\n" + "\n" * (1 << 20) + "21.022039\n")
    with pytest.raises(UserError, match=r"line 2 of .* is blank: delete it"):
        list(opened.stretches())


def test_a_line_without_end_is_refused(table):
    content = "14.134725\n21.022039\n" + "0" * 3_000_000
    with pytest.raises(UserError, match=r"line 3 of .* is longer than 65536 bytes"):
        list(table(content).stretches())


# --- writing


@given(
    start=st.integers(1, 10**9),
    offsets=st.lists(st.floats(1e-7, 3.29e9), min_size=1, max_size=60),
)
def test_low_zeros_keep_their_bits(tmp_path_factory, start, offsets):
    path = tmp_path_factory.getbasetemp() / "low.txt"
    offsets = [1.23456789, *offsets]  # decimals enough
    write(path, [Stretch(start, 0.0, np.array(offsets))], "text")
    (stretch,) = read(path, start).stretches()
    assert (stretch.start, stretch.base) == (start, 0.0)
    assert stretch.offsets.tolist() == offsets


@given(
    base=st.integers(3_300_000_000, 2_400_000_000_000),
    offsets=st.lists(st.floats(0, 50_000, exclude_min=True), min_size=1, max_size=60),
    quarters=st.integers(0, 3),
)
def test_high_zeros_keep_what_float64_holds(tmp_path_factory, base, offsets, quarters):
    """The printed γ is base + offset to half a unit of the offset's last bit."""
    path = tmp_path_factory.getbasetemp() / "high.txt"
    stretch = Stretch(10**12, base + quarters / 4, np.array([0.123456789, *offsets]))
    write(path, [stretch], "text")
    for line, offset in zip(path.read_text().split(), stretch.offsets.tolist(), strict=True):
        error = Fraction(line) - Fraction(stretch.base) - Fraction(offset)
        assert abs(error) <= Fraction(np.spacing(offset)) / 2
    if not quarters:  # the reader finds the same base
        (again,) = read(path, 10**12).stretches()
        assert again.base == stretch.base
        assert again.offsets.tolist() == stretch.offsets.tolist()


def test_zeros_that_are_computed_come_back(tmp_path):
    zeros = generate(1, 20_000)
    for name in ("zeros.txt", "zeros.txt.gz"):
        write(tmp_path / name, [Stretch(1, 0.0, zeros)], "text")
        assert ordinates(read(tmp_path / name)).tolist() == zeros.tolist()
    assert (tmp_path / "zeros.txt.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert (
        gzip.decompress((tmp_path / "zeros.txt.gz").read_bytes())
        == (tmp_path / "zeros.txt").read_bytes()
    )


# --- writing zeros that are right to a tolerance only


@pytest.mark.parametrize(
    ("tolerance", "places"),
    [
        (0.0, None),
        (6e-9, 8),
        (1e-8, 9),
        (9.9e-9, 8),
        (1.1e-8, 7),
        (10.0 ** (1 - 9), 9),
        (0.5, 5),
        (1e-40, 17),
    ],
)
def test_only_right_decimals_are_printed(tolerance, places):
    assert decimals_within(tolerance) == places


@given(st.floats(1e-16, 1e-5))
def test_the_reader_is_told_of_the_error(tolerance):
    """Error and rounding are within ten units of the last decimal, save where all of them are."""
    places = decimals_within(tolerance)
    assert places is not None
    assert places == 17 or tolerance <= 10.0 ** (1 - places) * (1 + 1e-8)


def test_text_copied_to_text_loses_nothing(table, tmp_path):
    opened = table("\n".join(zero[:12] for zero in FIRST))
    for name in ("text", "odlyzko"):
        write(tmp_path / "copy", opened.stretches(), name, tolerance=opened.tolerance)
        again = read(tmp_path / "copy")
        assert again.tolerance == opened.tolerance
        assert ordinates(again).tolist() == ordinates(opened).tolist()


@pytest.mark.parametrize("name", ["text", "odlyzko"])
@pytest.mark.parametrize("start", [1000, COARSE_FROM])
def test_zeros_from_short_residuals_verify_clean(tmp_path, name, start):
    """Residuals in float32 err by 2^-25 of their size, in units of the spacing."""
    exact_zeros = block(start, 2000)
    residuals = exact_zeros.residuals.astype(np.float32).astype(np.float64)
    short = stretch_of_residuals(start, residuals)
    difference = (short.base - exact_zeros.base) + short.offsets - exact_zeros.offsets
    tolerance = 1.01 * float(np.abs(difference).max())
    write(tmp_path / "zeros", [short], name, tolerance=tolerance)
    table = read(tmp_path / "zeros", start)
    assert tolerance < table.tolerance <= 100 * tolerance
    assert verify(table, deep=True).ok
    listed = np.concatenate([(s.base - exact_zeros.base) + s.offsets for s in table.stretches()])
    assert np.abs(listed - exact_zeros.offsets).max() < table.tolerance


@pytest.mark.parametrize("name", ["npy", "lmfdb"])
def test_binary_formats_keep_all_bits_whatever_the_tolerance(tmp_path, name):
    for path, tolerance in (("a", 0.0), ("b", 1e-6)):
        write(tmp_path / path, [Stretch(1, 0.0, generate(1, 50))], name, tolerance)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
