"""The bucket, as google-cloud-storage and gcsfs use it."""

import os
import socket
import subprocess
import sys

import pytest
from google.api_core import exceptions
from google.cloud import storage

from tests.standins.asking import MINUTE


@pytest.fixture
def here(cloud, monkeypatch):
    """The cloud's environment in this process."""
    for key, value in cloud.environment.items():
        monkeypatch.setenv(key, value)
    return cloud


def test_google_cloud_storage_finds_the_bucket(here):
    bucket = storage.Client().bucket("bucket")
    large = os.urandom(600_000)
    bucket.blob("runs/a/large.bin", chunk_size=1 << 18).upload_from_string(large)
    bucket.blob("runs/a/empty").upload_from_string(b"")
    bucket.blob("runs/b/text").upload_from_string("text", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("runs/b/text").upload_from_string("other", if_generation_match=0)
    assert (
        bucket.blob("runs/a/large.bin").download_as_bytes()
        == large
        == here.read("runs/a/large.bin")
    )
    assert bucket.blob("runs/a/large.bin").download_as_bytes(start=10, end=19) == large[10:20]
    assert bucket.blob("runs/a/empty").download_as_bytes() == b""
    assert bucket.blob("runs/b/text").exists()
    assert not bucket.blob("runs/b").exists()
    names = [blob.name for blob in bucket.list_blobs(prefix="runs/a/")]
    assert names == ["runs/a/empty", "runs/a/large.bin"] == here.names("runs/a/")
    folders = bucket.list_blobs(prefix="runs/", delimiter="/")
    assert ([*folders], folders.prefixes) == ([], {"runs/a/", "runs/b/"})
    bucket.blob("runs/b/text").delete()
    assert here.read("runs/b/text") is None


GCSFS = """
import fsspec, os
files = fsspec.filesystem("gs")
large = os.urandom(600_000)
files.pipe("bucket/zeros/a", b"one")
with files.open("bucket/zeros/b", "wb", block_size=1 << 18) as file:
    file.write(large)
assert files.cat("bucket/zeros/b") == large
assert files.find("bucket/zeros") == ["bucket/zeros/a", "bucket/zeros/b", "bucket/zeros/c"]
assert files.glob("bucket/zeros/[ab]") == ["bucket/zeros/a", "bucket/zeros/b"]
assert files.exists("bucket/zeros/c") and not files.exists("bucket/zeros/d")
with files.open("bucket/zeros/b") as file:
    file.seek(500_000)
    assert file.read(10) == large[500_000:500_010]
files.rm("bucket/zeros/b")
"""


def test_gcsfs_finds_the_bucket(cloud):
    """In a process of its own: gcsfs heeds its environment when it is imported."""
    cloud.put("zeros/c", b"")
    environment = {**os.environ, **cloud.environment}
    subprocess.run([sys.executable, "-c", GCSFS], env=environment, check=True, timeout=MINUTE)
    assert cloud.names() == ["zeros/a", "zeros/c"]
    assert cloud.read(f"{cloud.bucket}/zeros/a") == b"one"


def test_the_bucket_fails_on_demand(here):
    blob = storage.Client().bucket("bucket").blob("a")
    here.fault("storage:POST", "UNAVAILABLE")
    with pytest.raises(exceptions.ServiceUnavailable):
        blob.upload_from_string("x", retry=None)
    blob.upload_from_string("x")
    here.fault("storage:GET", "UNAVAILABLE")
    assert blob.download_as_bytes() == b"x"  # the library asks again


def test_an_upload_cut_short_leaves_nothing(here):
    host, port = here.environment["STORAGE_EMULATOR_HOST"].removeprefix("http://").split(":")
    head = "POST /upload/storage/v1/b/bucket/o?uploadType=media&name=cut HTTP/1.1\r\nHost: x\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\nhalf".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert here.names() == []
