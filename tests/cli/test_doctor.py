"""What `zeta doctor` says of machines that are not as this one is."""

from types import SimpleNamespace

import psutil
import pytest
import torch

from zeta_exp import hardware
from zeta_exp.cli import doctor, main


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
    _, _, _, lines = told()
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
