"""A run is repeated from its directory alone, and what may make the numbers differ is named."""

import json
import shutil

import fsspec
import pytest

LINE = "replay of "


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Where the run that the tests copy is made at its first use."""
    return tmp_path_factory.mktemp("template") / "run"


@pytest.fixture
def done(run, small, tmp_path, template):
    """The directory of a finished full-batch run."""
    if not template.exists():
        assert run(*small, "strategy=fullbatch", f"hydra.run.dir={template}").code == 0
    shutil.copytree(template, tmp_path / "done")
    return tmp_path / "done"


def edit(directory, name, **changes):
    """Changes of result.json, one level deep."""
    path = directory / "result.json"
    result = json.loads(path.read_text())
    result[name] = result[name] | changes if isinstance(result[name], dict) else changes[name]
    path.write_text(json.dumps(result))


def warnings(outcome):
    return [line for line in outcome.out.splitlines() if line.startswith("warning: ")]


def test_a_full_batch_run_is_repeated_to_the_bit(run, done, tmp_path):
    ended = run("replay=done", "hydra.run.dir=again")
    assert ended.code == 0, ended.err
    assert f"{LINE}done: the numbers are the same to the bit" in ended.out
    again = tmp_path / "again"
    assert (again / "predictions.npz").read_bytes() == (done / "predictions.npz").read_bytes()
    assert (again / "config.yaml").read_bytes() == (done / "config.yaml").read_bytes()
    result = json.loads((again / "result.json").read_text())
    assert result["replay"]["identical"] is True
    assert (
        result["config_sha256"] == json.loads((done / "result.json").read_text())["config_sha256"]
    )
    assert LINE in (again / "run.log").read_text()


def test_every_other_circumstance_is_named_in_one_warning(run, done, tmp_path):
    """Of a run in a bucket, made elsewhere by other code, and resumed with another budget."""
    edit(
        done,
        "provenance",
        git="0" * 40,
        dirty=True,
        device="NVIDIA L4",
        threads=8,
        zeros_sha256="f" * 64,
        versions={"torch": "1.0", "python": "3.11"},
    )
    path = done / "config.yaml"
    path.write_text(path.read_text().replace("epochs: 2\n", "epochs: 1\n"))
    predictions = done / "predictions.npz"
    memory = fsspec.filesystem("memory")
    memory.put(str(done), "/replayed/run", recursive=True)
    ended = run("replay=memory://replayed/run", "hydra.run.dir=again")
    memory.rm("/replayed", recursive=True)
    assert ended.code == 0, ended.err
    (said,) = warnings(ended)
    for words in (
        "commit 0000000000 (now ",
        "uncommitted changes",
        "torch 1.0 (now ",
        "device NVIDIA L4 (now cpu",
        "threads 8 (now 1)",
        "zeros' sha256 ffffffffff (now ",
        "budget.epochs was 1 until the run was resumed with 2",
    ):
        assert words in said
    assert "the same to the bit" in ended.out  # the circumstances were made up
    assert predictions.read_bytes() == (tmp_path / "again/predictions.npz").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay=done", "N=300"], "N can't change in a replay"),
        (["replay=done", "model=mlp"], "model can't change in a replay"),
        (["replay=done", "+x=1"], "is unknown"),
        (["replay=done", "hydra.job.name=x"], "hydra.job.name can't change"),
        (["replay=done", "resume=done"], "replay can't change in a resumed run"),
        (["replay=done", "-m"], "leave out -m"),
        (["replay=done", "hydra.run.dir=done"], "already holds a run"),
        (["replay=missing"], "replay=missing: no folder is there"),
        (["replay="], "replay= is empty"),
        (["replay=."], "such as replay=./done"),
    ],
)
def test_mistakes(run, done, arguments, said):
    assert said in run(*arguments).refused()


def test_only_a_finished_run_of_this_version_is_repeated(run, done):
    edit(done, "status", status="interrupted")
    assert "that run is interrupted" in run("replay=done").refused()
    edit(done, "status", status="completed")
    edit(done, "config", flavour="new")
    assert "it differs in flavour" in run("replay=done").refused()
