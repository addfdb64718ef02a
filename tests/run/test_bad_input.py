"""What a user can get wrong: one sentence, exit code 2, and nothing left behind."""

import errno
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import sample
from zeta_exp.zeros.source import ComputedZeros

REPOSITORY = Path(__file__).parents[2]

# arguments, and what the sentence must hold: the value, and advice or what is known
COMPOSITION = [
    ("N=[", ["N=[", "quote"]),
    ("N=", ["N= is not a whole number"]),
    ("N=abc", ["N=abc is not a whole number"]),
    ("N=100.5", ["N=100.5 is not a whole number"]),
    ("N=nan", ["N=nan is not a whole number"]),
    ("N=null", ["N can't be null"]),
    ("N=200,300", ["N=200,300", "add -m"]),
    ("N=range(200,202)", ["N=range(200,202)", "add -m"]),
    ("N=${nothing}", ["N", "'nothing' not found"]),
    ("N==200", ["N==200", "key=value"]),
    ("N", ["N is not a valid override", "key=value"]),
    ("=5", ["a group takes the name of one of its options"]),
    ("seed=0.5", ["seed=0.5 is not a whole number"]),
    ("seed=-1", ["seed=-1", "use 0 to"]),
    ("seed=18446744073709551616", ["seed=18446744073709551616", "use 0 to"]),
    ("strategy.block_size=64.5", ["strategy.block_size=64.5 is not a whole number"]),
    ("strategy.halo=maybe", ["strategy.halo=maybe", "true nor false"]),
    ("graph.primes=5", ["graph.primes is a list", "[2,3]"]),
    ("graph.primes=[2.5]", ["2.5 is not a whole number"]),
    ("loss.weights.mse=", ["loss.weights.mse= is not a number"]),
    ("loss.weights=1", ["loss.weights takes no value itself", "loss.weights.mse=…"]),
    ("budget=3", ["budget takes no value itself", "budget.epochs=…"]),
    ("foo=1", ["'foo' is unknown", "seed"]),
    ("+foo=1", ["'foo' is unknown", "seed"]),
    ("++foo=1", ["'foo' is unknown", "seed"]),
    ("+foo.bar=", ["'foo' is unknown", "seed"]),
    ("+model.foo=1", ["'foo' of model is unknown", "hidden, layers"]),
    ("budget.foo=1", ["'foo' of budget is unknown", "epochs"]),
    (
        "loss.weights.gue_mdd=1",
        ["loss weight 'gue_mdd' is unknown", "gue_nll, gue_nll_matched, mse"],
    ),
    (
        "+loss.weights.gue_mdd=1",
        ["loss weight 'gue_mdd' is unknown", "gue_nll, gue_nll_matched, mse"],
    ),
    ("zeros.path=FILE", ["zeros.path", "zeros=table"]),
    ("features=log_index features.max_prime=10", ["features.max_prime", "prime_phases"]),
    ("zeros=table", ["zeros.path has no value", "zeros.path=…"]),
    ("model=", ["model= is empty", "hardy, hybrid_gcn, linear, mlp, pyg, relational"]),
    ("model=foo", ["model=foo is unknown", "hardy, hybrid_gcn, linear, mlp, pyg, relational"]),
    ("model=null", ["a group takes the name of one of its options"]),
    ("model=???", ["model has no option"]),
    ("experiment=foo", ["experiment=foo is unknown", "quick, recipe, rg_essential"]),
    ("hardware=foo", ["hardware=foo is unknown", "a100"]),
    ("+model=mlp", ["leave out the +"]),
    ("++model=mlp", ["leave out the +"]),
    ("+seed=1", ["seed exists already", "leave out the +"]),
    ("~N", ["N can't be left out"]),
    ("~budget", ["budget can't be left out"]),
    ("~loss", ["loss has no value"]),
    ("~loss.weights.rg", ["loss.weights.rg can't be left out"]),
    ("~foo", ["'foo' is unknown"]),
    ("hydra/launcher=submitit_local", ["submitit_local", "add -m", "hydra.mode=RUN"]),
    ("hydra/launcher=foo", ["hydra/launcher=foo is unknown", "basic"]),
    ("hydra.foo=1", ["'foo' of hydra is unknown"]),
    ("hydra.run.dir=", ["hydra.run.dir= is empty"]),
    ("resume=", ["resume= is empty"]),
    ("resume=a=b", ["resume=a=b", "quote"]),
    ("resume=nowhere", ["resume=nowhere", "name the directory of a run"]),
    ("-m resume=nowhere", ["leave out -m"]),
    ("experiment=rg_essential_small", ["rg_essential_small is a study", "add -m"]),
    ("-m experiment=rg_essential_small hydra.sweeper.seeds=[1,1]", ["seeds lists 1 twice"]),
    ("tracking=vertex", ["give tracking.vertex.project=…"]),
    ("tracking=[none,foo]", ["tracking=foo is unknown", "--help"]),
    ("hydra.job.chdir=maybe", ["neither true nor false"]),
    ("--foo", ["unrecognized arguments: --foo", "--help lists the flags"]),
    ("hydra.verbose=true -m N=200", ["unrecognized arguments: N=200", "before all overrides"]),
    ("--cfg foo", ["'foo'", "--help lists the flags"]),
    ("--config-dir=nowhere", ["nowhere is no folder"]),
    ("--config-dir=nowhere --help", ["nowhere is no folder"]),
    ("--config-name=nowhere", ["nowhere is unknown; known: config, zeros"]),
    ("--config-path=nowhere", ["--config-path names no folder", "leave it out"]),
    ("--config-name=zeros out=x count=10", ["give shard=…"]),
]
CONSTRUCTION = [
    ("N=99", ["N=99", "N=100"]),
    ("N=-5", ["N=-5", "N=100"]),
    ("start=0", ["start=0", "start=1"]),
    ("target=foo", ["target=foo", "ordinate, residual"]),
    ("budget.epochs=0", ["budget.epochs=0", "1 or more"]),
    ("loss.weights.mse=-1", ["loss.weights.mse=-1", "≥ 0"]),
    ("loss.weights.mse=nan", ["loss.weights.mse=nan", "≥ 0"]),
    ("loss.weights.mse=inf", ["loss.weights.mse=inf", "≥ 0"]),
    ("loss=mse loss.weights.mse=0", ["all loss weights are zero", "> 0"]),
    ("loss.rg.form=foo", ["loss.rg.form=foo", "block_spin, dilation, local"]),
    ("loss.spacing=foo", ["loss.spacing=foo", "mean, smooth"]),
    ("loss.weights.rg=0.1", ["loss.weights.rg=0.1", "loss.rg.form=local", "strategy=streamed"]),
    ("model.hidden=0", ["model.hidden=0", "1 or more"]),
    ("model.hidden=-3", ["model.hidden=-3", "1 or more"]),
    ("model=mlp model.layers=0", ["model.layers=0", "1 or more"]),
    ("model=hybrid_gcn model.layers=0", ["model.layers=0", "1 or more"]),
    ("features.max_prime=1", ["features.max_prime=1", "2 or more"]),
    ("graph.primes=[4]", ["4, which is not a prime"]),
    ("strategy.block_size=10 strategy.parts=3", ["block_size=10", "parts=3", "one of the two"]),
    ("strategy.block_size=0", ["strategy.block_size=0", "2 or more"]),
    ("strategy.parts=1000", ["parts=1000", "180"]),
    ("strategy.partition=foo", ["strategy.partition=foo", "contiguous, metis"]),
    ("optimizer.lr=0", ["optimizer.lr=0"]),
    ("hardware.device=foo", ["hardware.device=foo", "auto, cpu, cuda"]),
    ("hardware.threads=0", ["hardware.threads=0", "1 or more"]),
    ("hardware.memory_gb=0", ["hardware.memory_gb=0"]),
    ("features.max_prime=1000000000000000", ["not enough memory", "features.max_prime"]),
    (
        "strategy=fullbatch N=10000000 hardware=cpu hardware.memory_gb=1",
        ["N=10_000_000", "strategy=fullbatch", "cpu has 1 GB", "use strategy=streamed", "or N="],
    ),
    (
        "strategy.block_size=100000 N=10000000 hardware=cpu hardware.memory_gb=0.5",
        ["strategy=minibatch", "cpu has 0.5 GB: use strategy.block_size=", "or N="],
    ),
    ("hardware=cpu hardware.memory_gb=0.01", ["not even N=100 fits"]),
    ("hardware.precision=half", ["hardware.precision=half", "float32, bfloat16"]),
    ("hardware=cpu hardware.tf32=true", ["hardware.tf32=true does nothing on the CPU"]),
    ("hardware.block_size=0", ["hardware.block_size=0", "2 or more"]),
    ("zeros=table zeros.path=nowhere.txt", ["zeros.path=nowhere.txt"]),
]


def left_behind(directory):
    """What a run leaves, apart from Hydra's record and its log."""
    names = ("config.yaml", "result.json", "predictions.npz", "metrics.csv")
    return [path for name in names for path in directory.rglob(name) if ".hydra" not in path.parts]


def names(table):
    return [arguments for arguments, _ in table]


@pytest.mark.parametrize(("arguments", "words"), sample(COMPOSITION, 3), ids=names(COMPOSITION))
def test_refused_before_anything_is_written(run, tmp_path, arguments, words):
    sentence = run(*arguments.split()).refused()
    for word in words:
        assert word in sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "words"), sample(CONSTRUCTION, 4), ids=names(CONSTRUCTION))
def test_refused_before_training(run, small, tmp_path, arguments, words):
    sentence = run(*small, *arguments.split()).refused()
    for word in words:
        assert word in sentence
    assert left_behind(tmp_path) == []


def test_keys_and_types_are_refused_before_torch_is_imported():
    """In a process of its own: this one has imported torch."""
    program = """
import runpy, sys
for argument in sys.argv[1:]:
    sys.argv = ["run.py", argument]
    try:
        runpy.run_path("run.py", run_name="__main__")
    except SystemExit as end:
        assert end.code == 2, argument
    assert "torch" not in sys.modules, argument
    assert "numba" not in sys.modules, argument
"""
    arguments = ["+foo=1", "+model.foo=1", "N=", "N=abc", "seed=-1", "zeros=table", "model=foo"]
    command = [sys.executable, "-c", program, *arguments]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 0


def test_the_last_of_two_values_counts(run, small, tmp_path):
    assert "N=99" in run(*small, "N=300", "N=99").refused()


def test_hardware_that_is_not_here_is_refused(run, small, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    sentence = run(*small, "hardware=a100").refused()
    assert "hardware=a100" in sentence
    assert "hardware=auto" in sentence
    assert left_behind(tmp_path) == []


def test_a_directory_holds_one_run(run, small, tmp_path):
    where = "hydra.run.dir=here"
    assert "N=99" in run(*small, "N=99", where).refused()
    assert run(*small, where).code == 0  # the refused attempt left the directory free
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    sentence = run(*small, where).refused()
    assert "already holds a run" in sentence
    assert "resume=here" in sentence
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_divergence_is_refused_and_recorded(run, small, tmp_path):
    arguments = ["hydra.run.dir=here", "optimizer.lr=1e30", "budget.epochs=50"]
    sentence = run(*small, *arguments, "optimizer.clip=1e30").refused()
    assert "diverged" in sentence
    result = json.loads((tmp_path / "here/result.json").read_text())
    assert result == {"status": "refused", "reason": sentence}


def test_a_defect_is_no_refusal(run, small, tmp_path):
    with pytest.raises(RuntimeError, match="a defect"):
        run(*small, "tracking=broken", "hydra.run.dir=here")
    result = json.loads((tmp_path / "here/result.json").read_text())
    assert result["status"] == "failed"
    assert "a defect" in result["reason"]


def test_a_directory_that_cannot_be_made_is_refused(run, small, tmp_path):
    (tmp_path / "file").write_text("")
    sentence = run(*small, "hydra.run.dir=file/here").refused()
    assert "cannot write" in sentence
    assert "hydra.run.dir=" in sentence


@pytest.mark.parametrize("limit", [100, 8_000], ids=["record", "checkpoint"])
def test_a_full_disk(spawn, small, tmp_path, limit):
    """No file may grow beyond `limit` bytes: the system refuses as it does on a full disk."""
    outcome = spawn(
        *small,
        "hydra.run.dir=out",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert "cannot write" in outcome.refused()
    assert not (tmp_path / "out/predictions.npz").exists()
    assert not list(tmp_path.rglob("*.tmp"))
    if (tmp_path / "out/result.json").exists():
        assert json.loads((tmp_path / "out/result.json").read_text())["status"] == "refused"


def test_a_disk_that_fills_while_plotting_costs_no_number(run, small, tmp_path, monkeypatch):
    def no_space(directory):
        raise OSError(errno.ENOSPC, "No space left on device", str(directory / "plots"))

    monkeypatch.setattr("zeta_exp.report.plots.write_plots", no_space)
    sentence = run(*small, "hydra.run.dir=here").refused()
    assert "here/plots (No space left on device)" in sentence
    result = json.loads((tmp_path / "here/result.json").read_text())
    assert result["status"] == "refused"
    assert result["val_rmse"] > 0
    assert set(np.load(tmp_path / "here/predictions.npz")) >= {"val_pred", "ext_pred"}


@pytest.fixture
def table(tmp_path):
    """Writes lines as zeros.txt, after a change."""
    ordinates = [f"{gamma:.9f}" for gamma in ComputedZeros().ordinates(1, 401)]

    def write(change):
        lines = list(ordinates)
        change(lines)
        (tmp_path / "zeros.txt").write_text("\n".join(lines) + "\n")

    return write


def swap(lines):
    lines[119], lines[120] = lines[120], lines[119]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines.pop(119), ["120"]),
        (lambda lines: lines.insert(119, lines[119]), ["121"]),
        (swap, ["121"]),
        (lambda lines: lines.__setitem__(119, "12,5"), ["line 120", "12,5"]),
        (lambda lines: lines.__setitem__(119, ""), ["120"]),
        (lambda lines: lines.__delitem__(slice(150, None)), ["150", "N=200"]),
    ],
    ids=["missing", "doubled", "out-of-order", "non-numeric", "blank", "short"],
)
def test_faults_of_a_table_are_named(run, small, tmp_path, table, change, words):
    table(change)
    sentence = run(*small, "zeros=table", "zeros.path=zeros.txt").refused()
    for word in words:
        assert word in sentence
    assert left_behind(tmp_path) == []


def test_a_table_that_ends_within_the_extrapolation_is_completed(run, small, tmp_path, table):
    table(lambda lines: lines.__delitem__(slice(220, None)))
    arguments = ["zeros=table", "zeros.path=zeros.txt", "hydra.run.dir=here"]
    done = run(*small, *arguments)
    assert done.code == 0, done.err
    assert "220" in done.out
    assert "completed" in (tmp_path / "here/result.json").read_text()


def test_a_model_with_features_it_cannot_use(run, small):
    small.remove("model.hidden=8")
    picky = [*small, "model=linear", "model._target_=picky.Picky"]
    assert run(*picky).refused() == (
        "the model Picky can't use features=prime_phases: use features=log_index"
    )
    picky.remove("features.max_prime=10")
    assert run(*picky, "features=log_index").code == 0
