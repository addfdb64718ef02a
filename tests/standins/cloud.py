"""The cloud of the tests: everything started together, ended together."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from google.cloud import aiplatform_v1 as v1

from tests.standins import control, serve
from tests.standins.identity import certificate, write_service_account
from tests.standins.jobs import JobService
from tests.standins.metadata import MetadataService
from tests.standins.platform import Platform
from tests.standins.replicas import Image
from tests.standins.storage import Bucket
from tests.standins.tensorboard import TensorboardService
from tests.standins.trouble import QUOTA_MODES, Trouble

REPOSITORY_OF_IMAGE = "us-central1-docker.pkg.dev/p/r/zeta"


class Cloud:
    """Vertex AI and a bucket on loopback.

    with Cloud(tmp_path, entry=[sys.executable, "run.py"], cwd=REPOSITORY) as cloud: …

    A job runs `entry` and its arguments in a folder of its own that shows what `cwd` holds, with
    an environment of its own; `environment` adds to it.
    """

    image = f"{REPOSITORY_OF_IMAGE}@sha256:{'5' * 64}"

    def __init__(
        self,
        root: Path,
        entry: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str] | None = None,
        grace: float = 10.0,
    ):
        self.trouble = Trouble(grace=grace)
        self._root = Path(root) / "cloud"
        self._entry = list(entry)
        self._cwd = Path(cwd).resolve()
        self._added = dict(environment or {})
        self._open = ExitStack()
        self._service = JobService(self._root / "jobs", self._image, self.trouble)
        services = [self._service, MetadataService(), TensorboardService()]
        self._platform = Platform(services)

    def __enter__(self) -> Self:
        self._root.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            self._bucket = Bucket(self._platform.faults)
            opened.callback(self._bucket.close)
            self.endpoint = opened.enter_context(serve.rest(self._platform, self._control))
            opened.callback(self._service.close)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @property
    def bucket(self) -> str:
        """The address of the bucket, gs://…"""
        return f"gs://{self._bucket.name}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find the bucket instead of Google's."""
        return {
            "STORAGE_EMULATOR_HOST": self._bucket.host,
            # else gcsfs first asks a gRPC service for the layout of the bucket, for a minute
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
            "FSSPEC_GS_TOKEN": "anon",
            "FSSPEC_GCS_TOKEN": "anon",
            "GOOGLE_CLOUD_PROJECT": "p",
            # nobody's own account
            "NO_GCE_CHECK": "true",
            "CLOUDSDK_CONFIG": str(self._root / "gcloud"),
        }

    @property
    def calls(self) -> list[str]:
        """The procedures that clients have called, in order; `clear()` forgets them."""
        return self._platform.calls

    @property
    def quota(self) -> dict[str, int]:
        """How many accelerators of a kind may be in use at once; a kind left out: any number."""
        return self.trouble.quota

    @quota.setter
    def quota(self, quota: Mapping[str, int]) -> None:
        self.trouble.quota = dict(quota)

    @property
    def quota_mode(self) -> str:
        """What happens beyond the quota: "queue", "refuse" (429) or "fail" (FAILED, code 8)."""
        return self.trouble.quota_mode

    @quota_mode.setter
    def quota_mode(self, mode: str) -> None:
        if mode not in QUOTA_MODES:
            raise ValueError(f"quota_mode {mode!r} is none of {QUOTA_MODES}")
        self.trouble.quota_mode = mode

    def set_quota(self, quota: Mapping[str, int], mode: str = "queue") -> None:
        """Both of the above."""
        self.quota, self.quota_mode = dict(quota), mode

    def jobs(self) -> list[v1.CustomJob]:
        """Copies of all jobs, oldest first."""
        return self._service.jobs()

    def fault(self, method: str, code: str, times: int = 1, message: str = "") -> None:
        """Fail the next calls of a method ("*": of any) with a name of `google.rpc.Code`.

        "LOST": the work is done and the answer is 503; "DROPPED": it is done and the connection
        ends. The bucket's methods are "storage:GET", "storage:POST", … and know only names.
        """
        self._platform.faults.add(method, code, times, message)

    def stock_outs(self, count: int) -> None:
        """Let the next `count` jobs find no machine: FAILED, code 8."""
        self.trouble.stock_outs = count

    def late_errors(self, seconds: float) -> None:
        """Let the text of an error appear this long after the state FAILED."""
        self.trouble.late_errors = seconds

    def preempt(self, name: str, replica: int | None = None) -> int:
        """Take away the machines of a job, or of one replica: they start again in the same job.

        SIGTERM now, SIGKILL after `grace` seconds, then a new process on an empty disk. Returns
        how many processes were there to be taken: 0 for a job that waits or is over.
        """
        return self._service.execution(name).preempt(replica)

    def log(self, name: str) -> str:
        """What the processes of a job have written."""
        return self._service.execution(name).log()

    def read(self, path: str) -> bytes | None:
        """An object of the bucket, None where there is none; a whole address will do too."""
        return self._bucket.read(path.removeprefix(f"{self.bucket}/"))

    def put(self, path: str, data: bytes) -> None:
        """Write an object of the bucket."""
        self._bucket.write(path.removeprefix(f"{self.bucket}/"), data)

    def names(self, prefix: str = "") -> list[str]:
        """The objects of the bucket below a prefix."""
        return self._bucket.names(prefix.removeprefix(f"{self.bucket}/"))

    @contextmanager
    def tls(self) -> Iterator[tuple[str, dict[str, str]]]:
        """gRPC with TLS: the endpoint localhost:PORT, and the environment of a client.

        It names a service-account file and the root of TLS, so that the client's code is that of
        production.
        """
        identity = certificate()
        roots = self._root / "roots.pem"
        roots.write_bytes(identity.chain)
        account = self._root / "service-account.json"
        write_service_account(account)
        environment = self.environment | {
            "GOOGLE_APPLICATION_CREDENTIALS": str(account),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots),
        }
        with serve.grpc_with_tls(self._platform, identity) as endpoint:
            yield endpoint, environment

    def _image(self, uri: str) -> Image | None:
        if uri.partition("@")[0].partition(":")[0] != REPOSITORY_OF_IMAGE:
            return None
        return Image(self._entry, self._cwd, self.environment | self._added)

    def _control(self, verb: str, arguments: dict[str, Any]) -> Any:
        return control.answer(self, verb, arguments)
