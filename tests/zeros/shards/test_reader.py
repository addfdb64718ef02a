"""A table is read only where it is whole, from any ordinal, and with the same bits."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.zeros.shards import Slice, open_table, write_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(params=["ordinates", "offsets", "residuals"])
def table(request, folder, shards, monkeypatch):
    monkeypatch.setattr("zeta_exp.zeros.shards.reader.CHUNK", 31)
    return open_table(shards.table(folder / request.param, count=950, form=request.param))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(900, 2000), st.integers(900, 2000))
def test_any_range_is_that_part_of_the_whole(table, start, stop):
    whole = np.concatenate([stretch.ordinates() for stretch in table.stretches()])
    low, high = max(start, 1000), min(stop, 1950)
    following = low
    for stretch in table.stretches(start, stop):
        assert stretch.start == following
        assert 1 <= stretch.offsets.size <= 31
        expected = whole[stretch.start - 1000 : stretch.stop - 1000]
        assert np.array_equal(stretch.ordinates(), expected)
        following = stretch.stop
    assert following == max(low, high)


def test_what_a_table_says_of_itself(table):
    assert (table.format, table.start, table.count) == ("shards", 1000, 950)
    assert table.provenance()["path"] == table.path
    assert table.provenance()["source"] == "name made up"
    assert len(table.provenance()["sha256"]) == 64
    assert table.verify_hashes() == []


def test_the_tolerance_covers_float32_residuals(table, folder, shards):
    exact = open_table(shards.table(folder / "exact", count=950))
    error = max(
        np.abs(one.ordinates() - other.ordinates()).max()
        for one, other in zip(table.stretches(1000, 1031), exact.stretches(1000, 1031), strict=True)
    )
    if table.plan.form.compact:
        assert 0 < error <= table.tolerance < 1e-6
    else:
        assert error == table.tolerance == 0


@given(n=st.integers(1000, 1949))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_place_is_where_the_number_is(folder, shards, n):
    table = open_table(shards.table(folder / "ordinates", count=950))
    name, entry = table.place(n).split(", entry ")
    stored = np.load(folder / "ordinates" / name)[int(entry) - 1]
    assert stored == next(table.stretches(n, n + 1)).ordinates()[0]


def test_provenance_changes_with_the_zeros(folder, shards):
    tables = [
        open_table(shards.table(folder / f"{start} {count}", start=start, count=count))
        for start, count in ((1, 100), (1, 101), (2, 100))
    ]
    assert len({table.provenance()["sha256"] for table in tables}) == 3


def sliced(folder, shards, *indices, of=4, **options):
    for i in indices:
        write_table(str(folder), shards.plan(**options), shards.supply(), Slice(i, of))
    return str(folder)


def test_missing_slices_are_named(tmp_path, shards):
    with pytest.raises(UserError, match=r"lacks the slices 2/4, 4/4: make .* --shard i/4"):
        open_table(sliced(tmp_path, shards, 1, 3))
    assert open_table(sliced(tmp_path, shards, 2, 4)).count == 1000


def test_many_missing_slices_are_cut_short(tmp_path, shards):
    with pytest.raises(UserError, match=r"2/9, 3/9, 4/9, 5/9, 6/9 and 3 more"):
        open_table(sliced(tmp_path, shards, 1, of=9))


def test_missing_ordinals_are_named(tmp_path, shards):
    with pytest.raises(KeyboardInterrupt):
        write_table(str(tmp_path), shards.plan(count=350), shards.supply(stop_after=250))
    with pytest.raises(UserError, match="lacks 2 of 4 shards, of the ordinals 1200 to 1299, 1300"):
        open_table(str(tmp_path))


def rewrite(path, **keys):
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


def test_manifests_of_two_tables(tmp_path, shards):
    sliced(tmp_path, shards, 1, 2, of=2)
    rewrite(tmp_path / "manifest_00002_of_00002.json", source={"name": "other"})
    with pytest.raises(
        UserError, match=r"two tables: .*source={name: made up}, not source={name: o"
    ):
        open_table(str(tmp_path))
    content = shards.plan(), shards.supply()
    write_table(str(tmp_path / "whole"), *content)
    (tmp_path / "whole" / "manifest.json").rename(tmp_path / "manifest.json")
    with pytest.raises(UserError, match=r"two tables: manifest.json says 1 slices, not 2"):
        open_table(str(tmp_path))


def test_no_table(tmp_path):
    with pytest.raises(UserError, match="holds no manifest of zeros"):
        open_table(str(tmp_path))
    with pytest.raises(UserError, match="does not exist"):
        open_table(str(tmp_path / "nowhere"))


def test_damage_is_found_by_hash_and_by_reading(tmp_path, shards):
    table = open_table(shards.table(tmp_path))
    path = tmp_path / "zeros_00003.npy"
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    (tmp_path / "zeros_00007.npy").unlink()
    flipped, gone = table.verify_hashes()
    assert "zeros_00003.npy has sha256" in flipped
    assert "ordinals 1300 to 1399" in flipped
    assert "zeros_00007.npy does not exist" in gone
    assert sum(1 for _ in table.stretches(1000, 1700)) == 7
    with pytest.raises(UserError, match=r"zeros_00007.npy does not exist"):
        list(table.stretches())


def test_a_single_shard_is_an_npy_file(tmp_path, shards):
    table = open_table(shards.table(tmp_path))
    zeros = np.concatenate([stretch.ordinates() for stretch in table.stretches(1100, 1200)])
    assert np.array_equal(np.load(tmp_path / "zeros_00001.npy"), zeros)
