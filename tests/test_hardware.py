"""The device is the one that was asked for, or it is refused."""

import pytest
import torch

from zeta_exp.errors import UserError
from zeta_exp.hardware import ALL_THREADS, GIB, Hardware


def hardware(device="auto", gpu=None, threads=None, memory_gb=None):
    return Hardware("name", device, gpu, threads, memory_gb)


def pretend(monkeypatch, name):
    """As on a machine whose only CUDA device is called `name` (none for None)."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: name is not None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: name)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)


@pytest.mark.parametrize(
    ("device", "gpu", "found", "expected"),
    [
        ("auto", None, None, "cpu"),
        ("auto", None, "NVIDIA L4", "cuda"),
        ("cpu", None, "NVIDIA L4", "cpu"),
        ("cuda", "A100", "NVIDIA A100-SXM4-80GB", "cuda"),
    ],
)
def test_the_device_that_is_there(monkeypatch, device, gpu, found, expected):
    pretend(monkeypatch, found)
    assert hardware(device, gpu).claim().type == expected


@pytest.mark.parametrize("found", [None, "NVIDIA L4"])
def test_another_device_is_refused(monkeypatch, found):
    pretend(monkeypatch, found)
    with pytest.raises(UserError, match=r"hardware=name needs .* use hardware=auto here"):
        hardware("cuda", "A100").claim()


def test_threads_and_memory_are_what_the_config_says():
    before = torch.get_num_threads()
    try:
        device = hardware("cpu", threads=1).claim()
        assert torch.get_num_threads() == 1
        hardware("cpu").claim()  # the next job of a sweep
        assert torch.get_num_threads() == ALL_THREADS
    finally:
        torch.set_num_threads(before)
    assert torch.are_deterministic_algorithms_enabled()
    assert hardware(memory_gb=1.5).memory_bytes(device) == 1.5 * GIB
    assert hardware().memory_bytes(device) > 0
