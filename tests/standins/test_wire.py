"""Routes, filters, pages and names, as the SDK uses them."""

import re
from datetime import UTC, datetime

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1 as v1

from tests.standins import filters, rpc, serve
from tests.standins.asking import PARENT, create

SERVICES = ("JobService", "MetadataService", "TensorboardService")


@pytest.mark.parametrize("service", SERVICES)
def test_every_procedure_of_the_sdk_has_a_route_of_its_own(service):
    routes = serve.routes(list(rpc.methods(service)))
    assert len({route.method.name for route in routes}) == len(rpc.methods(service)) > 25
    for route in routes:
        inner = re.sub(r"\{[\w.]+=([^}]*)\}", r"\1", route.rule.uri)
        path = inner.replace("**", "a/b").replace("*", "a")
        found = [r for r in routes if r.rule.verb == route.rule.verb and r.path.fullmatch(path)]
        assert found[0].method == route.method


class One:
    """What filters are tried on."""

    def field(self, name):
        known = {"state": "RUNNING", "labels.zeta-key": "ab", "labels.none": None}
        known |= {"display_name": "my job", "labels": {"zeta-key": "ab"}}
        return {**known, "create_time": datetime(2026, 5, 1, tzinfo=UTC)}[name]

    def function(self, name, argument):
        return {"in_context": argument == "c"}[name]


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("labels.zeta-key=ab", True),
        ('labels.zeta-key = "ab"', True),
        ('labels."zeta-key"=abc', False),
        ("labels.none=ab", False),
        ("labels.none:*", False),
        ("labels.zeta-key:*", True),
        ("labels:zeta-key", True),
        ('display_name:"my *"', True),
        ('display_name:"my"', False),
        ("NOT state=RUNNING", False),
        ("state!=RUNNING OR display_name:*", True),
        ("state=FAILED AND labels.zeta-key=ab OR state=RUNNING", False),  # OR binds tighter
        ("(state=FAILED AND labels.none=ab) OR state=RUNNING", True),
        ('create_time>"2026-04-30T00:00:00Z" AND create_time<="2026-05-01T00:00:00Z"', True),
        ('in_context("c") AND NOT in_context("d")', True),
    ],
)
def test_filters(text, passes):
    assert filters.parse(text)(One()) is passes


@pytest.mark.parametrize(
    "text",
    ["state", "state=", "=a", "(state=a", "state=a)", "nothing=a", "f(a)", 'create_time>"x"'],
)
def test_a_bad_filter_is_refused(text):
    with pytest.raises(rpc.Refusal, match="invalid list filter"):
        filters.parse(text)(One())


def test_lists_come_in_pages_newest_first(client):
    names = [create(client, "", labels={"even": str(1 - i % 2)}) for i in range(5)]
    request = {"parent": PARENT, "filter": "labels.even=1", "page_size": 2}
    pages = list(client.list_custom_jobs(request=request).pages)
    assert [[kept.name for kept in page.custom_jobs] for page in pages] == [
        [names[4], names[2]],
        [names[0]],
    ]
    with pytest.raises(exceptions.BadRequest):
        client.list_custom_jobs(request={"parent": PARENT, "filter": "name=x"})


def test_project_and_number_name_the_same_job(client):
    name = create(client, "")
    alias = name.replace("123456", "p")
    assert client.get_custom_job(name=alias).name == name != alias


def test_scalars_go_to_a_tensorboard_and_come_back(cloud):
    client = v1.TensorboardServiceClient(
        transport="rest",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": cloud.endpoint},
    )
    made = client.create_tensorboard(parent=PARENT, tensorboard={"display_name": "board"})
    board = made.result().name
    assert [kept.name for kept in client.list_tensorboards(parent=PARENT)] == [board]
    experiment = client.create_tensorboard_experiment(
        parent=board, tensorboard_experiment_id="e"
    ).name
    run = client.create_tensorboard_run(
        parent=experiment, tensorboard_run={"display_name": "r"}, tensorboard_run_id="r"
    ).name
    kind = v1.TensorboardTimeSeries.ValueType.SCALAR
    series = client.create_tensorboard_time_series(
        parent=run, tensorboard_time_series={"display_name": "loss", "value_type": kind}
    ).name
    points = [{"step": step, "scalar": {"value": 1 / (1 + step)}} for step in range(3)]
    data = {"tensorboard_time_series_id": series.rpartition("/")[2], "value_type": kind}
    client.write_tensorboard_run_data(
        tensorboard_run=run, time_series_data=[{**data, "values": points}]
    )
    request = {"tensorboard": board, "time_series": [series]}
    (read,) = client.batch_read_tensorboard_time_series_data(request=request).time_series_data
    assert [(point.step, point.scalar.value) for point in read.values] == [
        (0, 1),
        (1, 1 / 2),
        (2, 1 / 3),
    ]
    with pytest.raises(exceptions.Conflict):
        client.create_tensorboard_experiment(parent=board, tensorboard_experiment_id="e")
    with pytest.raises(exceptions.NotFound):
        client.get_tensorboard_run(name=f"{experiment}/runs/none")
