"""What runs in processes of its own: jobs that must end, clients, the cloud itself."""

import json
import os
import subprocess
import sys

import psutil
import pytest
from google.api_core import exceptions

from tests.standins import Cloud, apart
from tests.standins.asking import (
    REPOSITORY,
    SLEEP,
    S,
    client_of,
    create,
    ended,
    failure,
    job,
    waited,
)


def members(group):
    """Processes of a group that still run; the dead wait for init to see them."""
    found = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except ProcessLookupError:
            continue
    return found


CHILD = "import os, subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {sleep!r}]);"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid());"


def test_processes_end_with_the_cloud(tmp_path):
    program = CHILD.format(sleep=SLEEP) + STUBBORN + "sys.stdout.flush();" + SLEEP
    with Cloud(tmp_path, entry=[sys.executable], cwd=REPOSITORY) as cloud:
        name = create(client_of(cloud.endpoint), program)
        pid = int(waited(lambda: cloud.log(name)))
        assert len(members(pid)) == 2
    waited(lambda: not members(pid))


def test_a_cloud_apart_survives_its_clients_and_obeys(tmp_path):
    with apart(tmp_path, [sys.executable], REPOSITORY) as remote:
        client = client_of(remote.endpoint)
        remote.fault("CreateCustomJob", "LOST")
        with pytest.raises(exceptions.ServiceUnavailable):
            create(client, "print('hello')")
        (kept,) = remote.jobs()
        assert ended(client, kept.name).state == S.JOB_STATE_SUCCEEDED
        assert remote.log(kept.name) == "hello\n"
        assert remote.calls[0] == "CreateCustomJob"
        remote.put("a/b", b"\x00\xff")
        assert (remote.read("a/b"), remote.read("a"), remote.names()) == (
            b"\x00\xff",
            None,
            ["a/b"],
        )
        remote.set_quota({"NVIDIA_L4": 0}, "fail")
        assert failure(client, create(client, "", gpu=True))[0] == 8
        sleeping = create(client, "import os; print(os.getpid(), flush=True);" + SLEEP)
        pid = int(waited(lambda: remote.log(sleeping)))
    waited(lambda: not members(pid))


PRODUCTION = """
import json, sys, time
from google.cloud import aiplatform, aiplatform_v1 as v1
endpoint, job = sys.argv[1], json.loads(sys.argv[2])
client = v1.JobServiceClient(client_options={"api_endpoint": endpoint})
name = client.create_custom_job(parent="projects/p/locations/us-central1", custom_job=job).name
while client.get_custom_job(name=name).state != v1.JobState.JOB_STATE_SUCCEEDED:
    time.sleep(0.02)
aiplatform.init(project="p", location="us-central1", api_endpoint=endpoint,
                experiment="e", experiment_tensorboard=False)
with aiplatform.start_run("r"):
    aiplatform.log_params({"a": 1})
    aiplatform.log_metrics({"m": 2.0})
aiplatform.start_run("r", resume=True)
aiplatform.log_metrics({"m": 3.0})
aiplatform.end_run()
run = aiplatform.ExperimentRun("r", "e")
print(json.dumps([run.get_params(), run.get_metrics()]))
"""


def test_the_path_of_production_with_tls_and_a_service_account(cloud):
    """No option of the client differs from production but the address."""
    with cloud.tls() as (endpoint, environment):
        done = subprocess.run(
            [sys.executable, "-c", PRODUCTION, endpoint, json.dumps(job("print(1)"))],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [{"a": 1}, {"m": 3.0}]
    assert "CreateCustomJob" in cloud.calls
