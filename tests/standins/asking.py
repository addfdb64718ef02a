"""Asks the stand-in for jobs through the true SDK."""

import time
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1 as v1

from tests.standins.cloud import Cloud

REPOSITORY = Path(__file__).parents[2]
PARENT = "projects/p/locations/us-central1"
S = v1.JobState
OVER = (S.JOB_STATE_SUCCEEDED, S.JOB_STATE_FAILED, S.JOB_STATE_CANCELLED)
SLEEP = "import time; time.sleep(60)"
MINUTE = 60.0


def client_of(endpoint):
    return v1.JobServiceClient(
        transport="rest",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": endpoint},
    )


def job(program, image=Cloud.image, gpu=False, pools=(1,), **fields):
    """A custom job that runs a Python program."""
    machine = {"machine_type": "e2-standard-8"}
    if gpu:
        machine = {"machine_type": "g2-standard-8", "accelerator_count": 1}
        machine["accelerator_type"] = "NVIDIA_L4"
    container = {"image_uri": image, "args": ["-c", program]}
    pool = {"machine_spec": machine, "container_spec": container}
    scheduling = fields.pop("scheduling", {})
    spec = {
        "worker_pool_specs": [{**pool, "replica_count": count} for count in pools],
        "base_output_directory": {"output_uri_prefix": "gs://bucket/runs/a/1"},
        "scheduling": scheduling,
    }
    return {"display_name": "a job", "job_spec": spec, **fields}


def create(client, *arguments, **fields):
    return client.create_custom_job(parent=PARENT, custom_job=job(*arguments, **fields)).name


def waited(look, limit=MINUTE):
    """What `look` returns once it is true."""
    end = time.monotonic() + limit
    while not (found := look()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)
    return found


def state(client, name):
    return client.get_custom_job(name=name).state


def ended(client, name):
    waited(lambda: state(client, name) in OVER)
    return client.get_custom_job(name=name)


def failure(client, name):
    """Code and text of the job's error."""
    over = ended(client, name)
    assert over.state == S.JOB_STATE_FAILED
    return over.error.code, over.error.message
