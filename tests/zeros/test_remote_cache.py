"""Tables in a bucket: read from local copies that are checked, fetched once."""

import gzip
import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gcsfs
import numpy as np
import pytest

from tests.standins import Cloud
from zeta_exp.errors import UserError
from zeta_exp.split import Split
from zeta_exp.zeros import TableZeros, remote
from zeta_exp.zeros.formats import read
from zeta_exp.zeros.shards import Plan, computed, form_for, write_table
from zeta_exp.zeros.source import ComputedZeros

SPLIT = Split(1, 200)  # sees the ordinals 1 to 220 or so
ENGINE = ComputedZeros().ordinates(1, 401)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    root = tmp_path_factory.mktemp("cloud")
    with Cloud(root, [sys.executable], root) as cloud, pytest.MonkeyPatch.context() as patch:
        for key, value in cloud.environment.items():
            patch.setenv(key, value)
        gcsfs.GCSFileSystem.clear_instance_cache()
        yield cloud
    gcsfs.GCSFileSystem.clear_instance_cache()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "zeta_exp" / "zeros"


@pytest.fixture(params=["ordinates", "offsets", "residuals"])
def shards(request, cloud, tmp_path):
    """The address of 400 zeros in eight shards, and the folder that holds the same."""
    supply = computed(1)
    plan = Plan(1, 400, 50, form_for(400, request.param), supply.source)
    folder = tmp_path / "zeros"
    write_table(str(folder), plan, supply)
    name = f"{request.node.name}/zeros"
    for path in folder.iterdir():
        cloud.put(f"{name}/{path.name}", path.read_bytes())
    return f"{cloud.bucket}/{name}", folder


def put(cloud, name, content):
    cloud.put(name, content)
    return f"{cloud.bucket}/{name}"


def text(ordinates):
    return "".join(f"{gamma:.9f}\n" for gamma in ordinates).encode()


def copies(cache):
    return sorted(path.name for path in cache.glob("*/*") if path.name != ".lock")


def remove(address):
    filesystem = gcsfs.GCSFileSystem()
    for path in filesystem.ls(address, detail=False):
        if path.endswith(".npy"):
            filesystem.rm_file(path)


def test_shards_give_the_bits_that_they_give_locally(shards):
    address, folder = shards
    there, here = TableZeros(address, SPLIT), TableZeros(folder, SPLIT)
    np.testing.assert_array_equal(there.ordinates(1, 220), here.ordinates(1, 220))
    np.testing.assert_array_equal(there.residuals(1, 220), here.residuals(1, 220))
    assert there.provenance() == here.provenance() | {"path": address}


def test_only_the_shards_of_the_run_are_fetched_and_only_once(shards, cache):
    address, _ = shards
    split = Split(101, 100)
    first = TableZeros(address, split).ordinates(101, 201)
    last = split.extrapolation[1] - 1
    of_run = {f"{(n - 1) // 50:05d}" for n in range(101, last + 1)}
    fetched = {name for name in copies(cache) if any(part in name for part in of_run)}
    assert len(fetched) == len(of_run)
    assert len(copies(cache)) <= len(of_run) + 1  # the first tells the tolerance of residuals
    remove(address)
    np.testing.assert_array_equal(TableZeros(address, split).ordinates(101, 201), first)


def test_a_damaged_shard_is_refused_and_leaves_no_copy(shards, cloud, cache):
    address, folder = shards
    path = sorted(folder.glob("*.npy"))[1]
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    cloud.put(f"{address}/{path.name}", bytes(content))
    with pytest.raises(UserError, match="is damaged") as refusal:
        TableZeros(address, SPLIT)
    assert f"{address}/{path.name}" in str(refusal.value)
    assert path.name not in copies(cache)


def test_a_damaged_copy_is_fetched_again(shards, cache):
    address, folder = shards
    TableZeros(address, SPLIT)
    for copy in cache.glob("*/*.npy"):
        copy.write_bytes(copy.read_bytes()[:-3])
    TableZeros(address, SPLIT)
    for copy in cache.glob("*/*.npy"):
        assert copy.read_bytes() == (folder / copy.name).read_bytes()


@pytest.mark.parametrize("name", ["plain.txt", "packed.txt.gz", "vector.npy"])
def test_a_file_gives_what_it_gives_locally(cloud, tmp_path, cache, name):
    local = tmp_path / name
    if name.endswith(".npy"):
        np.save(local, ENGINE)
    else:
        local.write_bytes(gzip.compress(text(ENGINE)) if "gz" in name else text(ENGINE))
    address = put(cloud, f"files/{name}", local.read_bytes())
    there, here = TableZeros(address, SPLIT), TableZeros(local, SPLIT)
    np.testing.assert_array_equal(there.ordinates(1, 220), here.ordinates(1, 220))
    assert there.provenance() == here.provenance() | {"path": address}
    assert copies(cache) == [name]


def test_a_file_that_was_replaced_is_read_anew(cloud):
    address = put(cloud, "replaced/zeros.txt", text(ENGINE))
    assert TableZeros(address, SPLIT).provenance()["sha256"] == sha256(text(ENGINE))
    put(cloud, "replaced/zeros.txt", text(ENGINE[:300]))
    assert TableZeros(address, SPLIT).provenance()["sha256"] == sha256(text(ENGINE[:300]))


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_arrives_damaged_is_refused(cloud, cache, monkeypatch):
    address = put(cloud, "damaged/zeros.txt", text(ENGINE))
    wrong = remote._Checksum("md5", "0" * 32, hashlib.md5, 1)
    monkeypatch.setattr(remote, "_reported", lambda address: wrong)
    with pytest.raises(UserError, match=r"damaged/zeros\.txt is damaged"):
        TableZeros(address, SPLIT)
    assert copies(cache) == []


def test_without_a_reported_hash_there_is_no_copy(cache):
    import fsspec

    with fsspec.open("memory://plain/zeros.txt", "wb") as file:
        file.write(text(ENGINE))
    assert TableZeros("memory://plain/zeros.txt", SPLIT).ordinates(1, 2)[0] == pytest.approx(
        14.13472
    )
    assert copies(cache) == []


def test_faults_name_the_address_and_not_the_copy(cloud, tmp_path):
    missing = np.delete(ENGINE, 99)
    for content, word in ((text(missing), "100"), (text(ENGINE[:150]), "N=200")):
        address = put(cloud, "faulty/zeros.txt", content)
        with pytest.raises(UserError, match=word) as refusal:
            TableZeros(address, SPLIT)
        assert f"zeros.path={address}" in str(refusal.value)
        assert str(tmp_path) not in str(refusal.value)


def test_a_place_without_a_table_is_refused(cloud):
    with pytest.raises(UserError, match=r"nowhere.*does not exist"):
        TableZeros(f"{cloud.bucket}/nowhere.txt", SPLIT)


def test_several_at_once_share_one_copy(cloud, cache):
    address = put(cloud, "shared/zeros.txt", text(ENGINE))
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda _: remote.read_cached(address, None, 1, 220), range(8)))
    assert {table.path for table in tables} == {str(path) for path in cache.glob("*/*.txt")}
    assert read(tables[0].path).provenance()["sha256"] == sha256(text(ENGINE))


def test_a_cache_that_can_not_be_written_is_one_sentence(cloud, tmp_path, monkeypatch):
    Path(tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    address = put(cloud, "readonly/zeros.txt", text(ENGINE))
    with pytest.raises(UserError, match="can't be read or written"):
        TableZeros(address, SPLIT)
