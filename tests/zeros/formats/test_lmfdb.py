"""LMFDB's binary: files built and read by hand, with integers and fractions only."""

import gzip
import math
import struct
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.zeros import generate
from zeta_exp.zeros.formats import read, write
from zeta_exp.zeros.stretch import Stretch

UNIT = Fraction(1, 2**101)


def block(lower: float, upper: float, below: int, steps: list[int]) -> bytes:
    """A block of the given steps of Z."""
    head = struct.pack("<ddQQ", lower, upper, below, below + len(steps))
    words = [(z & (1 << 64) - 1, z >> 64 & (1 << 32) - 1, z >> 96) for z in steps]
    return head + b"".join(struct.pack("<QIB", *word) for word in words)


def file_of(*blocks: bytes, count: int | None = None) -> bytes:
    return struct.pack("<Q", len(blocks) if count is None else count) + b"".join(blocks)


def read_by_hand(content: bytes) -> list[tuple[float, float, int, list[Fraction]]]:
    """(t₀, t₁, N(t₀), zeros) of each block; the file must end with the last."""
    (count,) = struct.unpack_from("<Q", content)
    position, blocks = 8, []
    for _ in range(count):
        lower, upper, below, through = struct.unpack_from("<ddQQ", content, position)
        position += 32
        z, zeros = 0, []
        for _ in range(through - below):
            low, middle, high = struct.unpack_from("<QIB", content, position)
            position += 13
            z += low + (middle << 64) + (high << 96)
            zeros.append(Fraction(lower) + z * UNIT)
        blocks.append((lower, upper, below, zeros))
    assert position == len(content)
    return blocks


@pytest.fixture
def table(tmp_path):
    """Reads a file of the given content."""

    def opened(content: bytes, start: int | None = None):
        path = tmp_path / "zeros_14.dat"
        path.write_bytes(content)
        return read(path, start)

    return opened


STEPS = st.lists(st.integers(1, (1 << 104) - 1), max_size=30)


@given(
    lower=st.floats(1.0, 2.4e12),
    below=st.integers(0, 10**13),
    first=STEPS,
    second=STEPS,
    third=st.lists(st.integers(1, 1 << 70), min_size=1, max_size=30),
    garbage=st.binary(max_size=50),
)
def test_zeros_are_summed_exactly_and_rounded_once(
    tmp_path_factory, lower, below, first, second, third, garbage
):
    path = tmp_path_factory.getbasetemp() / "some.dat"
    blocks, edge, expected, n = [], lower, [], below
    for steps in (first, second, third):
        upper = math.nextafter(edge + float(sum(steps) * UNIT) + 0.01, math.inf)
        blocks.append(block(edge, upper, n, steps))
        sums = np.cumsum(np.array(steps, dtype=object)).tolist()
        expected += [(n + 1 + i, edge, z / 2**101) for i, z in enumerate(sums)]
        edge, n = upper, n + len(steps)
    path.write_bytes(file_of(*blocks) + garbage)
    opened = read(path)
    got = [
        (stretch.start + i, stretch.base, offset)
        for stretch in opened.stretches()
        for i, offset in enumerate(stretch.offsets.tolist())
    ]
    assert got == expected
    assert (opened.format, opened.start, opened.tolerance) == ("lmfdb", below + 1, 0.0)


@given(st.lists(st.integers(1, 1 << 68), min_size=1, max_size=200))
def test_rounding_has_no_second_step(tmp_path_factory, steps):
    """Sums around the last bit that float64 keeps, many of them halfway between two."""
    path = tmp_path_factory.getbasetemp() / "close.dat"
    steps = [step >> 15 << 15 | step & 1 for step in steps]
    path.write_bytes(file_of(block(14.0, 15000.0, 0, [1 << 65, *steps])))
    (stretch,) = read(path).stretches()
    sums = np.cumsum(np.array([1 << 65, *steps], dtype=object)).tolist()
    assert stretch.offsets.tolist() == [z / 2**101 for z in sums]


def test_a_block_is_read_in_pieces_that_go_on(table):
    step = (1 << 100) // 7
    count = 300_000
    opened = table(file_of(block(14.0, 2.0**25, 0, [step] * count)))
    stretches = list(opened.stretches())
    assert len(stretches) > 1
    assert [s.start for s in stretches[1:]] == [s.stop for s in stretches[:-1]]
    got = np.concatenate([stretch.offsets for stretch in stretches])
    assert got.tolist() == [step * n / 2**101 for n in range(1, count + 1)]


def test_places_are_block_record_and_byte(table):
    one = block(14.0, 30.0, 0, [1 << 98, 1 << 102])
    two = block(30.0, 33.0, 2, [1 << 99, 1 << 100, 1 << 99])
    opened = table(file_of(one, two), start=100)
    assert opened.start == 100
    assert [s.start for s in opened.stretches()] == [100, 102]
    assert opened.place(100) == f"block 1, record 1 (byte {8 + 32})"
    assert opened.place(101) == f"block 1, record 2 (byte {8 + 32 + 13})"
    assert opened.place(104) == f"block 2, record 3 (byte {8 + 2 * 32 + 4 * 13})"
    assert opened.place(105) == "after the last block"
    assert opened.provenance().keys() == {"format", "path", "sha256"}


def test_blocks_without_zeros_are_skipped(table):
    empty, full = block(10.0, 14.0, 0, []), block(14.0, 15.0, 0, [1 << 98])
    opened = table(file_of(empty, full))
    assert [(s.start, s.base, s.offsets.tolist()) for s in opened.stretches()] == [
        (1, 14.0, [0.125])
    ]
    assert opened.place(1) == "block 2, record 1 (byte 72)"


def test_a_packed_file_is_read(table):
    opened = table(
        gzip.compress(file_of(block(14.0, 15.0, 0, [1 << 98]), block(15.0, 16.0, 1, [1 << 98])))
    )
    assert [s.ordinates().tolist() for s in opened.stretches()] == [[14.125], [15.125]]
    assert opened.place(2).startswith("block 2, record 1")


GOOD = block(14.0, 30.0, 0, [1 << 98, 1 << 102])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (file_of(GOOD)[:-1], r"ends within block 1 \(after byte 53\): it was cut off"),
        (file_of(GOOD, count=2), r"ends within block 2 \(after byte 66\): it was cut off"),
        (file_of(GOOD, GOOD[:20], count=2), r"ends within block 2 \(after byte 66\)"),
        (
            file_of(GOOD, block(31.0, 40.0, 2, [1])),
            r"block 2 .*byte 66. begins at height 31.0 .* 30.0",
        ),
        (file_of(GOOD, block(30.0, 40.0, 3, [1])), r"block 2 .* with 3 zeros below.* with 2: copy"),
        (file_of(GOOD, block(30.0, 20.0, 2, [])), r"head of block 2 .*byte 66. is damaged"),
        (file_of(GOOD, block(30.0, math.inf, 2, [])), r"head of block 2 .* is damaged"),
        (file_of(GOOD, block(30.0, math.nan, 2, [])), r"head of block 2 .* is damaged"),
        (file_of(GOOD, block(30.0, 2.0**30, 2, [])), r"head of block 2 .* is damaged"),
        (
            file_of(GOOD, struct.pack("<ddQQ", 30.0, 40.0, 2, 1)),
            r"head of block 2 .* is damaged",
        ),
        (
            file_of(block(14.0, 15.0, 0, [1 << 98, 1 << 102])),
            r"block 1, record 2 \(byte 53\) of .* has height 16.125, outside .* 14.0 to 15.0",
        ),
        (file_of(block(14.0, 15.0, 0, [0])), r"block 1, record 1 .* has height 14.0, outside"),
    ],
)
def test_malformed_files_are_refused(table, content, words):
    opened = table(content)
    with pytest.raises(UserError, match=words):
        list(opened.stretches())


@pytest.mark.parametrize(
    "content",
    [
        file_of(count=0) + bytes(32),
        file_of(block(0.0, 15.0, 0, [1])),
        file_of(block(15.0, 14.0, 0, [1])),
        file_of(GOOD)[:39],
        struct.pack("<QddQQ", 1, 14.0, math.nan, 0, 1) + bytes(13),
        struct.pack("<QddQQ", 1, 14.0, 15.0, 2, 1) + bytes(13),
    ],
)
def test_what_has_no_plausible_head_is_no_table(table, content):
    with pytest.raises(UserError, match=r"no table of zeros"):
        table(content)


# --- writing


@st.composite
def ascending(draw):
    """Stretches with a base of their own, whose zeros ascend from one to the next."""
    base = draw(st.integers(8000, 2_400_000_000_000)) / 4
    gaps = draw(st.lists(st.floats(2.0**-12, 7.9), min_size=1, max_size=80))
    heights = draw(st.floats(-1000, 1000)) + np.cumsum(gaps)
    cut = draw(st.integers(0, heights.size))
    start = draw(st.integers(1, 10**13))
    shift = draw(st.integers(-4000, 4000)) / 4
    parts = [Stretch(start, base, heights[:cut])]
    parts.append(Stretch(start + cut, base + shift, heights[cut:] - shift))
    together = [Fraction(p.base) + Fraction(x) for p in parts for x in p.offsets.tolist()]
    if any(b < a for a, b in pairwise(together)):
        parts = [Stretch(start, base, heights)]
    return parts


@given(ascending())
def test_blocks_hold_base_plus_offset_exactly(tmp_path_factory, parts):
    path = tmp_path_factory.getbasetemp() / "written.dat"
    write(path, parts, "lmfdb")
    blocks = read_by_hand(path.read_bytes())
    expected = [Fraction(p.base) + Fraction(x) for p in parts for x in p.offsets.tolist()]
    found = [zero for *_, zeros in blocks for zero in zeros]
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert abs(b - a) < UNIT  # bits below 2^-101 are dropped
    assert blocks[0][2] == parts[0].start - 1
    for lower, upper, _, zeros in blocks:
        assert all(lower < zero <= upper for zero in zeros)
        assert upper - lower <= 2048
    for before, after in pairwise(blocks):
        assert before[1] == after[0]
        assert before[1] % 2048 == 0
        assert before[2] + len(before[3]) == after[2]
    opened = read(path)
    assert opened.start == parts[0].start
    got = [(Fraction(s.base), x) for s in opened.stretches() for x in s.offsets.tolist()]
    for (base, offset), zero in zip(got, found, strict=True):
        difference = zero - base
        assert offset == difference.numerator / difference.denominator  # rounded once


def test_computed_zeros_keep_their_bits(tmp_path):
    """In pieces, one of which ends where a block does."""
    zeros = generate(1, 30_000)
    border = int(np.searchsorted(zeros, 4096.0))
    cuts = [0, 1, 1000, border, border + 1, 30_000]
    parts = [Stretch(1 + a, 0.0, zeros[a:b]) for a, b in pairwise(cuts)]
    write(tmp_path / "zeros.dat", parts, "lmfdb")
    opened = read(tmp_path / "zeros.dat")
    stretches = list(opened.stretches())
    assert np.concatenate([s.ordinates() for s in stretches]).tolist() == zeros.tolist()
    assert len(stretches) == math.ceil(zeros[-1] / 2048)


def test_a_zero_on_the_border_of_a_block_belongs_below(tmp_path):
    heights = np.array([2047.0, 2048.0, 2049.0, 2050.0])
    write(tmp_path / "a.dat", [Stretch(5, 0.0, heights)], "lmfdb")
    blocks = read_by_hand((tmp_path / "a.dat").read_bytes())
    assert [zeros for *_, zeros in blocks] == [[2047, 2048], [2049, 2050]]
    assert [blocks[0][1], blocks[1][0], blocks[1][1]] == [2048.0, 2048.0, 2050.0]
    assert next(read(tmp_path / "a.dat").stretches()).start == 5


@pytest.mark.parametrize("size", [2.0**-60, 3 * 2.0**-102, 0.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_offsets_near_zero_are_rounded_to_a_unit(tmp_path, size, sign):
    write(tmp_path / "a.dat", [Stretch(5, 3.3e9, np.array([sign * size, 1.0]))], "lmfdb")
    ((*_, zeros),) = read_by_hand((tmp_path / "a.dat").read_bytes())
    assert abs(zeros[0] - Fraction(3.3e9) - sign * Fraction(size)) < UNIT


@pytest.mark.parametrize(
    ("heights", "wrong", "gap"),
    [
        ([14.0, 21.0, 20.0], 3, "-1"),
        ([14.0, 22.0], 2, "8"),
        ([1e9, 5.0], 2, "-9"),
        ([5.0, 1e9], 2, "9"),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_zeros_that_do_not_ascend_are_refused(tmp_path, heights, wrong, gap, cut):
    values = np.array(heights)
    parts = [Stretch(1, 0.0, values)]
    if cut:
        parts = [Stretch(1, 0.0, values[: wrong - 1]), Stretch(wrong, 0.0, values[wrong - 1 :])]
    with pytest.raises(UserError, match=rf"ordinal {wrong} is {gap}.* gaps from 0 to 8: mend"):
        write(tmp_path / "a.dat", parts, "lmfdb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", [1, 13, 20, 39])
def test_the_records_before_the_end_of_a_cut_file_are_there(table, lost):
    steps = [1 << 101, 1 << 100, 1 << 100]
    opened = table(file_of(block(14.0, 30.0, 0, steps))[:-lost])
    seen: list[float] = []
    with pytest.raises(UserError, match="ends within block 1"):
        seen.extend(zero for stretch in opened.stretches() for zero in stretch.offsets.tolist())
    assert seen == [1.0, 1.5, 2.0][: (39 - lost) // 13]


def test_the_records_before_a_wrong_one_are_there(table):
    opened = table(file_of(block(14.0, 16.0, 0, [1 << 101, 1 << 100, 1 << 103])))
    stretches = opened.stretches()
    assert next(stretches).offsets.tolist() == [1.0, 1.5]
    with pytest.raises(UserError, match=r"block 1, record 3 .* has height 19.5, outside"):
        next(stretches)
