"""zeta doctor: this machine, and Vertex AI through stand-ins of the services it asks."""

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import Outcome
from tests.standins import Cloud
from zeta_exp.cli import main

REPOSITORY = Path(__file__).parents[2]
METRIC = "aiplatform.googleapis.com/custom_model_training_"


def quota(metric, **of_regions):
    """A QuotaInfo: values by region, `_` for that of all others."""
    infos = []
    for region, value in of_regions.items():
        own = {"dimensions": {"region": region.replace("_", "-")}} if region != "_" else {}
        infos.append({**own, "details": {"value": str(value)}})
    return {"metric": METRIC + metric, "dimensionsInfos": infos}


@contextmanager
def served(pages, images, status=200):
    """Artifact Registry with these images and Cloud Quotas with these pages, on loopback."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, dict(self.headers)))
            address = urlsplit(self.path)
            if "/quotaInfos" in address.path:
                page = int(parse_qs(address.query).get("pageToken", ["0"])[0])
                more = {"nextPageToken": str(page + 1)} if page + 1 < len(pages) else {}
                self.say(status, {"quotaInfos": pages[page], **more})
            elif any(address.path.endswith(image) for image in images):
                self.say(200, {"imageSizeBytes": "9000000000"})
            else:
                self.say(404, {"error": {"message": "no"}})

        def do_POST(self):  # for a token
            said = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.say(400, {"error": "invalid_grant", "error_description": said})

        def say(self, code, content):
            body = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with Cloud(tmp_path_factory.mktemp("cloud"), entry=[sys.executable], cwd=REPOSITORY) as cloud:
        yield cloud


@pytest.fixture
def zeta(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        capsys.readouterr()
        code = main(list(arguments))
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def vertex(zeta, cloud, monkeypatch):
    """Calls zeta doctor --vertex with the stand-ins; what it says of Vertex AI, as lines."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)

    def call(*arguments, pages=None, images=None, status=200, **places):
        every = [quota("nvidia_l4_gpus", us_central1=8)], [quota("nvidia_a100_80gb_gpus", _=1)]
        known = [f"zeta@{cloud.image.partition('@')[2]}"] if images is None else images
        place = {
            "endpoint": cloud.endpoint,
            "bucket": cloud.bucket,
            "image": cloud.image,
            "project": "p",
        } | places
        options = [f"--{key}={value}" for key, value in place.items() if value]
        with served(every if pages is None else pages, known, status) as (address, seen):
            for service in ("ARTIFACTREGISTRY", "CLOUDQUOTAS"):
                monkeypatch.setenv(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service}", address)
            outcome = zeta("doctor", "--vertex", *options, *arguments)
        assert not any("authorization" in map(str.lower, headers) for _, headers in seen)
        return outcome, outcome.out.partition("\nvertex\n")[2].splitlines()

    return call


def problems(lines):
    return [line for line in lines if line.startswith("problem")]


def test_the_machine_is_described_and_nothing_else_is_asked(zeta):
    outcome = zeta("doctor")
    lines = outcome.out.splitlines()
    assert outcome.code == 0, outcome.out
    assert all(line.startswith("ok ") for line in lines[:-2])
    for what in ("python 3.", "torch 2.", "cores", "memory", "disk", "GPU", "extra gcp: installed"):
        assert any(what in line for line in lines), what
    assert lines[-1] == "all is well"


def test_all_is_well_where_everything_is_there(vertex, cloud):
    before = cloud.names()
    outcome, lines = vertex()
    assert outcome.code == 0, outcome.out
    assert problems(lines) == []
    for what in ("Vertex AI answers", cloud.bucket, "9.0 GB", "hardware=a100: 1", "hardware=l4: 8"):
        assert any(what in line for line in lines), what
    assert cloud.names() == before  # nothing is left behind
    assert {"CreateCustomJob"}.isdisjoint(cloud.calls)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({"bucket": "gs://nobodys"}, "gcloud storage buckets create gs://nobodys"),
        ({"bucket": "nobodys"}, "is no bucket"),
        ({"image": "zeta:latest"}, "docker/cloudbuild.yaml prints"),
        ({"images": []}, "does not exist: build it"),
        ({"status": 403}, "roles/cloudquotas.viewer"),
        ({"endpoint": "http://127.0.0.1:9"}, "check the network"),
    ],
)
def test_what_is_missing_is_one_problem_with_advice(vertex, places, words):
    outcome, lines = vertex(**places)
    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == "1 problem"
    assert words in problems(lines)[0]


def test_a_quota_of_zero_is_a_problem_of_who_wants_that_gpu(vertex):
    pages = [[quota("nvidia_l4_gpus", us_central1=0, europe_west4=5)]]
    _, lines = vertex(pages=pages)
    assert len(problems(lines)) == 2
    assert f"{METRIC}nvidia_l4_gpus in us-central1" in problems(lines)[1]
    assert vertex("--hardware=l4", "--region=europe-west4", pages=pages)[0].code == 0
    spot = [[quota("preemptible_nvidia_l4_gpus", us_central1=-1)]]
    lines = vertex("--hardware=l4", pages=spot)[1]
    assert any("0 at once, any number with SPOT" in line for line in lines)


def test_without_a_project_nothing_is_asked(vertex, monkeypatch):
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    outcome, lines = vertex(project=None)
    assert outcome.code == 1
    assert lines[0].startswith("problem  no project is given: use --project")


def test_an_unknown_gpu_is_refused(zeta):
    assert (
        "known: a100, l4, h100"
        in zeta("doctor", "--vertex", "--project=p", "--hardware=l5").refused()
    )


def test_credentials_that_fail_are_told_without_what_is_in_them(cloud, tmp_path):
    """The production path: an account whose tokens nobody gives, and an answer that echoes it."""
    with cloud.tls() as (endpoint, environment), served([[]], []) as (address, _):
        account = Path(environment["GOOGLE_APPLICATION_CREDENTIALS"])
        content = json.loads(account.read_text()) | {"token_uri": f"{address}/token"}
        account.write_text(json.dumps(content))
        environment |= {"PATH": "", "HOME": str(tmp_path), "CLOUDSDK_CONFIG": "none"}
        environment |= {"ZETA_BUCKET": cloud.bucket, "ZETA_IMAGE": cloud.image}
        for name in ("ARTIFACTREGISTRY", "CLOUDQUOTAS"):
            environment[f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}"] = address
        done = subprocess.run(
            [sys.executable, "-m", "zeta_exp.cli", "doctor", "--vertex", f"--endpoint={endpoint}"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "problem  credentials: Google does not accept the credentials" in said
    assert "ok       Vertex AI answers" in said
    assert "Traceback" not in said
    secrets = [line for line in content["private_key"].splitlines() if "KEY" not in line]
    assert len(secrets) > 5
    assert not any(secret in said for secret in [*secrets, "assertion"])
