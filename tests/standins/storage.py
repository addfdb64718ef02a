"""Cloud Storage: gcp-storage-emulator behind a threaded server, with preconditions and faults."""

import io
import json
import logging
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

from tests.standins.rpc import HTTP_STATUS
from tests.standins.trouble import Faults

BUCKET = "bucket"
POLL = 0.02  # seconds between two looks whether to end
BOUNDARY = "the-parts-of-an-upload"


class PreconditionError(Exception):
    """The object's generation is not the one that the request asked for."""


class _Objects(Storage):
    """The emulator's store, which also heeds ifGenerationMatch of the request at hand."""

    def __init__(self) -> None:
        super().__init__(use_memory_fs=True)
        self.wanted_generation: str | None = None

    def create_file(self, bucket_name: str, file_name: str, *arguments: Any) -> None:
        """Write an object whole; generation 0 asks that there be none yet."""
        if self.wanted_generation is not None:
            found = self.objects.get(bucket_name, {}).get(file_name, {}).get("generation", "0")
            if str(found) != self.wanted_generation:
                raise PreconditionError
        super().create_file(bucket_name, file_name, *arguments)


class _Handler(RequestHandler):
    """The emulator's handler, one request at a time, failed on demand."""

    def __init__(self, lock: threading.Lock, faults: Faults, storage: _Objects, *arguments: Any):
        self._lock = lock
        self._faults = faults
        super().__init__(storage, *arguments)

    def do_GET(self) -> None:
        self._answer(super().do_GET)

    def do_POST(self) -> None:
        self._answer(super().do_POST)

    def do_PUT(self) -> None:
        self._answer(super().do_PUT)

    def do_PATCH(self) -> None:
        self._answer(super().do_PATCH)

    def do_DELETE(self) -> None:
        self._answer(super().do_DELETE)

    def _answer(self, inherited: Any) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client has died: the object must not appear cut short
            return
        if length:
            self.rfile = io.BytesIO(body)
        fault = self._faults.take(f"storage:{self.command}")
        if fault:
            return self._refuse(HTTP_STATUS[fault.code], fault.message)
        query = parse_qs(urlsplit(self.path).query)
        with self._lock:
            self.storage.wanted_generation = query.get("ifGenerationMatch", [None])[0]
            try:
                inherited()
            except PreconditionError:
                self._refuse(412, "At least one of the pre-conditions you specified did not hold.")

    def _refuse(self, status: int, message: str) -> None:
        data = json.dumps({"error": {"code": status, "message": message}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    """One whose clients may be killed at any moment."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Bucket:
    """A bucket on loopback, in memory."""

    def __init__(self, faults: Faults, name: str = BUCKET):
        for noisy in ("gcp_storage_emulator", "api"):  # each 404 would be an error in the log
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        self.name = name
        self._lock = threading.Lock()
        self._objects = _Objects()
        kept = buckets.create_bucket(name, self._objects)
        kept["softDeletePolicy"]["retentionDurationSeconds"] = "0"  # each version stays in memory
        handler = partial(_Handler, self._lock, faults, self._objects)
        self._server = _Server(("127.0.0.1", 0), handler)
        self.host = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL,), daemon=True
        )
        self._thread.start()

    def read(self, path: str) -> bytes | None:
        """An object, None where there is none."""
        with self._lock:
            try:
                return bytes(self._objects.get_file(self.name, path, show_error=False))
            except NotFound:
                return None

    def write(self, path: str, data: bytes) -> None:
        """Upload an object, as a client does."""
        head = json.dumps({"name": path}).encode()
        parts = [(b"application/json", head), (b"application/octet-stream", data)]
        edge = b"--" + BOUNDARY.encode()
        lines = [b"%b\r\nContent-Type: %b\r\n\r\n%b\r\n" % (edge, *part) for part in parts]
        upload = Request(
            f"{self.host}/upload/storage/v1/b/{self.name}/o?uploadType=multipart",
            data=b"".join([*lines, edge, b"--"]),
            headers={"Content-Type": f"multipart/related; boundary={BOUNDARY}"},
        )
        with urlopen(upload) as answer:
            answer.read()

    def names(self, prefix: str = "") -> list[str]:
        """The objects below a prefix."""
        with self._lock:
            return sorted(
                n for n in self._objects.objects.get(self.name, {}) if n.startswith(prefix)
            )

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
