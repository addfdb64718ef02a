"""The device and the number formats are those that were asked for, or they are refused."""

import pytest
import torch

from zeta_exp import hardware as module
from zeta_exp.errors import UserError
from zeta_exp.graph import fused
from zeta_exp.hardware import ALL_THREADS, GIB, Hardware, host_bytes

PLAIN = {
    "name": "name",
    "device": "auto",
    "gpu": None,
    "precision": "float32",
    "tf32": False,
    "compile": None,
    "block_size": None,
    "threads": None,
    "memory_gb": None,
}


def hardware(**options):
    return Hardware(**(PLAIN | options))


@pytest.fixture
def pretend(monkeypatch):
    """As on a machine whose only CUDA device is called `name` (none for None)."""

    def machine(name, capability=(8, 9)):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: name is not None)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 * GIB, 4 * GIB))

    return machine


@pytest.fixture(autouse=True)
def process_as_before():
    threads, rounding = torch.get_num_threads(), torch.backends.cuda.matmul.fp32_precision
    yield
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.fp32_precision = rounding
    torch.set_deterministic_debug_mode("error")


@pytest.mark.parametrize(
    ("device", "gpu", "found", "expected"),
    [
        ("auto", None, None, "cpu"),
        ("auto", None, "NVIDIA L4", "cuda"),
        ("cpu", None, "NVIDIA L4", "cpu"),
        ("cuda", "A100", "NVIDIA A100-SXM4-80GB", "cuda"),
    ],
)
def test_the_device_that_is_there(pretend, device, gpu, found, expected):
    pretend(found)
    assert hardware(device=device, gpu=gpu).claim().type == expected


@pytest.mark.parametrize("found", [None, "NVIDIA L4"])
def test_another_device_is_refused(pretend, found):
    pretend(found)
    with pytest.raises(UserError, match=r"hardware=name needs .* use hardware=auto here"):
        hardware(device="cuda", gpu="A100").claim()


def torchrun(monkeypatch, local_rank, local_world):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    for name, value in (("RANK", local_rank), ("WORLD_SIZE", local_world)):
        monkeypatch.setenv(name, str(value))
        monkeypatch.setenv(f"LOCAL_{name}", str(value))


def test_each_process_has_its_device(monkeypatch, pretend):
    pretend("NVIDIA L4")
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    torchrun(monkeypatch, 1, 2)
    with pytest.raises(UserError, match=r"2 processes on this machine and it has 1 CUDA devices"):
        hardware().claim()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert hardware().claim() == torch.device("cuda", 1)
    assert chosen == [1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "tpu"}, r"hardware\.device=tpu is unknown; known: auto, cpu, cuda"),
        ({"precision": "half"}, r"hardware\.precision=half is unknown; known: float32, bfloat16"),
        ({"block_size": 1}, r"hardware\.block_size=1 is too small: use 2 or more"),
        ({"threads": 0}, r"hardware\.threads=0 is too small: use 1 or more"),
        ({"memory_gb": 0.0}, r"hardware\.memory_gb=0\.0 holds nothing"),
        ({"tf32": True, "precision": "bfloat16"}, r"no float32 product is left to round"),
    ],
)
def test_a_value_that_means_nothing_is_refused(options, words):
    with pytest.raises(UserError, match=words):
        hardware(**options)


@pytest.mark.parametrize("options", [{"precision": "bfloat16"}, {"tf32": True}])
def test_a_format_that_the_device_lacks_is_refused(pretend, options):
    pretend("Tesla T4", capability=(7, 5))
    with pytest.raises(UserError, match=r"capability 8\.0 or more and this is a Tesla T4"):
        hardware(**options).claim()
    hardware().claim()
    pretend("NVIDIA L4")
    hardware(**options).claim()


def test_bfloat16_is_the_type_of_the_products():
    chosen = hardware(device="cpu", precision="bfloat16")
    assert chosen.claim().type == "cpu"
    assert (chosen.dtype, hardware().dtype) == (torch.bfloat16, torch.float32)


def test_tf32_on_the_cpu_is_refused():
    with pytest.raises(UserError, match=r"hardware\.tf32=true does nothing on the CPU"):
        hardware(device="cpu", tf32=True).claim()


def test_compiling_for_the_cpu_is_refused():
    with pytest.raises(UserError, match=r"hardware\.compile=true does nothing on the CPU"):
        hardware(device="cpu", compile=True).claim()


@pytest.mark.parametrize(("asked", "fuses"), [(None, True), (True, True), (False, False)])
def test_sums_are_fused_on_a_gpu_unless_told_otherwise(pretend, asked, fuses):
    pretend("NVIDIA L4")
    device = hardware(compile=asked).claim()
    assert (fused.fuses(device), fused.fuses(torch.device("cpu"))) == (fuses, False)
    fused.enable(True)


def test_tf32_is_set_and_taken_back(pretend):
    pretend("NVIDIA L4")
    for asked, set_to in ((True, "tf32"), (False, "ieee")):
        hardware(tf32=asked).claim()
        assert torch.backends.cuda.matmul.fp32_precision == set_to


def test_threads_and_memory_are_what_the_config_says():
    device = hardware(device="cpu", threads=1).claim()
    assert torch.get_num_threads() == 1
    hardware(device="cpu").claim()  # the next job of a sweep
    assert torch.get_num_threads() == ALL_THREADS
    assert torch.are_deterministic_algorithms_enabled()
    assert hardware(memory_gb=1.5).memory_bytes(device) == 1.5 * GIB
    assert hardware().memory_bytes(device) > 0


def test_free_memory_is_that_of_the_device(pretend):
    pretend("NVIDIA L4")
    assert hardware().memory_bytes(torch.device("cuda")) == 3 * GIB


def test_processes_share_the_memory_of_their_container(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "CGROUP", tmp_path)
    everything = host_bytes()
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("60000\n")
    (tmp_path / "memory.stat").write_text("anon 40000\ninactive_file 20000\n")
    assert host_bytes() == pytest.approx(everything, rel=0.5)
    (tmp_path / "memory.max").write_text("100000\n")
    assert host_bytes() == 60_000  # what is cached of files makes room
    torchrun(monkeypatch, 0, 3)
    assert host_bytes() == 20_000
