"""What `zeta doctor` says of machines that are not as this one is."""

import tomllib
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from conf import schema
from zeta_exp import hardware, memory
from zeta_exp.cli import capacity, doctor, main
from zeta_exp.errors import UserError
from zeta_exp.strategies import FullBatch

ROOT = Path(__file__).parents[2]


@pytest.fixture
def told(capsys):
    """The lines of `zeta doctor` by ok or problem, and its exit code."""

    def look():
        code = main(["doctor"])
        lines = [line for line in capsys.readouterr().out.splitlines() if line]
        split = [line.split(None, 1) for line in lines[:-1]]
        return code, [text for word, text in split if word == "problem"], lines[-1], lines

    return look


def test_all_is_well_here(told):
    code, problems, last, lines = told()
    assert (code, problems, last) == (0, [], "all is well")
    assert any(f"torch {torch.__version__}" in line for line in lines)
    assert any("strategy=minibatch for any N" in line for line in lines)
    assert any("vertex: not looked at, --vertex does" in line for line in lines)


def test_it_knows_every_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert doctor.EXTRAS.keys() == extras.keys() - {"dev"}


def test_versions_are_held_against_what_is_asked_for_and_what_was_tested(told, monkeypatch):
    true = doctor._version
    here = {"torch": "2.12.1+cpu", "rich": None, "numba": "0.1"}
    monkeypatch.setattr(doctor, "_version", lambda name: here.get(name, true(name)))
    code, problems, _, lines = told()
    assert code == 1
    assert [line.split(" is needed and ")[1].split(":")[0] for line in problems] == [
        "none is here",
        "2.12.1+cpu is here",
    ]
    (other,) = [line for line in lines if "other than tested" in line]
    assert "numba 0.1 (tested: " in other
    assert "torch 2.12.1+cpu" in other


def test_without_torch_it_says_so_and_stops(told, monkeypatch):
    monkeypatch.setattr(doctor, "_installed", lambda name: False)
    assert not any("memory free" in line for line in told()[-1])


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_what_it_promises_is_what_the_check_before_a_run_lets_pass(kind):
    room = memory.Room(device=3 * memory.GIB, host=2 * memory.GIB)
    found = dict(capacity.capacity(kind, room))
    assert found["fullbatch"] < found["minibatch"]
    work = capacity.workload(kind)
    for strategy in capacity.STRATEGIES:
        memory.check(strategy, work.of_size(found[strategy.name]), room)
    with pytest.raises(UserError, match="strategy=fullbatch needs about"):
        memory.check(FullBatch(), work.of_size(int(1.2 * found["fullbatch"])), room)


def test_its_config_is_the_default_one():
    schema.register()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("config")
        long = compose("config", [f"N={capacity.SIZES_AT}"])
    of_minibatch = {k: v for k, v in config.strategy.items() if k not in ("_target_", "seed")}
    assert of_minibatch == {k: v for k, v in capacity.MINIBATCH.items() if k != "seed"}
    assert config.features.max_prime == capacity.MAX_PRIME
    assert list(config.graph.primes) == capacity.PRIMES
    assert {k: v for k, v in long.model.items() if k[0] != "_"} == capacity.MODEL
    loss = OmegaConf.to_container(config.loss)
    assert {k: v for k, v in loss.items() if k[0] != "_"} == capacity.LOSS
    assert config.N == doctor.FEWEST


def test_too_little_memory_and_disk_are_problems(told, monkeypatch):
    monkeypatch.setattr(hardware, "host_bytes", lambda: 2**29)
    monkeypatch.setattr(psutil, "disk_usage", lambda path: SimpleNamespace(free=2**29))
    code, problems, last, _ = told()
    assert code == 1
    assert last == "2 problems"
    assert problems == [
        "memory free: 0.5 GiB: a small run takes 1; end something else",
        "disk free here: 0.5 GiB: runs write checkpoints and caches; free some space",
    ]


def test_an_old_python_is_a_problem(told, monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 1))
    code, problems, last, _ = told()
    assert (code, last) == (1, "1 problem")
    assert "zeta_exp needs 3.11 or newer" in problems[0]


def test_a_gpu_is_told_with_the_hardware_that_asks_for_it(told, monkeypatch):
    card = SimpleNamespace(name="NVIDIA L4", total_memory=24 * 2**30)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: card)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number: (20 * 2**30, 24 * 2**30))
    _, _, _, lines = told()
    assert any("room on the GPU 0, 20.0 GiB free: strategy=minibatch" in line for line in lines)
    expected = "GPU 0: NVIDIA L4, 24 GiB: hardware=auto and hardware=l4"
    assert any(line.endswith(expected) for line in lines)


def test_a_driver_that_torch_cannot_use_is_a_problem(told, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    monkeypatch.setattr(doctor, "_driver", lambda: True)
    code, problems, _, _ = told()
    assert code == 1
    assert "torch is for CUDA 12.6" in problems[0]
    assert "TORCH_INDEX" in problems[0]
