"""Runs are found below a folder, local or remote, and read in bulk."""

import json

import fsspec
import pytest

from tests.verdict.sweeps import Sweep
from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.report.runs import flattened, natural, read_metrics_of, read_runs


@pytest.fixture
def sweep(tmp_path):
    made = Sweep(tmp_path / "sweep")
    for number in (10, 2, 1):
        made.add(number, 1, 0.0, name=f"loss=[a*]/{number}")
    return made


@pytest.fixture(params=["local", "memory"])
def place(request, sweep):
    """The sweep's folder, where it is asked for."""
    if request.param == "local":
        yield str(sweep.folder)
        return
    memory = fsspec.filesystem("memory")
    memory.put(str(sweep.folder), "/runs_of_a_sweep", recursive=True)
    yield "memory://runs_of_a_sweep"
    memory.rm("/runs_of_a_sweep", recursive=True)


def test_runs_are_read_in_natural_order(place):
    runs = read_runs(place)
    assert [run.name for run in runs] == [f"loss=[a*]/{n}" for n in (1, 2, 10)]
    assert [run.config["seed"] for run in runs] == [1, 2, 10]
    assert {run.status for run in runs} == {"completed"}
    assert runs[0].provenance["threads"] == 1
    rows = read_metrics_of(runs)
    assert [row["updates"] for row in rows[1]] == [40, 80]
    assert read_runs(place + "/") == read_runs(place)


def test_a_run_itself_is_a_folder_of_runs(sweep):
    (run,) = read_runs(str(sweep.folder / "loss=[a*]" / "2"))
    assert (run.name, run.config["seed"]) == (".", 2)


def test_a_run_that_has_begun_is_unfinished(sweep):
    begun = sweep.folder / "begun"
    (begun / ".hydra").mkdir(parents=True)
    (begun / ".hydra" / "config.yaml").write_text("N: 1")
    assert len(read_runs(str(sweep.folder))) == 3  # what Hydra writes first is no run
    (begun / "config.yaml").write_text("N: 1")
    run = read_runs(str(sweep.folder))[0]
    assert (run.name, run.status, run.config, run.provenance) == ("begun", "unfinished", {}, {})


def test_runs_inside_runs_are_not_looked_for(place):
    inside = files.join(place, "loss=[a*]/2/plots/result.json")
    with fsspec.open(inside, "w", auto_mkdir=True) as file:
        file.write("{}")
    assert len(read_runs(place)) == 3


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00"])
def test_a_broken_result_is_named(sweep, text):
    broken = sweep.folder / "loss=[a*]" / "2" / "result.json"
    broken.write_text(text)
    with pytest.raises(UserError, match=r"2/result\.json holds no result of a run"):
        read_runs(str(sweep.folder))


def test_a_folder_without_runs(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        read_runs(str(tmp_path))
    with pytest.raises(UserError, match="is no folder"):
        read_runs(str(tmp_path / "missing"))
    with pytest.raises(UserError, match="is no folder"):
        read_runs("memory://nothing_is_here")


def test_missing_metrics_are_named(place):
    runs = read_runs(place)
    memory, inner = fsspec.url_to_fs(files.join(runs[1].path, "metrics.csv"))
    memory.rm_file(inner)
    with pytest.raises(UserError, match=r"metrics\.csv|does not exist"):
        read_metrics_of(runs)
    assert read_metrics_of([]) == []


def test_a_torn_row_is_left_out(sweep):
    with (sweep.folder / "loss=[a*]" / "1" / "metrics.csv").open("a") as file:
        file.write("3,120")
    assert len(read_metrics_of(read_runs(str(sweep.folder)))[0]) == 2


def test_a_link_to_itself_is_no_trap(sweep):
    (sweep.folder / "link").symlink_to(sweep.folder)
    assert len(read_runs(str(sweep.folder))) == 3
    assert len(read_runs(str(sweep.folder / "link"))) == 3


def test_natural_order_and_dotted_keys():
    assert sorted(["10", "9", "a10", "a9"], key=natural) == ["9", "10", "a9", "a10"]
    assert flattened({"a": {"b": 1, "c": {}}, "d": [2]}) == {"a.b": 1, "d": [2]}
    assert json.dumps(flattened({})) == "{}"
