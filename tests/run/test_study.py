"""Studies through the command line: complete, interrupted, failing, planned, refused."""

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import sample
from tests.run.conftest import HERE, OPTIONS, PROGRAM

STUDY = Path("outputs/studies/tiny")
TINY = ("-m", "experiment=tiny_study")
# The centre alone, and no search for the learning rate.
LESS = (*TINY, "~hydra.sweeper.parts.along", "hydra.sweeper.tuning.steps.0.values=[1e-2]")
# 4 + 2 trials beside one made before, 8 at the centre, 2 along P, a control, a reference
RUNS = 18


def told(tmp_path):
    return json.loads((tmp_path / STUDY / "study.json").read_text())


def results(tmp_path):
    """result.json of each run, by its directory."""
    root = tmp_path / STUDY
    return {
        str(path.parent.relative_to(root)): json.loads(path.read_text())
        for path in root.rglob("result.json")
    }


def written_at(tmp_path):
    return {path: path.stat().st_mtime_ns for path in (tmp_path / STUDY).rglob("result.json")}


def phases(tmp_path):
    return Counter(run["phase"] for run in told(tmp_path)["runs"].values())


def first_commit():
    """Of the repository: its code is another."""
    command = ["git", "rev-list", "--max-parents=0", "HEAD"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """A directory with the whole study in it."""
    place = tmp_path_factory.mktemp("made")
    environment = os.environ | {"PYTHONPATH": f"{HERE}{os.pathsep}{PROGRAM.parent}"}
    command = [*warm.python(), str(PROGRAM), OPTIONS, *TINY]
    ended = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert ended.stderr.endswith(f"{RUNS} of {RUNS} runs\n")
    return place


@pytest.fixture
def finished(made_once, tmp_path):
    """A copy of it, as old as it is."""
    shutil.copytree(made_once / "outputs", tmp_path / "outputs")
    return tmp_path


def test_a_study_runs_what_its_file_says(finished):
    study, found = told(finished), results(finished)
    assert phases(finished) == {"tuning": 6, "confirm": 10, "control": 1, "reference": 1}
    assert found.keys() == study["runs"].keys()
    assert {result["status"] for result in found.values()} == {"completed"}
    assert (study["name"], study["factor"]) == ("tiny", "loss.weights.rg")
    assert study["tuned"] == ["optimizer.lr", "loss.weights.rg"]
    places = Counter()
    for name, about in study["runs"].items():
        config = found[name]["config"]
        tuning = about["phase"] == "tuning"
        assert config["budget"]["updates"] == found[name]["updates"] == (4 if tuning else 16)
        assert ((config["seed"], config["start"]) == (9, 3001)) == tuning
        assert config["seed"] in ([9] if tuning else [1, 2])
        with_rg = about["arm"] == "with_rg"
        if not tuning:
            assert (config["loss"]["weights"]["rg"] > 0) == with_rg
            places[about["phase"], config["features"]["max_prime"], config["start"]] += 1
    assert places == {
        ("confirm", 10, 1001): 4,
        ("confirm", 10, 2001): 4,
        ("confirm", 3, 1001): 2,
        ("control", 10, 1001): 1,
        ("reference", 10, 1001): 1,
    }


def test_a_reference_is_what_its_overrides_say(finished):
    """Neither an arm's overrides nor what tuning has chosen."""
    study, found = told(finished), results(finished)
    ((name, about),) = [item for item in study["runs"].items() if item[1]["phase"] == "reference"]
    assert about["arm"] == "perceptron"
    assert "loss" not in about
    config = found[name]["config"]
    assert config["model"]["_target_"].endswith("MLP")
    assert config["strategy"]["_target_"].endswith("MiniBatch")
    assert config["loss"]["weights"]["gue_mmd"] == 0
    assert config["optimizer"]["lr"] == 1e-2


def test_what_is_chosen_has_the_least_validation_error(finished):
    """Recomputed from the trials; the arm with the factor keeps a weight that is not 0."""
    study, found = told(finished), results(finished)
    trials = [found[name] for name, about in study["runs"].items() if about["phase"] == "tuning"]
    for arm, weight in (("with_rg", 0.1), ("without", 0.0)):
        rates = {
            trial["val_rmse"]: trial["config"]["optimizer"]["lr"]
            for trial in trials
            if trial["config"]["loss"]["weights"]["rg"] == weight
        }
        assert study["chosen"][f"{arm}|default"]["optimizer.lr"] == rates[min(rates)]
    chosen = study["chosen"]["with_rg|default"]
    weights = {
        trial["config"]["loss"]["weights"]["rg"]: trial["val_rmse"]
        for trial in trials
        if trial["config"]["optimizer"]["lr"] == chosen["optimizer.lr"]
    }
    assert weights.keys() == {0, 0.1, 0.3}
    assert chosen["zero_was_best"] == (min(weights, key=weights.get) == 0)
    assert chosen["loss.weights.rg"] == min((0.1, 0.3), key=weights.get)
    confirmed = [
        a for a in study["runs"].values() if (a["phase"], a["arm"]) == ("confirm", "with_rg")
    ]
    for about in confirmed:
        assert f"loss.weights.rg={chosen['loss.weights.rg']}" == about["overrides"][-3]


@pytest.mark.soak
def test_a_finished_study_is_left_as_it_is(run, finished):
    before = written_at(finished)
    again = run(*TINY)
    assert (again.code, again.err) == (0, "")
    assert written_at(finished) == before
    assert run(*TINY, "hydra.sweeper.seeds=[1,2,3]").code == 0  # what is added is run
    assert before.items() <= written_at(finished).items()
    assert len(results(finished)) == RUNS + 4


def test_an_interrupted_study_goes_on_where_it_stopped(run, tmp_path):
    """The first confirmatory run stops in its third epoch, and resumes from its checkpoint."""
    ended = run(*LESS, "tracking=stop")
    assert ended.code == 130
    assert ended.err.endswith("interrupted; the same command goes on\n")
    before = written_at(tmp_path)
    stopped = [n for n, r in results(tmp_path).items() if r["status"] == "interrupted"]
    assert len(stopped) == 1
    assert 12 <= results(tmp_path)[stopped[0]]["updates"] < 16
    assert run(*LESS).code == 0
    log = (tmp_path / STUDY / stopped[0] / "run.log").read_text()
    assert "resuming after epoch 3" in log
    assert {result["status"] for result in results(tmp_path).values()} == {"completed"}
    after = written_at(tmp_path)
    again = tmp_path / STUDY / stopped[0] / "result.json"
    assert {path for path in before if after[path] != before[path]} == {again}


@pytest.mark.soak
def test_a_killed_study_goes_on(spawn, run, tmp_path):
    """Nothing tells of the run that was killed before its first checkpoint: it begins anew."""
    ended = spawn(*LESS, "tracking=strike", "tracking.name=SIGKILL", "tracking.whom=itself")
    assert ended.code == -9
    before = written_at(tmp_path)
    begun = {path.parent for path in (tmp_path / STUDY).glob("*/*/config.yaml")}
    assert len(begun) == len(before) + 1
    assert run(*LESS).code == 0
    after = written_at(tmp_path)
    assert before.items() <= after.items()
    assert begun <= {path.parent for path in after}
    assert phases(tmp_path)["confirm"] == 8


@pytest.mark.soak
def test_a_failing_arm_stops_no_other(run, tmp_path):
    """Its clusters have more ordinals than there are to train on."""
    arm = "+hydra.sweeper.arms.broken=['strategy=minibatch','strategy.block_size=100000']"
    ended = run(*LESS, arm)
    assert ended.code == 1
    assert "block_size=100000 does not fit" in ended.err
    assert "broken|default: tuning of optimizer.lr: no trial has completed" in ended.err
    assert ended.err.endswith("2 runs did not complete\n")
    assert phases(tmp_path)["confirm"] == 8
    done = [n for n, r in results(tmp_path).items() if r["status"] == "completed"]
    assert sum(name.startswith("confirm/") for name in done) == 8


def test_a_dry_run_writes_nothing(run, tmp_path):
    ended = run(*TINY, "hydra.sweeper.dry_run=true")
    assert (ended.code, ended.err) == (0, "")
    assert "study tiny in outputs/studies/tiny: 19 runs" in ended.out
    assert "loss.weights.rg in [0, 0.1, 0.3]" in ended.out
    assert "references, 1 runs:\n  perceptron: 1, model=mlp" in ended.out
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    sample(
        [
            (
                [
                    "N=100000",
                    "hydra.sweeper.starts=[1,200001]",
                    "hydra.sweeper.tuning.start=400001",
                ],
                ["has no room: the primes above 10", "features.max_prime="],
            ),
            (["hydra.sweeper.foo=1"], ["'foo' of hydra.sweeper is unknown", "arms"]),
            (["hydra.sweeper.seeds=[1,1]"], ["seeds lists 1 twice"]),
            (["hydra.sweeper.seeds=[]"], ["seeds is empty"]),
            (["hydra.sweeper.seeds=[9]"], ["tuning.seed=9"]),
            (["hydra.sweeper.starts=[1001,1400]"], ["from 1001 and from 1400", "500 apart"]),
            (["hydra.sweeper.tuning.start=1450"], ["tuning from 1450", "from 1001 on"]),
            (["hydra.sweeper.parts.centre.arms=[wiht]"], ["'wiht' is unknown", "with_rg, without"]),
            (["hydra.sweeper.tuning.steps.1.values=[0.1]"], ["0 is not among", "loss.weights.rg"]),
            (["hydra.sweeper.tuning.steps.1.values=[0]"], ["no value but 0"]),
            (["hydra.sweeper.tuning.share=2"], ["share=2"]),
            (["hydra.sweeper.tuning.seed=null"], ["tuning.seed has no value: give"]),
            (["hydra.sweeper.arms.without=['strategy=foo']"], ["strategy=foo is unknown"]),
            (["hydra.sweeper.arms.without=['optimizer.foo=1']"], ["'foo'", "optimizer"]),
            (["hydra.sweeper.references.starts=0"], ["references.starts=0"]),
            (["+hydra.sweeper.references.runs.odd=['model=foo']"], ["model=foo is unknown"]),
            (["seed=4"], ["seed is what the study tiny sets itself", "hydra.sweeper.seeds"]),
            (["strategy=minibatch"], ["strategy is what", "hydra.sweeper.arms"]),
            (["N=400,500"], ["N=400,500 gives several values"]),
            (["budget.kind=foo"], ["budget"]),
        ],
        4,
    ),
)
def test_a_mistake_is_refused_before_anything_is_run(run, tmp_path, arguments, words):
    sentence = run(*TINY, *arguments).refused()
    for word in words:
        assert word in sentence
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.soak
def test_the_directory_of_another_study_is_refused(run, finished):
    before = written_at(finished)
    place = f"hydra.sweep.dir={STUDY}"
    assert "holds the study tiny" in run(*TINY, "hydra.sweeper.name=other", place).refused()
    assert written_at(finished) == before


@pytest.mark.soak
def test_other_code_is_refused_or_run_again(run, finished, tmp_path):
    """As if a finished run were of the first commit there is."""
    path = next((tmp_path / STUDY / "confirm").rglob("result.json"))
    result = json.loads(path.read_text())
    result["provenance"]["git"] = first_commit()
    path.write_text(json.dumps(result))
    sentence = run(*TINY).refused()
    assert f"1 finished runs of {STUDY} are of commit" in sentence
    assert run(*TINY, "hydra.sweeper.other_code=keep").code == 0
    assert json.loads(path.read_text()) == result
    assert run(*TINY, "hydra.sweeper.other_code=rerun").code == 0
    assert json.loads(path.read_text())["provenance"]["git"] != result["provenance"]["git"]


def test_references_are_added_to_a_study_of_older_code(run, finished, tmp_path):
    """As if the study had been made before it had any."""
    (reference,) = (tmp_path / STUDY / "reference").iterdir()
    shutil.rmtree(reference)
    before = written_at(finished)
    for path in before:
        result = json.loads(path.read_text())
        result["provenance"]["git"] = first_commit()
        path.write_text(json.dumps(result))
    before = written_at(finished)
    assert run(*TINY, "hydra.sweeper.other_code=keep").code == 0
    after = written_at(finished)
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == {reference / "result.json"}


@pytest.mark.soak
def test_joblib_runs_several_at_once_and_gives_the_same(finished, spawn):
    """In two processes, each of which makes several runs."""
    other = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweep.dir=other"]
    ended = spawn(*LESS, *other)
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    compared = 0
    for path in (finished / "other").rglob("result.json"):
        here = results(finished).get(str(path.parent.relative_to(finished / "other")))
        there = json.loads(path.read_text())
        if here is not None:
            compared += 1
            assert there["val_rmse"] == here["val_rmse"]
    assert compared >= 10


@pytest.mark.soak
def test_joblib_is_interrupted_and_goes_on(run, tmp_path):
    """A signal to the sweeper alone, in the midst of what its processes do."""
    command = [*warm.python(), str(PROGRAM), OPTIONS, *LESS, "budget.updates=2000"]
    command += ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    environment = os.environ | {"PYTHONPATH": f"{HERE}{os.pathsep}{PROGRAM.parent}"}
    study = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    while study.poll() is None and not list((tmp_path / STUDY).glob("tuning/*/result.json")):
        pass
    study.send_signal(2)
    _, error = study.communicate(timeout=60)
    assert study.returncode == 130, error
    before = {p: t for p, t in written_at(tmp_path).items() if "completed" in p.read_text()}
    assert run(*LESS, "budget.updates=2000").code == 0
    assert before.items() <= written_at(tmp_path).items()
    assert {result["status"] for result in results(tmp_path).values()} == {"completed"}
