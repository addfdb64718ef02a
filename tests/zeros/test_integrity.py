"""Every fault that is put into a true table is found and named; a true table has none."""

import itertools
import re
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeta_exp.cli import main
from zeta_exp.errors import UserError
from zeta_exp.theory.counting import mean_gap
from zeta_exp.zeros import engine, turing
from zeta_exp.zeros.integrity import Kind, verify
from zeta_exp.zeros.shards import open_table
from zeta_exp.zeros.stretch import COARSE_FROM, Stretch, stretch_of_residuals

SIZE = 3000
STARTS = (1, 1_000_000, 1_000_000_000)
HIGH = 10**11
REMEDY = "delete it and run the same `zeta zeros generate` or `convert`"  # for shards
few = settings(max_examples=6)  # of each fault: one costs 10 to 50 ms


@dataclass
class ListedZeros:
    """A table in memory."""

    start: int
    parts: list[Stretch]
    tolerance: float = 0.0
    path: str = "zeros.txt"
    format: str = "text"
    read: list[int] = field(default_factory=list)

    def stretches(self):
        for part in self.parts:
            self.read.append(part.start)
            yield part

    def place(self, n):
        return f"line {n - self.start + 1}"

    def provenance(self):
        return {"format": self.format}


@cache
def true_zeros(start, count=SIZE):
    """(base, offsets), with base 0 as tables have it below 10^10."""
    blocks = list(engine.stream(start, count))
    base = blocks[0].base if start >= COARSE_FROM else 0.0
    return base, np.concatenate([(block.base - base) + block.offsets for block in blocks])


def table(start, offsets, base=0.0, chunk=700, tolerance=0.0):
    pieces = range(0, len(offsets), chunk)
    parts = [Stretch(start + k, base, np.array(offsets[k : k + chunk])) for k in pieces]
    return ListedZeros(start, parts, tolerance)


def the_fault(listed, **options):
    (fault,) = verify(listed, **options).faults
    return fault


def check(fault, kind, start, index, n=None):
    """The fault has a kind, is at an entry, and concerns the ordinal that belongs there."""
    assert fault.kind == kind
    assert fault.ordinal == start + index if n is None else n
    assert fault.place == f"line {index + 1}"
    assert fault.place in str(fault)


def shown(ordinate):
    """The digits of an ordinate that its rounding to float64 leaves alone at any height."""
    return f"{ordinate:.9f}"[:-5]


starts = st.sampled_from(STARTS)
deeply = st.booleans()
chunks = st.sampled_from([50, 700, 5000])
inner = st.integers(1, SIZE - 20)  # places that are not the first


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    ("start", "chunk"),
    [*itertools.product(STARTS, [1, 63, 64, 65, 1000, 5000]), (HIGH, 1000)],
)
def test_true_tables_have_no_fault(start, chunk, deep):
    base, offsets = true_zeros(start)
    count = 300 if chunk < 10 else SIZE
    seen = []
    report = verify(table(start, offsets[:count], base, chunk), deep=deep, progress=seen.append)
    assert report.ok
    assert report.faults == []
    assert bool(report)
    assert (report.start, report.count, report.deep) == (start, count, deep)
    assert report.lowest == base + offsets[0]
    assert report.highest == base + offsets[count - 1]
    assert sum(seen) == count
    assert not report.more


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 100, 1000])
@pytest.mark.parametrize("start", [1, 2, 290, 4_999_999])
def test_short_tables(start, count, deep):
    _, offsets = true_zeros(start, 1000)
    assert verify(table(start, offsets[:count]), deep=deep).ok


@few
@given(starts, st.integers(5, 12), deeply)
def test_tables_of_few_decimals(start, decimals, deep):
    _, offsets = true_zeros(start)
    listed = table(start, np.round(offsets, decimals), tolerance=10.0 ** (1 - decimals))
    assert verify(listed, deep=deep).ok


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("decimals", [5, 9])
def test_truncated_decimals_add_up_in_one_direction(decimals, deep):
    _, offsets = true_zeros(1_000_000, 60_000)
    cut = np.floor(offsets * 10.0**decimals) / 10.0**decimals
    listed = table(1_000_000, cut, chunk=20_000, tolerance=10.0 ** (1 - decimals))
    assert verify(listed, deep=deep).ok


@pytest.mark.parametrize(("start", "deep"), [(1, True), (1_000_000, False), (HIGH, True)])
def test_tables_of_float32_residuals(start, deep):
    base, offsets = true_zeros(start)
    residuals = Stretch(start, base, offsets).residuals().astype(np.float32)
    zeros = stretch_of_residuals(start, residuals.astype(np.float64))
    listed = ListedZeros(start, [zeros], tolerance=1.2e-7 * float(mean_gap(base + offsets[0])))
    assert verify(listed, deep=deep).ok


@few
@given(starts, inner, st.integers(1, 30), chunks, deeply)
def test_missing_zeros(start, index, count, chunk, deep):
    count = min(count, SIZE - 1 - index)
    _, offsets = true_zeros(start)
    listed = np.delete(offsets, slice(index, index + count))
    fault = the_fault(table(start, listed, chunk=chunk), deep=deep)
    check(fault, Kind.MISSING, start, index)
    assert f"ordinal {start + index}, at {shown(offsets[index])}" in str(fault)
    assert f"ordinal {start + index + count}: insert" in str(fault)


def test_a_shard_is_missing():
    _, offsets = true_zeros(1, 9000)
    fault = the_fault(table(1, np.delete(offsets, slice(2000, 8000))))
    check(fault, Kind.MISSING, 1, 2000)
    assert "6000 zeros from ordinal 2001" in str(fault)


@few
@given(starts, inner, st.integers(1, 5), st.floats(0.1, 0.9), chunks, deeply)
def test_extra_zeros(start, index, count, place, chunk, deep):
    _, offsets = true_zeros(start)
    below, above = offsets[index - 1 : index + 1]
    extra = below + (above - below) * place * np.arange(1, count + 1) / count
    fault = the_fault(table(start, np.insert(offsets, index, extra), chunk=chunk), deep=deep)
    check(fault, Kind.EXTRA, start, index)
    assert "delete" in str(fault)


@few
@given(starts, st.integers(0, 2900), st.integers(1, 100), chunks, deeply)
def test_doubled_zeros(start, index, count, chunk, deep):
    _, offsets = true_zeros(start)
    index = max(index, count)
    listed = np.insert(offsets, index, offsets[index - count : index])
    fault = the_fault(table(start, listed, chunk=chunk), deep=deep)
    check(fault, Kind.DOUBLED, start, index)
    assert f"rdinal{'s' if count > 1 else ''} {start + index - count}" in str(fault)


def test_a_shard_is_there_twice():
    _, offsets = true_zeros(1)
    listed = np.concatenate([offsets[:2000], offsets[1000:]])
    fault = the_fault(table(1, listed))
    check(fault, Kind.DOUBLED, 1, 2000)
    assert "1000 doubled zeros" in str(fault)
    assert "ordinals 1001 to 2000: delete these 1000 entries" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 2), chunks, deeply)
def test_swapped_zeros(start, index, chunk, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[[index, index + 1]] = listed[[index + 1, index]]
    check(the_fault(table(start, listed, chunk=chunk), deep=deep), Kind.SWAPPED, start, index)


@few
@given(starts, st.integers(0, SIZE - 200), st.integers(2, 100), deeply)
def test_zeros_swapped_over_a_distance(start, index, distance, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[[index, index + distance]] = listed[[index + distance, index]]
    fault = the_fault(table(start, listed), deep=deep)
    check(fault, Kind.SWAPPED, start, index)
    assert f"which is ordinal {start + index + distance}, and line {index + distance + 1} " in str(
        fault
    )


def test_zeros_swapped_from_afar():
    _, offsets = true_zeros(1)
    places = [300, 1300]
    listed = offsets.copy()
    listed[places] = listed[places[::-1]]
    faults = verify(table(1, listed)).faults
    for fault, place, other in zip(faults, places, places[::-1], strict=True):
        check(fault, Kind.PERTURBED, 1, place)
        assert f"which is ordinal {1 + other}, but" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 100), st.integers(3, 60), st.randoms(), deeply)
def test_zeros_out_of_order(start, index, count, random, deep):
    _, offsets = true_zeros(start)
    order = list(range(index, index + count))
    random.shuffle(order)
    listed = offsets.copy()
    listed[index : index + count] = offsets[order]
    faults = verify(table(start, listed), deep=deep).faults
    assert {fault.kind for fault in faults} <= {Kind.SWAPPED}
    assert bool(faults) == (order != sorted(order))


def test_descending():
    _, offsets = true_zeros(1)
    assert the_fault(table(1, offsets[::-1])).kind == Kind.DESCENDING


@few
@given(starts, st.integers(0, SIZE - 1), st.sampled_from([-1, 1]), st.integers(4, 400), deeply)
def test_zeros_moved_far(start, index, sign, gaps, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[index] += sign * (gaps + 0.1234567) * float(mean_gap(offsets[index]))
    fault = the_fault(table(start, listed), deep=deep)
    check(fault, Kind.PERTURBED, start, index)
    assert f"ordinal {start + index} is at {shown(offsets[index])}" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 1), st.sampled_from([np.nan, np.inf, -np.inf]), deeply)
def test_what_is_no_number(start, index, value, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[index] = value
    fault = the_fault(table(start, listed), deep=deep)
    check(fault, Kind.NOT_A_NUMBER, start, index)
    assert f"holds {value}," in str(fault)
    assert "correct it" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 60), st.integers(2, 50), deeply)
def test_several_that_are_no_numbers(start, index, count, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[index : index + count] = np.nan
    fault = the_fault(table(start, listed), deep=deep)
    check(fault, Kind.NOT_A_NUMBER, start, index)
    assert f"{count} entries that are not a number" in str(fault)
    assert "correct them" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 1), deeply)
def test_an_inserted_nan(start, index, deep):
    _, offsets = true_zeros(start)
    fault = the_fault(table(start, np.insert(offsets, index, np.nan)), deep=deep)
    check(fault, Kind.NOT_A_NUMBER, start, index)
    assert "delete it" in str(fault)


@few
@given(starts, st.integers(0, SIZE - 1), st.floats(-1e6, 0.0), deeply)
def test_a_negative_height(start, index, value, deep):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[index] = value
    check(the_fault(table(start, listed), deep=deep), Kind.PERTURBED, start, index)


@few
@given(starts, st.integers(-(10**7), 10**7).filter(bool), st.integers(1, 200), deeply)
def test_wrong_start(start, difference, count, deep):
    _, offsets = true_zeros(start)
    said = max(start + difference, 1) if start + difference != start else start + 1
    if said == start:
        said = start + 1
    fault = the_fault(table(said, offsets[:count]), deep=deep)
    check(fault, Kind.WRONG_START, said, 0)
    assert str(fault).endswith(f"--start {start}")


def test_a_wrong_start_and_a_wrong_first_zero():
    _, offsets = true_zeros(5000, 300)
    listed = offsets.copy()
    listed[0] -= 0.1
    faults = verify(table(1, listed)).faults
    assert [fault.kind for fault in faults] == [Kind.WRONG_START, Kind.PERTURBED]
    assert str(faults[0]).endswith("--start 5000")


def test_shards_with_a_wrong_start_cannot_be_read_from_another():
    _, offsets = true_zeros(5000, 300)
    listed = table(1, offsets)
    listed.format = "shards"
    assert "runs on from ordinal 5000 (zeros were lost, or its manifest is wrong)" in str(
        the_fault(listed)
    )


def test_a_wrong_start_far_up():
    base, offsets = true_zeros(HIGH)
    assert str(the_fault(table(HIGH + 10**6, offsets, base))).endswith(f"--start {HIGH}")


UNITS = {
    "divided by 2π": lambda x: x / (2 * np.pi),
    "times 2π": lambda x: x * (2 * np.pi),
    "in degrees": np.rad2deg,
    "times π/180": np.deg2rad,
    "logarithms": np.log,
    "decimal logarithms": np.log10,
    "divided by 2 ": lambda x: x / 2,
    "times 2 ": lambda x: x * 2,
}


@pytest.mark.parametrize(
    ("start", "said", "deep"), [(2, None, True), (1_000_000, None, False), (1_000_000, 123, False)]
)
@pytest.mark.parametrize("name", UNITS)
def test_wrong_units(start, name, said, deep):
    _, offsets = true_zeros(start)
    fault = the_fault(table(said or start, UNITS[name](offsets[:500])), deep=deep)
    check(fault, Kind.WRONG_UNITS, said or start, 0)
    assert name in str(fault)


@pytest.mark.parametrize("start", STARTS)
def test_unfolded_heights_and_spacings(start):
    _, offsets = true_zeros(start)
    counts = Stretch(start, 0.0, offsets).residuals() + np.arange(start, start + SIZE)
    for listed, word in ((counts - 0.5, "unfolded"), (counts + 3 / 8, "unfolded")):
        assert word in str(the_fault(table(start, listed)))
    assert "spacings" in str(the_fault(table(start, np.diff(offsets))))


@few
@given(starts, st.sampled_from([-1, 1]), st.floats(-6, 3), inner | st.just(0), chunks, deeply)
def test_a_constant_added(start, sign, power, index, chunk, deep):
    _, offsets = true_zeros(start)
    constant = round(sign * 10.0**power, 8)
    listed = offsets.copy()
    listed[index:] += constant
    fault = the_fault(table(start, listed, chunk=chunk), deep=deep)
    check(fault, Kind.CONSTANT_ADDED, start, index)
    assert ("plus" if sign > 0 else "less") in str(fault)


@pytest.mark.parametrize("start", [1_000_000, HIGH])
def test_a_base_is_forgotten(start):
    base, offsets = true_zeros(start)
    whole = np.floor(base + offsets[0])
    listed = offsets - (whole - base)
    fault = the_fault(table(start, listed))
    assert fault.kind == Kind.CONSTANT_ADDED
    assert f"add {whole:.0f} to each" in str(fault)


def test_what_is_nothing_like_zeros(monkeypatch):
    numbers = np.sort(np.random.default_rng(0).uniform(10, 3000, 2000))
    assert the_fault(table(1, numbers)).kind == Kind.NO_ZEROS
    monkeypatch.setattr(engine, "MAX_ORDINAL", 500)  # no zeros left to compare with
    assert the_fault(table(411, numbers[:90])).kind == Kind.NO_ZEROS


@pytest.mark.parametrize("start", STARTS)
def test_fewer_right_digits_than_there_seem_to_be(start):
    _, offsets = true_zeros(start)
    noise = np.random.default_rng(0).uniform(-1e-5, 1e-5, SIZE)
    fault = the_fault(table(start, offsets + noise))
    check(fault, Kind.INEXACT, start, 0)
    assert "off by about" in str(fault)


@few
@given(starts, st.integers(1, 2000), st.integers(200, 900), deeply)
def test_two_faults(start, index, distance, deep):
    _, offsets = true_zeros(start)
    later = index + distance
    listed = np.delete(np.insert(offsets, later, offsets[later - 1 : later + 1].mean()), index)
    missing, extra = verify(table(start, listed), deep=deep).faults
    check(missing, Kind.MISSING, start, index)
    check(extra, Kind.EXTRA, start, later - 1, n=start + later)


def test_only_the_first_faults_are_named():
    _, offsets = true_zeros(1)
    report = verify(table(1, np.delete(offsets, range(100, 2900, 100))))
    assert [fault.ordinal for fault in report.faults] == [101, 201, 301, 401, 501]
    assert report.more
    assert not report.ok
    assert report.lines()[-1] == "5 faults; there may be more behind"


@few
@given(st.integers(1, SIZE))
def test_a_truncated_table(count):
    _, offsets = true_zeros(1)
    for said in (count + 1, SIZE + 1):
        fault = the_fault(table(1, offsets[:count]), count=said)
        check(fault, Kind.TRUNCATED, 1, count - 1)
        assert f"{count} zeros, up to line {count}, where {said} should be" in str(fault)
    assert verify(table(1, offsets[:count]), count=count).ok


def test_a_table_that_is_too_long():
    _, offsets = true_zeros(1)
    assert the_fault(table(1, offsets), count=SIZE - 1).kind == Kind.TOO_LONG


@few
@given(starts, st.integers(100, SIZE - 100), st.sampled_from([-1, 1]), st.floats(-8, -0.61))
def test_only_deep_sees_a_zero_that_hardly_moved(start, index, sign, power):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    below, here, above = offsets[index - 1 : index + 2]
    listed[index] += sign * 10**power * ((here - below) if sign < 0 else (above - here))
    if abs(listed[index] - offsets[index]) <= 3 * np.spacing(offsets[index]) + 1e-12:
        return
    assert verify(table(start, listed)).ok
    check(the_fault(table(start, listed), deep=True), Kind.PERTURBED, start, index)


def test_deep_sees_the_last_digits():
    _, offsets = true_zeros(1_000_000)
    listed = offsets.copy()
    listed[500] = np.nextafter(listed[500], np.inf)
    assert verify(table(1_000_000, listed), deep=True).ok
    listed[500] += 3 * np.spacing(listed[500])
    assert the_fault(table(1_000_000, listed), deep=True).ordinal == 1_000_500


def test_deep_sees_the_last_digits_of_offsets():
    base, offsets = true_zeros(HIGH)
    listed = offsets.copy()
    listed[500] += 1e-10
    assert verify(table(HIGH, listed, base)).ok
    check(the_fault(table(HIGH, listed, base), deep=True), Kind.PERTURBED, HIGH, 500)


@few
@given(st.integers(1, 9), st.integers(0, 1))
def test_what_is_missing_behind_the_last_zero_only_a_count_tells(count, deep):
    _, offsets = true_zeros(1)
    listed = table(1, offsets[:-count])
    assert verify(listed, deep=bool(deep)).ok
    assert the_fault(listed, count=SIZE).kind == Kind.TRUNCATED
    # one zero above them is enough
    listed = table(1, np.delete(offsets, slice(-1 - count, -1)))
    assert the_fault(listed).kind == Kind.MISSING


@few
@given(st.integers(0, 3), st.integers(1, 19_000), st.sampled_from([2e-3, 1e-3, 3e-4]))
def test_a_drift_is_traced_back_to_where_it_begins(start, index, constant):
    start = STARTS[start % 3]
    _, offsets = true_zeros(start, 20_000)
    listed = np.concatenate([offsets[:index], offsets[index:] + constant])
    check(the_fault(table(start, listed, chunk=1000)), Kind.CONSTANT_ADDED, start, index)


def test_a_drift_that_ended_before_its_area_is_too_large():
    """∫S passes its bound in the second chunk, because of zeros in the first."""
    start, cut = 1_042_000, 1500
    _, offsets = true_zeros(start)
    residuals, gaps = Stretch(start, 0.0, offsets).residuals(), np.diff(offsets)
    area = np.cumsum(-gaps * (residuals[1:] + residuals[:-1]) / 2)
    rise = [
        float(area[part].max() - area[:800].min()) for part in (slice(880, cut), slice(cut, -1))
    ]
    assert rise[1] > rise[0] + 0.05  # a property of these zeros
    wanted = turing.bound(offsets[-1]) - sum(rise) / 2
    listed = offsets.copy()
    listed[800:880] -= wanted / 80
    fault = the_fault(table(start, listed, chunk=cut))
    check(fault, Kind.PERTURBED, start, 800)
    assert "80 perturbed zeros" in str(fault)


@pytest.mark.parametrize("form", ["ordinates", "residuals"])
@pytest.mark.parametrize("deep", [False, True])
def test_shards(tmp_path, form, deep):
    path = str(tmp_path / "zeros")
    arguments = ["--count", "30000", "--shard-size", "10000", "--form", form, "--out", path]
    assert main(["zeros", "generate", *arguments]) == 0
    listed = open_table(path)
    report = verify(listed, deep=deep)
    assert report.ok
    assert report.hashes
    assert report.format == "shards"
    shard = tmp_path / "zeros" / listed.shards[1].file
    numbers = np.load(shard)
    numbers[500] = numbers[501]
    np.save(shard, numbers)
    faults = verify(listed, deep=deep).faults
    assert faults[0].kind == Kind.WRONG_HASH
    assert str(shard) in str(faults[0])
    assert REMEDY in str(faults[0])
    if form == "ordinates":
        assert faults[1].ordinal == 10_501
        assert faults[1].place == f"{shard.name}, entry 501"


@pytest.mark.parametrize("deep", [False, True])
def test_faults_far_up(deep):
    base, offsets = true_zeros(HIGH)
    listed = np.delete(offsets, 1500)
    listed[[200, 201]] = listed[[201, 200]]
    swapped, missing = verify(table(HIGH, listed, base), deep=deep).faults
    check(swapped, Kind.SWAPPED, HIGH, 200)
    check(missing, Kind.MISSING, HIGH, 1500)


def test_the_known_zero_after_ten_to_the_twelve():
    """Odlyzko's table: 267653395648.8475231290213 is zero number 10^12 + 1."""
    listed = ListedZeros(
        10**12 + 1, [Stretch(10**12 + 1, 267653395647.0, np.array([1.8475231290213]))]
    )
    assert verify(listed, deep=True).ok


def test_beyond_the_engine():
    with pytest.raises(UserError, match="begins at ordinal 10000000000001"):
        verify(table(engine.MAX_ORDINAL + 1, np.array([1.0])))


def test_a_table_that_leads_beyond_the_engine(monkeypatch):
    monkeypatch.setattr(engine, "MAX_ORDINAL", 2500)
    _, offsets = true_zeros(1)
    for deep in (False, True):
        with pytest.raises(UserError, match="keep to ordinals up to 2500"):
            verify(table(1, offsets), deep=deep)
    assert verify(table(1, offsets[:2500]), deep=True).ok


def test_a_table_without_zeros():
    with pytest.raises(UserError, match="holds no zeros"):
        verify(table(1, []))


class Broken(ListedZeros):
    def stretches(self):
        yield from self.parts
        raise UserError("line 3001 of zeros.txt is 'x', no number: delete it")


def test_a_table_that_cannot_be_read_to_its_end():
    _, offsets = true_zeros(1)
    report = verify(Broken(1, [Stretch(1, 0.0, np.delete(offsets, 70))]))
    assert [fault.kind for fault in report.faults] == [Kind.MISSING, Kind.UNREADABLE]
    assert "line 3001 of zeros.txt" in str(report.faults[1])
    assert report.more
    assert the_fault(Broken(1, [])).kind == Kind.UNREADABLE


class Hashed(ListedZeros):
    count = SIZE

    def verify_hashes(self):
        return ["zeros_00001.npy has another sha256: make it again"]


def test_a_table_that_breaks_off_is_no_table_of_as_many_zeros():
    _, offsets = true_zeros(1)
    parts = [Stretch(1, 0.0, offsets[:400]), Stretch(401, 0.0, offsets[400:900])]
    for deep, compared in ((False, "the last ones read"), (True, "every zero read")):
        lines = verify(Broken(1, parts), deep=deep).lines()
        assert lines[0] == (
            "zeros.txt (text): 900 zeros read so far (stopped at line 900), "
            f"heights 14.135 to {offsets[899]:.3f}"
        )
        (line,) = (line for line in lines if line.startswith("compared"))
        assert line.endswith(compared)
    lines = verify(Broken(1, [])).lines()
    assert lines[:2] == [
        "zeros.txt (text): no zeros read (stopped at its beginning)",
        "compared with the engine: nothing",
    ]


@pytest.mark.parametrize("deep", [False, True])
def test_a_check_that_ends_early_says_where(deep):
    _, offsets = true_zeros(1)
    faulty = np.delete(offsets, range(50, 500, 50))
    report = verify(table(1, faulty, chunk=100), deep=deep)
    assert report.count < faulty.size
    assert report.stopped == f"line {report.count}"
    assert f"{report.count} zeros read so far (stopped at line {report.count})" in report.lines()[0]
    assert "last zeros" not in "".join(report.lines())
    whole = verify(table(1, faulty, chunk=5000), deep=deep)
    assert whole.more
    assert f" {faulty.size} zeros, ordinals 1 to {faulty.size}" in whole.lines()[0]
    assert "last zeros" not in "".join(whole.lines())


@pytest.mark.parametrize("start", STARTS)
def test_heights_that_differ_are_shown_with_the_digits_that_do(start):
    _, offsets = true_zeros(start)
    listed = offsets.copy()
    listed[500] += 1e-11 + 3 * np.spacing(listed[500])
    sentence = str(the_fault(table(start, listed), deep=True))
    holds, true = re.findall(r"(?:holds|is at) ([0-9.]+)", sentence)
    assert float(holds) > float(true)


def test_what_is_wrong_in_shards_is_made_again():
    _, offsets = true_zeros(1)
    perturbed = offsets.copy()
    perturbed[500] += 1e-6
    for heights in (perturbed, np.delete(offsets, 500), offsets[1:], offsets[:500] + 1.0):
        listed = table(1, heights)
        listed.format = "shards"
        sentence = str(the_fault(listed, deep=True))
        assert sentence.endswith("make that shard again (" + REMEDY + ")")


def test_a_shard_that_is_gone_is_one_fault(tmp_path):
    path = tmp_path / "zeros"
    made = ["--count", "3000", "--shard-size", "1000", "--out", str(path)]
    assert main(["zeros", "generate", *made]) == 0
    listed = open_table(str(path))
    (path / listed.shards[1].file).unlink()
    report = verify(listed)
    (fault,) = report.faults
    assert fault.kind == Kind.UNREADABLE
    assert listed.shards[1].file in str(fault)
    assert REMEDY in str(fault)
    assert report.stopped == f"{listed.shards[0].file}, entry 1000"


def test_hashes_and_the_count_of_a_table():
    _, offsets = true_zeros(1)
    report = verify(Hashed(1, table(1, offsets[:-1]).parts))
    assert [fault.kind for fault in report.faults] == [Kind.WRONG_HASH, Kind.TRUNCATED]
    assert "hashes: checked" in report.lines()


def test_the_screen_shows_what_was_seen():
    report = verify(table(1, true_zeros(1)[1]))
    lines = report.lines()
    assert lines[0].startswith(
        "zeros.txt (text): 3000 zeros, ordinals 1 to 3000, heights 14.135 to"
    )
    assert any(line.startswith("greatest |S|: 1.3") for line in lines)
    assert lines[-1].startswith("ok; --deep")
    assert report.provenance == {"format": "text"}
    assert report.worst_mean.value < 0.2
    assert report.worst_area.value < 1
    deep = verify(table(1, true_zeros(1)[1]), deep=True)
    assert deep.lines()[-1] == "ok"
    assert deep.greatest_s == report.greatest_s


def test_statistics_do_not_depend_on_how_a_table_is_cut():
    _, offsets = true_zeros(1)
    one, other = (verify(table(1, offsets, chunk=chunk)) for chunk in (100, 3000))
    assert one.greatest_s.ordinal == other.greatest_s.ordinal
    assert one.greatest_s.value == pytest.approx(other.greatest_s.value, abs=1e-9)
    assert one.worst_mean.ordinal == other.worst_mean.ordinal
    assert one.worst_mean.value == pytest.approx(other.worst_mean.value, abs=1e-9)


def test_a_table_is_read_once_and_no_further_than_its_faults():
    _, offsets = true_zeros(1)
    listed = table(1, offsets, chunk=100)
    assert verify(listed).ok
    assert len(listed.read) == 30
    listed = table(1, np.delete(offsets, range(50, 500, 50)), chunk=100)
    assert not verify(listed).ok
    assert len(listed.read) < 8


@dataclass
class StreamedZeros(ListedZeros):
    """A table as long as one likes, which the engine makes while it is read."""

    length: int = 0

    def stretches(self):
        for block in engine.stream(self.start, self.length):
            yield Stretch(block.start, 0.0, block.base + block.offsets)


@pytest.mark.soak
@pytest.mark.parametrize("length", [10**7, 10**8])
def test_long_tables_have_no_fault(length):
    report = verify(StreamedZeros(1, [], length=length), count=length)
    assert report.ok
    assert report.worst_mean.value < 0.2  # 0.19 measured up to 10^8
    assert report.worst_area.value < 1
