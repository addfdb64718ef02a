"""The same handle on a cloud from another process, over HTTP."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from google.cloud import aiplatform_v1 as v1

from tests.standins.rpc import Refusal
from tests.standins.serve import CONTROL

if TYPE_CHECKING:
    from tests.standins.cloud import Cloud

PLAIN = ("fault", "stock_outs", "late_errors", "set_quota", "preempt", "log", "names")
REPOSITORY = Path(__file__).parents[2]


def answer(cloud: "Cloud", verb: str, arguments: dict[str, Any]) -> Any:
    """What the control channel of a cloud answers to a verb."""
    if verb in PLAIN:
        return getattr(cloud, verb)(**arguments)
    if verb == "jobs":
        return [v1.CustomJob.to_json(job) for job in cloud.jobs()]
    if verb == "calls":
        return list(cloud.calls)
    if verb == "read":
        data = cloud.read(**arguments)
        return None if data is None else base64.b64encode(data).decode()
    if verb == "put":
        return cloud.put(arguments["path"], base64.b64decode(arguments["data"]))
    raise Refusal("NOT_FOUND", f"no verb {verb}")


class Remote:
    """A cloud that runs in another process; see `Cloud` for what each method does."""

    def __init__(self, port_file: Path):
        start = json.loads(port_file.read_text())
        self.endpoint: str = start["endpoint"]
        self.bucket: str = start["bucket"]
        self.image: str = start["image"]
        self.environment: dict[str, str] = start["environment"]

    def _ask(self, verb: str, **arguments: Any) -> Any:
        data = json.dumps(arguments).encode()
        with urlopen(Request(f"{self.endpoint}{CONTROL}{verb}", data=data)) as reply:
            return json.load(reply)

    @property
    def calls(self) -> list[str]:
        return list(self._ask("calls"))

    def jobs(self) -> list[v1.CustomJob]:
        return [v1.CustomJob.from_json(job) for job in self._ask("jobs")]

    def fault(self, method: str, code: str, times: int = 1, message: str = "") -> None:
        self._ask("fault", method=method, code=code, times=times, message=message)

    def stock_outs(self, count: int) -> None:
        self._ask("stock_outs", count=count)

    def late_errors(self, seconds: float) -> None:
        self._ask("late_errors", seconds=seconds)

    def set_quota(self, quota: Mapping[str, int], mode: str = "queue") -> None:
        self._ask("set_quota", quota=dict(quota), mode=mode)

    def preempt(self, name: str, replica: int | None = None) -> int:
        return int(self._ask("preempt", name=name, replica=replica))

    def log(self, name: str) -> str:
        return str(self._ask("log", name=name))

    def names(self, prefix: str = "") -> list[str]:
        return list(self._ask("names", prefix=prefix))

    def read(self, path: str) -> bytes | None:
        data = self._ask("read", path=path)
        return None if data is None else base64.b64decode(data)

    def put(self, path: str, data: bytes) -> None:
        self._ask("put", path=path, data=base64.b64encode(data).decode())


@contextmanager
def apart(root: Path, entry: Sequence[str], cwd: Path) -> Iterator[Remote]:
    """A cloud in a process of its own, which ends with the context or with this process."""
    root.mkdir(parents=True, exist_ok=True)
    port_file = root / "cloud.json"
    command = [sys.executable, "-m", "tests.standins", "--port-file", str(port_file)]
    command += ["--root", str(root), "--cwd", str(cwd), "--", *entry]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        while not port_file.exists():
            if process.poll() is not None:
                raise RuntimeError(f"the stand-in ended with {process.returncode}")
            time.sleep(0.02)
        yield Remote(port_file)
    finally:
        process.terminate()
        process.wait()
