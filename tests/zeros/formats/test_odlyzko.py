"""Odlyzko's tables: a heading with the base and the ordinals, then γ − base."""

import gzip
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.zeros.formats import read, write
from zeta_exp.zeros.formats.heading import heading_of
from zeta_exp.zeros.stretch import Stretch

# γ of ordinals 10^12 + 1 …: python-flint, acb.zeta_zeros(10**12 + 1, 4), prec 200
HIGH = [
    "267653395648.84752312902130080580246",
    "267653395649.36236696865604377526619",
    "267653395649.68163091647793195099163",
    "267653395649.86198994405127522492781",
]
BASE = 267653395647

# In the manner of https://www-users.cse.umn.edu/~odlyzko/zeta_tables/, wrapped as there
HEADING = """\
Values of gamma - 267653395647, where gamma runs over the heights of the
zeros of the Riemann zeta function, numbers  10^12 + 1 through {last}.
Thus zero # 10^12 + 1 is actually

1/2 + i * 267,653,395,648.8475231278...

Values are guaranteed to be accurate only to within  10^(-8).


"""


def offsets(places: int = 10) -> list[str]:
    """The zeros less the base, as the table prints them."""
    return [f"{float(Fraction(height) - BASE):.{places}f}" for height in HIGH]


@pytest.fixture
def table(tmp_path):
    """Reads a file of the given heading and numbers."""

    def opened(heading: str, numbers: list[str], start: int | None = None):
        path = tmp_path / "zeros3"
        path.write_text(heading + "".join(f"   {number}\n" for number in numbers))
        return read(path, start)

    return opened


def test_a_table_of_high_zeros(table):
    opened = table(HEADING.format(last="10^12 + 4"), offsets())
    assert (opened.format, opened.start) == ("odlyzko", 10**12 + 1)
    assert opened.tolerance == pytest.approx(1e-8)  # as stated: more than ten units of the last
    (stretch,) = opened.stretches()
    assert (stretch.start, stretch.base) == (10**12 + 1, float(BASE))
    assert stretch.offsets.tolist() == [float(number) for number in offsets()]
    assert np.abs(stretch.residuals()).max() < 1  # these are zeros
    assert opened.place(10**12 + 1) == "line 10"
    assert opened.provenance()["base"] == BASE


def test_it_may_be_packed(table, tmp_path):
    text = HEADING.format(last="10^12 + 4") + "\n".join(offsets())
    (tmp_path / "packed.gz").write_bytes(gzip.compress(text.encode()))
    opened = read(tmp_path / "packed.gz")
    assert (opened.start, sum(s.offsets.size for s in opened.stretches())) == (10**12 + 1, 4)


@pytest.mark.parametrize(
    ("heading", "base", "first", "last"),
    [
        (
            "Values of gamma - 12, numbers 10^12 + 1 through 10^12 + 10^4.",
            12,
            10**12 + 1,
            10**12 + 10**4,
        ),
        ("gamma - 1,234,567 of the zeros numbered 5000 to 6,000", 1234567, 5000, 6000),
        ("gamma-7 from zero number 1000000000001 on", 7, 10**12 + 1, None),
        ("Values of gamma - 7 for zero # 1,001, and on", 7, 1001, None),
        ("zeros 10^(3) + 1 through 10^(3) + 10^(1)", 0, 1001, 1010),
        ("# zeros of the zeta function", 0, None, None),
        ("gamma", 0, None, None),
        ("Values of\ngamma - 12,\nnumbers\n10^2\n+ 1", 12, 101, None),
    ],
)
def test_headings_are_understood(heading, base, first, last):
    got = heading_of("zeros", f"{heading}\n\n1.8475231278\n".encode())
    assert (got.base, got.first, got.last) == (base, first, last)
    assert got.lines == heading.count("\n") + 2


@pytest.mark.parametrize(
    ("words", "accuracy"),
    [
        ("accurate to within 3*10^(-9)", 3e-9),
        ("probably accurate to within 10^(-6)", 1e-6),
        ("accurate only to within  10^-8", 1e-8),
        ("accurate", 0.0),
    ],
)
def test_the_stated_accuracy_is_understood(words, accuracy):
    assert heading_of("zeros", f"zeros {words}\n1.5\n".encode()).accuracy == pytest.approx(accuracy)


def test_numbers_alone_have_no_heading():
    assert heading_of("zeros", b"14.134725142\n21.022039639\n").lines == 0
    assert heading_of("zeros", b"words\n14.134725142\n").lines == 0  # the text names that line


def test_the_user_may_say_which_zero_is_first(table):
    words = "Values of gamma - 267653395647\n"
    with pytest.raises(UserError, match=r"does not say which zero is the first: give its ordinal"):
        table(words, offsets())
    assert table(words, offsets(), 10**12 + 1).start == 10**12 + 1
    assert table(HEADING.format(last="10^12 + 4"), offsets(), 77).start == 77


@pytest.mark.parametrize(
    ("base", "first"),
    [
        ("144176897509546973000", "10^21 + 1"),
        ("1370919909931995300000", "10^22 + 1"),
        ("267653395647", "10^13 + 1"),
        ("9007199254740992", "5"),
    ],
)
def test_tables_that_are_too_high_are_refused(table, base, first):
    words = f"Values of gamma - {base}, numbers {first}\n"
    with pytest.raises(
        UserError, match=r"beyond what can be checked.* up to ordinal 10000000000000"
    ):
        table(words, offsets())


@pytest.mark.parametrize(("last", "said"), [("10^12 + 10^4", 10000), ("10^12 + 3", 3)])
def test_a_table_shorter_or_longer_than_it_says_is_refused(table, last, said):
    opened = table(HEADING.format(last=last), offsets())
    with pytest.raises(UserError, match=rf"holds 4 zeros, its heading says {said}: .*again"):
        list(opened.stretches())


def test_a_malformed_line_is_named_as_it_stands_in_the_file(table):
    with pytest.raises(UserError, match=r"line 12 of .*ordinal 1000000000003. is 'x', no"):
        table(HEADING.format(last="10^12 + 4"), [*offsets()[:2], "x"])


def test_a_heading_without_numbers_is_refused(table):
    with pytest.raises(UserError, match=r"has words but no zeros"):
        table("zeros of the zeta function\n", ["none"])


# --- zeros of very many decimals


@pytest.mark.parametrize("end", ["", "\\"])
@pytest.mark.parametrize("label", ["", "{n} ", "zero {n}:\n"])
def test_long_decimals_go_on_over_lines(tmp_path, end, label):
    digits = {
        14: "1347251417346937904572519835624702707842571156992431756855674601499634298092567",
        21: "0220396387715549926284795938969027773341156989472222222222222222222222222222222",
    }
    text = "The first zeros of the zeta function, to very many decimals\n\n"
    for n, (whole, part) in enumerate(digits.items(), 1):
        text += label.format(n=n) + f"{whole}.{part[:40]}{end}\n{part[40:]}\n\n"
    path = tmp_path / "zeros2"
    path.write_text(text)
    opened = read(path)
    (stretch,) = opened.stretches()
    assert (opened.format, opened.start, stretch.base) == ("odlyzko", 1, 0.0)
    assert stretch.offsets.tolist() == [float(f"{w}.{p}") for w, p in digits.items()]
    second = text.split("\n").index(next(r for r in text.split("\n") if "21.022" in r)) + 1
    assert opened.place(2) == f"line {second}"
    assert opened.provenance().keys() == {"format", "path", "sha256"}
    assert read(path, 5).start == 5


# --- writing


@given(
    start=st.integers(10**10, 10**13),
    base=st.integers(3_300_000_000, 2_400_000_000_000),
    first=st.floats(0, 1_000_000),
    gaps=st.lists(st.floats(0.0, 1000), max_size=50),
)
def test_zeros_above_their_base_keep_their_bits(tmp_path_factory, start, base, first, gaps):
    path = tmp_path_factory.getbasetemp() / "high.odlyzko"
    heights = first + 0.123456789 + np.cumsum([0.0, *gaps])
    write(path, [Stretch(start, float(base), heights)], "odlyzko")
    opened = read(path)
    (stretch,) = opened.stretches()
    assert (opened.format, stretch.start, stretch.base) == ("odlyzko", start, base)
    assert stretch.offsets.tolist() == heights.tolist()


@given(
    quarters=st.integers(13_200_000_000, 9_600_000_000_000),
    lowest=st.floats(-50_000, 0),
    gaps=st.lists(st.floats(1e-3, 1000), min_size=1, max_size=50),
    cut=st.integers(0, 50),
)
def test_zeros_around_any_base_are_printed_exactly(tmp_path_factory, quarters, lowest, gaps, cut):
    """Two stretches with bases of their own: γ to half a unit of the offset's last bit."""
    path = tmp_path_factory.getbasetemp() / "around.odlyzko"
    heights = lowest + np.cumsum(gaps)
    cut = min(cut, heights.size)
    one = Stretch(10**12, quarters / 4, heights[:cut])
    two = Stretch(10**12 + cut, quarters / 4 + 1000.5, heights[cut:] - 1000.5)
    write(path, [one, two], "odlyzko")
    head, _, body = path.read_text().partition("\n\n")
    base = int(head.split("gamma - ")[1].split(",")[0])
    numbers = body.split()
    assert "from number 1000000000000 on" in head
    for part in (one, two):
        for offset in part.offsets.tolist():
            height = base + Fraction(numbers.pop(0))
            error = height - Fraction(part.base) - Fraction(offset)
            assert abs(error) <= Fraction(np.spacing(abs(offset))) / 2
    assert all(Fraction(number) >= 0 for number in body.split()[:1])


def test_a_long_table_is_split_at_several_bases(tmp_path):
    """Far from the heading's base an offset would lose digits."""
    heights = 250_000_000 + np.arange(100_000) * 0.25
    path = tmp_path / "long.odlyzko"
    path.write_text(
        "Values of gamma - 267653395647, from number 1,000,000,000,001 on\n"
        + "".join(f"{height:.9f}\n" for height in heights)
    )
    stretches = list(read(path).stretches())
    assert stretches[0].base == BASE + 250_000_000
    assert max(stretch.offsets.max() for stretch in stretches) < 1 << 17
    together = np.concatenate([stretch.ordinates() for stretch in stretches])
    assert (together == BASE + heights).all()


def test_low_zeros_have_the_base_zero(tmp_path):
    heights = np.array([14.134725141734695, 21.022039638771556])
    write(tmp_path / "low.odlyzko.gz", [Stretch(1, 0.0, heights)], "odlyzko")
    opened = read(tmp_path / "low.odlyzko.gz")
    (stretch,) = opened.stretches()
    assert (opened.start, stretch.base) == (1, 0.0)
    assert stretch.offsets.tolist() == heights.tolist()
