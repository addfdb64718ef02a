"""A shard is an npy file like any other, and no change to it goes unseen."""

import hashlib
import io

import numpy as np
import pytest

from zeta_exp.errors import UserError
from zeta_exp.zeros.shards import FORMS, Shard
from zeta_exp.zeros.shards.file import header, opened, size, write

ORDINATES = FORMS[0]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@pytest.mark.parametrize("count", [1, 9, 10_000_000, 1 << 28])
def test_the_header_is_that_of_numpy(form, count):
    file = io.BytesIO()
    description = {"descr": form.dtype, "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(file, description)
    assert file.getvalue() == header(form, count)
    assert size(form, count) == len(header(form, count)) + count * np.dtype(form.dtype).itemsize


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_numpy_reads_a_shard(tmp_path, form, monkeypatch):
    monkeypatch.setattr("zeta_exp.zeros.shards.file._AT_ONCE", 64)
    path = tmp_path / "shard.npy"
    numbers = np.random.default_rng(0).normal(size=1001).astype(form.dtype)
    digest = write(str(path), form, numbers)
    assert np.array_equal(np.load(path, allow_pickle=False), numbers)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assert path.stat().st_size == size(form, numbers.size)
    assert [file.name for file in tmp_path.iterdir()] == ["shard.npy"]


@pytest.fixture
def there(tmp_path):
    """A folder with a shard of the ordinals 11 … 15, and the shard."""
    numbers = np.array([1.0, 2.0, 3.0, 4.0, np.nan])
    digest = write(str(tmp_path / "zeros_00000.npy"), ORDINATES, numbers)
    shard = Shard("zeros_00000.npy", 11, 5, 1.0, float("nan"), digest, None, None, None)
    return tmp_path, shard


def test_numbers_by_ordinal(there):
    folder, shard = there
    with opened(str(folder), ORDINATES, shard) as file:
        assert file.numbers(12, 15).tolist() == [2.0, 3.0, 4.0]
        assert file.numbers(11, 12).tolist() == [1.0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda bytes: bytes[:-1], "has 167 bytes instead of 168"),
        (lambda bytes: bytes + b"\0", "has 169 bytes instead of 168"),
        (lambda bytes: b"\0" + bytes[1:], "does not begin with the npy header of 5 numbers <f8"),
        (lambda bytes: bytes.replace(b"<f8", b">f8"), "does not begin"),
        (lambda bytes: bytes[:128] + bytes[136:144] + bytes[136:], "holds 2.0 for ordinal 11"),
        (lambda bytes: bytes[:160] + bytes[128:136], "holds 1.0 for ordinal 15"),
    ],
)
def test_another_file_is_refused(there, change, said):
    folder, shard = there
    path = folder / shard.file
    path.write_bytes(change(path.read_bytes()))
    with (
        pytest.raises(UserError, match=f"{shard.file} {said}.*command that made"),
        opened(str(folder), ORDINATES, shard),
    ):
        pass


def test_a_file_that_is_gone_is_named(there):
    folder, shard = there
    (folder / shard.file).unlink()
    with (
        pytest.raises(UserError, match=r"zeros_00000.npy does not exist"),
        opened(str(folder), ORDINATES, shard),
    ):
        pass


def test_a_file_that_shrinks_while_it_is_read(there):
    folder, shard = there
    with opened(str(folder), ORDINATES, shard) as file:
        (folder / shard.file).write_bytes(b"")
        with pytest.raises(UserError, match="ends early"):
            file.numbers(11, 16)
