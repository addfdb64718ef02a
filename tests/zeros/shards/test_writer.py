"""However often the work is stopped, the table ends with the same bytes."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.zeros import generate
from zeta_exp.zeros.shards import Plan, Slice, computed, form_for, listed, open_table, write_table

SAME = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
FORMS = pytest.mark.parametrize("form", ["ordinates", "offsets", "residuals"])


class Diary:
    """A watcher that remembers."""

    def __init__(self):
        self.begun, self.found, self.files, self.lines = [], 0, [], []

    def begin(self, zeros, kept):
        self.begun.append((zeros, kept))

    def advance(self, zeros):
        self.found += zeros

    def wrote(self, shard):
        self.files.append(shard.file)

    def say(self, line):
        self.lines.append(line)


@FORMS
def test_the_zeros_of_the_supply_are_there(tmp_path, shards, form):
    plan = shards.plan(count=950, form=form)
    write_table(str(tmp_path), plan, shards.supply())
    expected = shards.residual(np.arange(1000, 1950))
    stretches = list(open_table(str(tmp_path)).stretches())
    stored = np.concatenate([stretch.residuals() for stretch in stretches])
    assert stored == pytest.approx(expected, abs=1.2e-7 if form == "residuals" else 1e-10)
    assert len(shards.contents(tmp_path)) == 11


@SAME
@given(
    form=st.sampled_from(["ordinates", "offsets", "residuals"]),
    stops=st.lists(st.integers(0, 800), max_size=4),
    error=st.sampled_from([KeyboardInterrupt, RuntimeError("defect"), OSError("gone")]),
    size=st.integers(20, 300),
)
def test_interrupted_and_continued_is_uninterrupted(
    tmp_path_factory, shards, form, stops, error, size
):
    plan = shards.plan(count=777, size=size, form=form)
    whole, pieced = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("pieced")
    write_table(str(whole), plan, shards.supply())
    for stop in stops:
        try:
            write_table(str(pieced), plan, shards.supply(stop_after=stop, error=error))
        except (KeyboardInterrupt, RuntimeError, OSError):
            there = json.loads((pieced / "manifest.json").read_bytes())["shards"]
            names = {"manifest.json", *(shard["file"] for shard in there)}
            assert set(shards.contents(pieced)) == names
    write_table(str(pieced), plan, shards.supply())
    assert shards.contents(pieced) == shards.contents(whole)


@SAME
@given(st.integers(1, 9), st.integers(1, 9), st.integers(20, 50), st.randoms())
def test_bits_depend_on_neither_pieces_nor_slices(
    tmp_path_factory, shards, piece, of, size, random
):
    plan = shards.plan(count=500, size=size, form="ordinates")
    whole, sliced = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("sliced")
    write_table(str(whole), plan, shards.supply())
    order = list(range(1, of + 1))
    random.shuffle(order)
    for i in order:
        write_table(str(sliced), plan, shards.supply(), Slice(i, of))
    files_of = {name: bytes for name, bytes in shards.contents(sliced).items() if "npy" in name}
    expected = shards.contents(whole)
    expected.pop("manifest.json")
    assert files_of == expected
    zeros, again = (
        np.concatenate([s.ordinates() for s in open_table(str(folder)).stretches()])
        for folder in (whole, sliced)
    )
    assert np.array_equal(zeros, again)


def test_the_watcher_hears_of_everything(tmp_path, shards):
    plan, diary = shards.plan(count=250), Diary()
    with pytest.raises(KeyboardInterrupt):
        write_table(str(tmp_path), plan, shards.supply(stop_after=150), watcher=diary)
    assert diary.begun == [(250, 0)]
    assert 100 < diary.found <= 150
    assert diary.files == ["zeros_00000.npy"]
    diary = Diary()
    manifest = write_table(str(tmp_path), plan, shards.supply(), watcher=diary)
    assert (diary.begun, diary.found) == ([(250, 100)], 150)
    assert diary.files == ["zeros_00001.npy", "zeros_00002.npy"]
    assert diary.lines == []
    assert [shard.count for shard in manifest.shards] == [100, 100, 50]


@pytest.mark.parametrize("damage", ["gone", "short", "flipped"])
def test_damaged_shards_are_made_again(tmp_path, shards, damage):
    shards.table(tmp_path)
    before, path = shards.contents(tmp_path), tmp_path / "zeros_00004.npy"
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    changes = {"gone": None, "short": content[:-8], "flipped": content}
    path.unlink() if changes[damage] is None else path.write_bytes(changes[damage])
    diary = Diary()
    write_table(str(tmp_path), shards.plan(), shards.supply(), watcher=diary)
    assert diary.files == [path.name]
    assert diary.lines == ["zeros_00004.npy is missing or damaged and will be made again"]
    assert shards.contents(tmp_path) == before


def test_holes_are_filled_and_no_more(tmp_path, shards):
    shards.table(tmp_path)
    before = shards.contents(tmp_path)
    for index in (0, 1, 4, 8, 9):
        (tmp_path / f"zeros_{index:05d}.npy").unlink()
    asked = []
    supply = shards.supply()

    def pieces(start, stop):
        asked.append((start, stop))
        return supply.pieces(start, stop)

    write_table(str(tmp_path), shards.plan(), type(supply)(supply.source, pieces))
    assert asked == [(1000, 1200), (1400, 1500), (1800, 2000)]
    assert shards.contents(tmp_path) == before


def test_what_a_killed_process_left_is_replaced(tmp_path, shards):
    shards.table(tmp_path / "whole")
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / ".zeros_00003.npy.tmp").write_bytes(b"half")
    (tmp_path / "killed" / ".zeros_00003.npy.12ab34cd.tmp").write_bytes(b"half")
    (tmp_path / "killed" / ".manifest.json.tmp").write_bytes(b"half")
    shards.table(tmp_path / "killed")
    assert shards.contents(tmp_path / "killed") == shards.contents(tmp_path / "whole")


def test_a_table_in_memory_is_that_on_disk(tmp_path, shards):
    address = "memory://made/here/"
    with pytest.raises(KeyboardInterrupt):
        write_table(address, shards.plan(), shards.supply(stop_after=400))
    write_table(address, shards.plan(), shards.supply())
    shards.table(tmp_path)
    names = files.names(address)
    assert names == sorted(shards.contents(tmp_path))
    for name in names:
        with files.reading(files.join(address, name)) as file:
            assert file.read() == (tmp_path / name).read_bytes()
    table = open_table(address)
    assert table.verify_hashes() == []
    assert sum(stretch.offsets.size for stretch in table.stretches()) == 1000


@pytest.mark.parametrize(("before", "after"), [(300, 750), (750, 750), (300, 200)])
def test_a_table_of_whole_shards_may_grow_and_shrink(tmp_path, shards, before, after):
    shards.table(tmp_path / "at once", count=after)
    if before > after:
        plan, supply = shards.plan(count=before), shards.supply(stop_after=150)
        with pytest.raises(KeyboardInterrupt):
            write_table(str(tmp_path / "changed"), plan, supply)
    else:
        shards.table(tmp_path / "changed", count=before)
    shards.table(tmp_path / "changed", count=after)
    assert shards.contents(tmp_path / "changed") == shards.contents(tmp_path / "at once")


def test_a_supply_with_a_gap_or_an_end_is_refused(tmp_path, shards):
    supply = shards.supply()

    def gap(start, stop):
        for piece in supply.pieces(start, stop):
            if piece.zeros.start < 1300:
                yield piece

    def hole(start, stop):
        yield from supply.pieces(start, 1111)
        yield from supply.pieces(1112, stop)

    for pieces in (gap, hole):
        with pytest.raises(UserError, match="break off at ordinal 1"):
            write_table(str(tmp_path), shards.plan(), type(supply)(supply.source, pieces))


def test_s_and_turing_are_the_worst_of_the_shard(tmp_path, shards):
    manifest = write_table(str(tmp_path), shards.plan(), shards.supply())
    for shard in manifest.shards:
        delta = shards.residual(np.arange(shard.start, shard.stop))
        assert shard.greatest_S == pytest.approx(0.5 - delta.min(), abs=1e-9)
        assert shard.least_S == pytest.approx(-0.5 - delta.max(), abs=1e-9)
        starts = range(shard.start - shard.start % 37, shard.stop, 37)
        assert shard.turing == max(start % 91 / 100 for start in starts)


@pytest.mark.parametrize("start", [1, 10**6, 10**10 - 700])
def test_the_engines_zeros(tmp_path, start):
    supply = computed(workers=2)
    plan = Plan(start, 1500, 600, form_for(start + 1499), supply.source)
    manifest = write_table(str(tmp_path), plan, supply)
    table = open_table(str(tmp_path))
    if plan.form.name == "ordinates":
        zeros = np.concatenate([stretch.ordinates() for stretch in table.stretches()])
        assert np.array_equal(zeros, generate(start, 1500))
    blocks = list(supply.pieces(start, start + 1500))
    true = np.concatenate([block.residuals for block in blocks])
    stored = np.concatenate([stretch.residuals() for stretch in table.stretches()])
    assert stored == pytest.approx(true, abs=1e-9)
    assert all(shard.turing is None or 0 <= shard.turing <= 1 for shard in manifest.shards)
    assert manifest.shards[-1].turing is not None
    assert min(shard.least_S for shard in manifest.shards) == pytest.approx(-0.5 - true.max())


def test_a_table_made_from_a_table(tmp_path, shards):
    table = open_table(shards.table(tmp_path / "first", count=300))
    supply = listed(table)
    assert supply.source == {"name": "table", "format": "shards", "sha256": table.sha256}
    plan = Plan(1000, 300, 70, form_for(1299, "offsets"), supply.source)
    manifest = write_table(str(tmp_path / "second"), plan, supply)
    again = open_table(str(tmp_path / "second"))
    zeros, copied = (
        np.concatenate([stretch.ordinates() for stretch in one.stretches()])
        for one in (table, again)
    )
    assert np.array_equal(zeros, copied)
    assert [shard.turing for shard in manifest.shards] == [None] * 5
    assert [piece.zeros.start for piece in supply.pieces(1100, 1150)] == [1100]


def test_memory_is_that_of_one_shard_however_long_the_table(tmp_path, shards):
    peaks = []
    for count in (80_000, 400_000):
        plan = shards.plan(count=count, size=40_000)
        tracemalloc.start()
        write_table(str(tmp_path / str(count)), plan, shards.supply(piece=10_000))
        for stretch in open_table(str(tmp_path / str(count))).stretches():
            assert stretch.offsets.size <= 40_000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < 10 * 40_000 * 8
