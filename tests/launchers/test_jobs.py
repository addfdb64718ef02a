"""zeta jobs, against the stand-in of Vertex AI and a bucket."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1 as v1

from tests.conftest import Outcome
from tests.standins import Cloud
from zeta_exp.cli import main

REPOSITORY = Path(__file__).parents[2]
PARENT = "projects/p/locations/us-central1"
PROGRAM = "import sys, time; time.sleep(60 * ('slow=true' in sys.argv))"
SECRET = "hunter2-of-the-user"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    entry = [sys.executable, "-c", PROGRAM]
    with Cloud(tmp_path_factory.mktemp("cloud"), entry=entry, cwd=REPOSITORY) as cloud:
        yield cloud


@pytest.fixture
def zeta(cloud, tmp_path, monkeypatch, capsys):
    """Calls zeta where the environment alone says where the jobs are."""
    monkeypatch.chdir(tmp_path)
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ZETA_VERTEX_ENDPOINT", cloud.endpoint)

    def call(*arguments):
        capsys.readouterr()
        code = main(list(arguments))
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def submit(cloud):
    """Creates a job as the launcher does; returns its name."""
    client = v1.JobServiceClient(
        transport="rest",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": cloud.endpoint},
    )

    def call(sweep, number, *overrides, labelled=True):
        labels = {"zeta-sweep": sweep, "zeta-number": str(number), "zeta-attempt": "1"}
        labels["zeta-key"] = f"{number:040x}"
        container = {
            "image_uri": cloud.image,
            "args": ["--config-name=config", *overrides, "hydra.mode=RUN", "+hydra.x.y=1"],
            "env": [{"name": "TOKEN", "value": SECRET}],
        }
        machine = {
            "machine_type": "g2-standard-8",
            "accelerator_type": "NVIDIA_L4",
            "accelerator_count": 1,
        }
        job = {
            "display_name": "job",
            "labels": labels if labelled else {},
            "job_spec": {
                "worker_pool_specs": [
                    {"machine_spec": machine, "replica_count": 1, "container_spec": container}
                ],
                "base_output_directory": {"output_uri_prefix": f"{cloud.bucket}/runs/{number}/1"},
            },
        }
        return client.create_custom_job(parent=PARENT, custom_job=job).name

    return call


def settle(cloud, name, state="SUCCEEDED"):
    """Waits until the stand-in says so."""
    wanted = v1.JobState[f"JOB_STATE_{state}"]
    for _ in range(400):
        if next(job for job in cloud.jobs() if job.name == name).state == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{name} is not {state}")


def test_the_jobs_of_a_sweep_are_listed_and_no_others(zeta, cloud, submit):
    mine = [submit("alpha", number, f"seed={number}", "hardware=l4") for number in (0, 1)]
    submit("beta", 2, "seed=2")
    foreign = submit("alpha", 3, labelled=False)
    for name in mine:
        settle(cloud, name)
    listed = zeta("jobs", "list", "--sweep", "alpha")
    rows = listed.out.splitlines()
    assert listed.code == 0
    assert [row.split()[0] for row in rows[1:]] == [name.split("/")[-1] for name in mine[::-1]]
    assert rows[1].endswith("seed=1 hardware=l4")
    assert "succeeded" in rows[1]
    everything = zeta("jobs", "list").out
    assert "beta" in everything
    assert foreign.split("/")[-1] not in everything


def test_no_job_is_no_error(zeta):
    listed = zeta("jobs", "list", "--sweep", "nobody")
    assert (listed.code, listed.out) == (0, "no job of sweep nobody is there\n")


def test_a_job_is_shown_with_its_result_and_without_values_of_its_environment(zeta, cloud, submit):
    name = submit("gamma", 7, "seed=7")
    result = {"status": "completed", "return_value": 0.0123456789}
    cloud.put("runs/7/1/result.json", json.dumps(result).encode())
    settle(cloud, name)
    for given in (name, name.split("/")[-1]):
        shown = zeta("jobs", "show", given)
        assert shown.code == 0, shown.err
        facts = dict(line.split(None, 1) for line in shown.out.splitlines())
        assert facts["name"] == name
        assert facts["state"] == "succeeded"
        assert facts["overrides"] == "seed=7"
        assert facts["machine"] == "g2-standard-8, 1 × NVIDIA_L4"
        assert facts["result"] == "completed, objective 0.0123457"
        assert facts["environment"] == "TOKEN"
        assert SECRET not in shown.out


def test_the_log_ends_with_the_lines_asked_for(zeta, cloud, submit):
    name = submit("delta", 8)
    assert "stream-logs" in zeta("jobs", "logs", name).refused()
    cloud.put("runs/8/1/run.log", b"")
    assert "stream-logs" in zeta("jobs", "logs", name).refused()
    cloud.put("runs/8/1/run.log", b"".join(b"line %d\n" % n for n in range(100)))
    assert zeta("jobs", "logs", name).out.splitlines()[0] == "line 60"
    assert zeta("jobs", "logs", name, "--lines", "2").out == "line 98\nline 99\n"
    assert "--lines 0" in zeta("jobs", "logs", name, "--lines", "0").refused()


def test_what_runs_is_stopped_and_what_has_ended_is_left(zeta, cloud, submit):
    ended = submit("epsilon", 10)
    running = [submit("epsilon", number, "slow=true") for number in (11, 12)]
    settle(cloud, ended)
    for name in running:
        settle(cloud, name, "RUNNING")
    one = zeta("jobs", "cancel", running[0], ended)
    assert one.code == 0, one.err
    assert one.out.splitlines()[0].endswith("asked to stop")
    assert one.out.splitlines()[1].endswith("has ended before (succeeded)")
    settle(cloud, running[0], "CANCELLED")
    rest = zeta("jobs", "cancel", "--sweep", "epsilon")
    assert rest.out == f"{running[1].split('/')[-1]}: asked to stop\n"
    settle(cloud, running[1], "CANCELLED")
    nothing = zeta("jobs", "cancel", "--sweep", "epsilon")
    assert nothing.out == "no job of sweep epsilon is left to stop\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "99999"], "check the name"),
        (["show", "seed=1"], "is no job"),
        (["cancel"], "cancel what?"),
        (["cancel", "1", "--sweep", "alpha"], "cancel what?"),
        (["list", "--sweep", "a b"], "no id of a sweep"),
        (["list", "--endpoint", "http://127.0.0.1:9"], "check the network"),
        (["list", "--swep", "x"], "zeta --help"),
        ([], "zeta jobs --help"),
    ],
)
def test_a_mistake_is_one_sentence(zeta, arguments, words):
    assert words in zeta("jobs", *arguments).refused()


def test_a_forbidden_project_leads_to_the_doctor(zeta, cloud):
    cloud.fault("ListCustomJobs", "PERMISSION_DENIED")
    assert "zeta doctor --vertex" in zeta("jobs", "list").refused()


def test_a_service_that_stumbles_once_is_asked_again(zeta, cloud):
    cloud.fault("ListCustomJobs", "UNAVAILABLE")
    assert zeta("jobs", "list").code == 0


def test_the_project_comes_from_option_file_and_environment_in_this_order(
    zeta, tmp_path, monkeypatch
):
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "of-the-environment")
    assert "of-the-environment" in zeta("jobs", "show", "1").refused()
    settings = tmp_path / "conf/hydra/launcher/vertex.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("defaults: [vertex_schema]\nproject: ???\nbucket: gs://b\n")
    assert "of-the-environment" in zeta("jobs", "show", "1").refused()
    settings.write_text("defaults: [vertex_schema]\nproject: of-the-file\n")
    assert "of-the-file" in zeta("jobs", "show", "1").refused()
    assert "of-the-option" in zeta("jobs", "show", "1", "--project", "of-the-option").refused()
    settings.write_text("project: [")
    assert "can't be read" in zeta("jobs", "show", "1").refused()


def test_without_a_project_there_is_one_sentence(zeta, monkeypatch):
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    assert "--project" in zeta("jobs", "list").refused()


@pytest.mark.parametrize("arguments", [["jobs", "list"], ["jobs", "--help"], ["zeros", "--help"]])
def test_without_googles_libraries_all_else_works(arguments, tmp_path):
    absent = "import sys; sys.modules.update({'google.cloud': None, 'google.api_core': None}); "
    program = f"{absent}from zeta_exp.cli import main; sys.exit(main())"
    place = ["--project=p"] if "list" in arguments else []
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments, *place],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if "list" in arguments:
        assert "zeta_exp[gcp]" in Outcome(done.returncode, done.stdout, done.stderr).refused()
    else:
        assert done.returncode == 0, done.stderr
