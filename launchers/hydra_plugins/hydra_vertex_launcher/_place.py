"""Where commands look for jobs: the project, region and bucket that hydra/launcher=vertex uses."""

import argparse
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zeta_exp.errors import UserError

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import JobServiceClient

SETTINGS = Path("conf/hydra/launcher/vertex.yaml")  # from the directory of run.py
REGION = "us-central1"
VARIABLES = {  # asked where neither an option nor the file says
    "project": ("GOOGLE_CLOUD_PROJECT",),
    "region": ("GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION"),
    "bucket": ("ZETA_BUCKET",),
    "image": ("ZETA_IMAGE",),
    "endpoint": ("ZETA_VERTEX_ENDPOINT",),
}
_HELP = {
    "project": ("ID", "id of the Google Cloud project"),
    "region": ("REGION", f"of Vertex AI (default {REGION})"),
    "bucket": ("GS", "gs://bucket or gs://bucket/folder of the results"),
    "image": ("NAME", "the image, …@sha256:…"),
    "endpoint": ("URL", "another address of Vertex AI, for tests"),
}
LOG_IN = "run `gcloud auth application-default login`"
_SAID = 200  # characters of another library's error
_BUCKET = re.compile(r"gs://[^/]+(/.*)?")


@dataclass(frozen=True)
class Place:
    """What was given, None where nobody said."""

    project: str | None
    region: str
    bucket: str | None
    image: str | None
    endpoint: str | None

    @property
    def parent(self) -> str:
        """The resource that jobs belong to; raises `UserError` without a project."""
        return f"projects/{self.need('project')}/locations/{self.region}"

    def need(self, key: str) -> str:
        """The value; raises `UserError` where there is none."""
        value = getattr(self, key)
        if not value:
            raise UserError(
                f"no {key} is given: use --{key}, set {VARIABLES[key][0]}, or store it in "
                f"{SETTINGS}"
            )
        if key == "bucket" and not _BUCKET.fullmatch(value):
            raise UserError(f"--bucket {value} is no bucket: give gs://NAME or gs://NAME/FOLDER")
        return str(value)

    def client(self) -> "JobServiceClient":
        """A client of the jobs; raises `UserError` without Google's libraries or an account."""
        with explained():
            from ._service import make_client  # the one place that knows how to reach Vertex AI
            from .config import VertexConf

            return make_client(
                VertexConf(project=self.project or "", region=self.region, endpoint=self.endpoint)
            )


def add_options(parser: argparse.ArgumentParser, *keys: str) -> None:
    """The options of these keys; what is left out comes from the file or the environment."""
    group = parser.add_argument_group(
        "where", f"What is left out is read from {SETTINGS}, then from the environment."
    )
    for key in keys:
        metavar, text = _HELP[key]
        group.add_argument(
            f"--{key}", metavar=metavar, help=f"{text}; {' or '.join(VARIABLES[key])}"
        )


def place_of(arguments: argparse.Namespace) -> Place:
    """The place that options, file and environment give together, in this order."""
    stored = _stored()

    def found(key: str) -> str | None:
        variables = [os.environ.get(name) for name in VARIABLES[key]]
        return next(
            filter(None, [getattr(arguments, key, None), stored.get(key), *variables]), None
        )

    return Place(
        project=found("project"),
        region=found("region") or REGION,
        bucket=found("bucket"),
        image=found("image"),
        endpoint=found("endpoint"),
    )


def _stored() -> dict[str, str]:
    """What the user has stored in the launcher's file, where it is."""
    if not SETTINGS.is_file():
        return {}
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError  # type: ignore[import-untyped]

    try:
        config = OmegaConf.load(SETTINGS)
        known = [key for key in VARIABLES if not OmegaConf.is_missing(config, key)]
        values: dict[str, Any] = {key: OmegaConf.select(config, key) for key in known}
    except (OmegaConfBaseException, YAMLError, OSError) as error:
        said = str(error).partition("\n")[0]
        raise UserError(f"{SETTINGS} can't be read ({said}): mend it") from None
    return {key: str(value) for key, value in values.items() if value is not None}


def need_libraries() -> None:
    """Raises `UserError` where Google's libraries are not installed."""
    try:
        from google.cloud import aiplatform_v1  # noqa: F401
        from google.cloud.storage import Client  # noqa: F401
    except ImportError:
        raise UserError(
            "Google's libraries are not installed: run pip install 'zeta_exp[gcp]'"
        ) from None


@contextmanager
def explained() -> Iterator[None]:
    """Inside, what Google's libraries raise becomes one sentence that says what to do."""
    need_libraries()
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from requests.exceptions import RequestException

    try:
        yield
    except auth.DefaultCredentialsError:
        raise UserError(f"no credentials for Google Cloud are found: {LOG_IN}") from None
    except auth.RefreshError:  # what it says may hold what was sent
        raise UserError(f"Google does not accept the credentials: {LOG_IN} again") from None
    except (api.PermissionDenied, api.Unauthenticated, api.Forbidden) as error:
        raise UserError(
            f"Google forbids it ({_said(error)}): `zeta doctor --vertex` says what is missing"
        ) from None
    except api.NotFound as error:
        raise UserError(
            f"Google does not know it ({_said(error)}): check the name, --project and --region"
        ) from None
    except api.BadRequest as error:
        raise UserError(f"Google refuses it ({_said(error)}): check what was asked for") from None
    except (api.GoogleAPIError, auth.GoogleAuthError, RequestException, ConnectionError) as error:
        raise UserError(
            f"Google gives no answer ({_said(error)}): check the network and --region, or try again"
        ) from None


def _said(error: Exception) -> str:
    """Google's words on one line, without what was sent: queries, or all that a network says."""
    words = " ".join(str(getattr(error, "message", "")).split())
    words = re.sub(r"\?\S+", "", words)
    return words[:_SAID] or type(error).__name__
