"""`zeta doctor --vertex`: what a job would fail for, found before a machine is rented."""

import argparse
import os
import re
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from zeta_exp.errors import UserError

from ._place import Place, explained, place_of
from ._place import add_options as add_place_options

SUMMARY = "also: credentials, bucket, image and quotas of Vertex AI"
QUOTAS = {  # metrics of aiplatform.googleapis.com, by hardware
    "a100": "nvidia_a100_80gb_gpus",
    "l4": "nvidia_l4_gpus",
    "h100": "nvidia_h100_gpus",
}
_METRIC = "aiplatform.googleapis.com/custom_model_training_"
_SPOT = "preemptible_"  # of the metrics that SPOT and FLEX_START draw on
# What gcloud too reads to reach another address than Google's.
_REGISTRY = ("ARTIFACTREGISTRY", "https://artifactregistry.googleapis.com")
_CLOUD_QUOTAS = ("CLOUDQUOTAS", "https://cloudquotas.googleapis.com")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_IMAGE = re.compile(
    r"([a-z0-9-]+)-docker\.pkg\.dev/([^/@]+)/([^/@]+)/([^@]+)@(sha256:[0-9a-f]{64})"
)
_SECONDS = 20
Answer = tuple[bool, str]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that `check` reads."""
    parser.add_argument(
        "--hardware",
        default="a100,l4",
        metavar="NAMES",
        help=f"whose quotas to look at, of {', '.join(QUOTAS)} (default a100,l4)",
    )
    add_place_options(parser, "project", "region", "bucket", "image", "endpoint")


def check(arguments: argparse.Namespace) -> Iterator[Answer]:
    """Whether each thing is as a job needs it, and what to do where it is not."""
    place, hardware = place_of(arguments), _hardware(arguments.hardware)
    if problem := _missing(place):
        yield False, problem
        return
    yield True, f"project {place.project}, region {place.region}"
    for look in (_credentials, _service, _bucket, _image):
        yield _answer(look, place)
    try:
        limits = _limits(place)
    except UserError as error:
        yield False, f"quotas: {error}"
        return
    for name in hardware:
        yield _quota(name, limits, place)


def _hardware(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in QUOTAS]:
        raise UserError(f"--hardware {unknown[0]} is unknown; known: {', '.join(QUOTAS)}")
    return names


def _missing(place: Place) -> str | None:
    """The sentence about what nothing can be looked at without."""
    try:
        with explained():
            place.need("project")
    except UserError as error:
        return str(error)
    return None


def _answer(look: Any, place: Place) -> Answer:
    """What a look finds; its errors are problems."""
    title = look.__name__.lstrip("_")
    try:
        with explained():
            return look(place)
    except UserError as error:
        return False, f"{title}: {error}"


def _credentials(place: Place) -> Answer:
    if _of_a_test(place):
        return True, f"credentials: none needed for {place.endpoint}"
    from google.auth.transport.requests import Request

    credentials = _account()
    credentials.refresh(Request())
    who = getattr(credentials, "service_account_email", None) or "your own account"
    return True, f"credentials: {who}"


def _service(place: Place) -> Answer:
    """Whether Vertex AI answers: jobs can be listed."""
    request = {"parent": place.parent, "page_size": 1}
    next(iter(place.client().list_custom_jobs(request=request, timeout=_SECONDS)), None)
    return True, "Vertex AI answers, and jobs can be listed"


def _bucket(place: Place) -> Answer:
    """Whether a small object can be written, read and removed."""
    from google.api_core import exceptions as api

    address = place.need("bucket")
    name, _, prefix = address.removeprefix("gs://").partition("/")
    bucket = _storage(place).bucket(name)
    blob = bucket.blob("/".join(filter(None, [prefix.rstrip("/"), f".{secrets.token_hex(8)}"])))
    try:
        blob.upload_from_string(b"zeta doctor", timeout=_SECONDS)
        blob.delete(timeout=_SECONDS)
    except api.NotFound:
        return False, (
            f"bucket {address} does not exist: run `gcloud storage buckets create gs://{name} "
            f"--location={place.region}`"
        )
    except api.Forbidden:
        return False, (
            f"bucket {address} can't be written: give your account roles/storage.objectUser on it"
        )
    return True, f"bucket {address} can be written"


def _image(place: Place) -> Answer:
    """Whether Artifact Registry has the image."""
    image = place.need("image")
    match = _IMAGE.fullmatch(image)
    if match is None:
        return False, (
            f"image {image} is not REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME@sha256:…: give "
            "the line that docker/cloudbuild.yaml prints"
        )
    region, project, repository, name, digest = match.groups()
    url = (
        f"/v1/projects/{project}/locations/{region}/repositories/{repository}"
        f"/dockerImages/{quote(name, safe='')}@{digest}"
    )
    status, found = _get(place, _REGISTRY, url)
    if status == 404:
        return False, f"image {image} does not exist: build it with docker/cloudbuild.yaml"
    if status != 200:
        return False, (
            f"image {image} can't be looked up ({status}): enable artifactregistry.googleapis.com "
            "and give your account roles/artifactregistry.reader"
        )
    size = int(found.get("imageSizeBytes", 0)) / 1e9
    return True, f"image {name}@{digest[:19]}… is there ({size:.1f} GB)"


def _limits(place: Place) -> dict[str, int]:
    """GPUs at once in the region by metric, -1 for any number; raises `UserError`."""
    url = (
        f"/v1/projects/{place.project}/locations/global/services/aiplatform.googleapis.com/"
        "quotaInfos?pageSize=500"
    )
    limits: dict[str, int] = {}
    token = ""
    while True:
        with explained():
            status, found = _get(place, _CLOUD_QUOTAS, url + (token and f"&pageToken={token}"))
        if status != 200:
            raise UserError(
                f"they can't be read ({status}): enable cloudquotas.googleapis.com and give your "
                "account roles/cloudquotas.viewer"
            )
        for quota in found.get("quotaInfos", []):
            if str(quota.get("metric", "")).startswith(_METRIC):
                limits[quota["metric"]] = _limit(quota, place.region)
        token = quote(found.get("nextPageToken", ""), safe="")
        if not token:
            return limits


def _limit(quota: dict[str, Any], region: str) -> int:
    """The value that holds in a region: its own, else that of all."""
    values = quota.get("dimensionsInfos", [])
    own = [value for value in values if value.get("dimensions", {}).get("region") == region]
    common = [
        value
        for value in values
        if not value.get("dimensions") and region in value.get("applicableLocations", [region])
    ]
    chosen: dict[str, Any] = next(iter(own + common), {})
    return int(chosen.get("details", {}).get("value", 0))


def _quota(name: str, limits: dict[str, int], place: Place) -> Answer:
    """GPUs of a kind that may be used at once."""
    metric = QUOTAS[name]
    standard = limits.get(f"{_METRIC}{metric}", 0)
    spot = limits.get(f"{_METRIC}{_SPOT}{metric}", 0)
    text = f"quota of hardware={name}: {_many(standard)} at once, {_many(spot)} with SPOT"
    if standard or spot:
        return True, text
    return False, (
        f"{text}: ask for {_METRIC}{metric} in {place.region} (IAM & Admin, Quotas), or leave it "
        "out with --hardware"
    )


def _many(limit: int) -> str:
    return "any number" if limit < 0 else str(limit)


def _get(place: Place, service: tuple[str, str], path: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of an address of Google's; its words are left out, as is the account."""
    import requests
    from google.auth.transport.requests import AuthorizedSession

    name, google = service
    base = os.environ.get(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}", google).rstrip("/")
    if base.startswith("https://"):  # a token goes nowhere else
        session: Any = AuthorizedSession(_account())
        session.headers["x-goog-user-project"] = place.project
    else:
        session = requests.Session()
    with session:
        answer = session.get(base + path, timeout=_SECONDS)
    return answer.status_code, answer.json() if answer.status_code == 200 else {}


def _account() -> Any:
    import google.auth

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return credentials


def _storage(place: Place) -> Any:
    """A client of the bucket; an emulator asks for no account."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return Client(project=place.project, credentials=AnonymousCredentials())
    return Client(project=place.project)


def _of_a_test(place: Place) -> bool:
    return (place.endpoint or "").startswith("http://")
