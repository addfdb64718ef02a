"""The leaderboard of Vertex AI Experiments is that of the run directories."""

import json
from pathlib import Path

import pytest

from tests.verdict.sweeps import Sweep
from zeta_exp.cli import main
from zeta_exp.errors import UserError
from zeta_exp.report.runs import read_runs
from zeta_exp.tracking import Session, VertexSink, flattened
from zeta_exp.tracking.vertex_runs import tracked_runs


def flat(values):
    """Every number of a row, a missing one as 0."""
    means = [value if isinstance(value, dict) else {"": value} for value in values.values()]
    numbers = [number for mean in means for number in mean.values()]
    return [number or 0 for number in numbers if not isinstance(number, str)]


@pytest.fixture
def sweep(tmp_path):
    """Three finished runs of two configurations, and one that was stopped."""
    made = Sweep(tmp_path / "sweep")
    for seed, rg, error in ((0, 0.1, 0.02), (1, 0.1, 0.03), (0, 0.0, 0.04)):
        made.add(seed, 1_000_000, rg, error, extrapolation_error=error / 2)
    made.add(1, 1_000_000, 0.0, status="interrupted", extrapolation_error=0.1)
    return made


def test_the_same_table_from_either_place(sweep, cloud, capsys):
    for run in read_runs(str(sweep.folder)):
        sink = VertexSink("p", "us-central1", "board", None, False, cloud.endpoint)
        sink.open(Session(f"zeta-{run.name}", Path(run.path), flattened(run.config)))
        sink.close(run.result)
    tables = []
    there = ["--vertex", "board", "--project=p", f"--endpoint={cloud.endpoint}"]
    for source in ([str(sweep.folder)], there):
        capsys.readouterr()
        assert main(["leaderboard", *source, "--format", "json"]) == 0
        tables.append(json.loads(capsys.readouterr().out))
    local, remote = tables
    assert [row["values"]["runs"] for row in local["rows"]] == [2, 1]
    for one, other in zip(local["rows"], remote["rows"], strict=True):
        assert one["values"].keys() == other["values"].keys()
        assert flat(other["values"]) == pytest.approx(flat(one["values"]), rel=1e-9)
    for table in tables:
        for row in table["rows"]:
            del row["values"], row["runs"]
    assert local == remote


def test_an_experiment_that_is_not_there(cloud):
    with pytest.raises(UserError, match="there is no experiment nothing in p, us-central1"):
        tracked_runs("nothing", "p", "us-central1", cloud.endpoint)


def test_a_service_that_refuses(cloud):
    cloud.fault("GetContext", "PERMISSION_DENIED", message="not yours")
    with pytest.raises(UserError, match=r"not yours.*check the name"):
        tracked_runs("board", "p", "us-central1", cloud.endpoint)


def test_an_endpoint_without_tls_is_for_this_machine():
    with pytest.raises(UserError, match="TLS"):
        tracked_runs("board", "p", "us-central1", "http://example.com")
