"""Memory that runs out and a device that fails end a training in one sentence; nothing is lost."""

import pytest
import torch

from tests.conftest import make_line, make_model
from zeta_exp import faults
from zeta_exp.budget import Budget
from zeta_exp.checkpoint import FILE, Progress, load_checkpoint
from zeta_exp.errors import UserError
from zeta_exp.losses import make_loss
from zeta_exp.metrics import COLUMNS
from zeta_exp.optimizer import AdamWOneCycle
from zeta_exp.ranks import ALONE
from zeta_exp.split import Split
from zeta_exp.strategies import ExactGradient, Streamed
from zeta_exp.tracking import NoTracker
from zeta_exp.training import Training

SPLIT = Split(start=1, N=300)
EPOCHS = 4
CUDA_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
CPU_MEMORY = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 TB")
LAUNCH = RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be …")
LOST = torch.AcceleratorError("CUDA error: device-side assert triggered\nmore")


class Run:
    """A small training whose model raises `error` in its forward pass number `at`."""

    def __init__(self, directory, error=None, at=None, ranks=ALONE):
        line = make_line(count=300)
        self.model = make_model("relational", line)
        loss = make_loss({"mse": 1.0}, "smooth", {"form": "block_spin", "scales": [2, 4]})
        strategy = Streamed(block_size=50, steps_per_epoch=2, seed=0)
        visits = strategy.open(line, SPLIT, loss, self.model, ALONE)
        recipe = AdamWOneCycle(lr=1e-2, weight_decay=1e-2, clip=1.0, pct_start=0.3)
        self.optimisation = recipe.start(self.model, EPOCHS * visits.updates_per_epoch)
        self.training = Training(
            model=self.model,
            gradient=ExactGradient(self.model, loss),
            visits=visits,
            optimisation=self.optimisation,
            validate=lambda: dict.fromkeys(COLUMNS[6:], 0.5),
            budget=Budget(EPOCHS),
            directory=directory,
            tracker=NoTracker(),
            advance=lambda updates, total, row: None,
            ranks=ranks,
            smaller="strategy=streamed",
        )
        self.directory, self._error, self._at, self._passes = directory, error, at, 0
        self.model.register_forward_hook(self._count)

    def _count(self, *_):
        self._passes += 1
        if self._passes == self._at:
            raise self._error

    def go(self):
        return self.training.run(Progress())

    def sentence(self):
        with pytest.raises(UserError) as raised:
            self.go()
        assert "\n" not in str(raised.value)
        return str(raised.value)

    def state(self):
        return {name: value.numpy().tobytes() for name, value in self.model.state_dict().items()}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CUDA_MEMORY, "cpu has no room for update 2: in a new run use strategy=streamed; "),
        (CPU_MEMORY, "main memory has no room for update 2: "),
        (MemoryError(), "main memory has no room for update 2: "),
        (
            LAUNCH,
            "the device cpu has failed in update 2 (CUDA error: unspecified launch failure); ",
        ),
        (
            LOST,
            "the device cpu has failed in update 2 (CUDA error: device-side assert triggered); ",
        ),
    ],
    ids=["CUDA memory", "allocator", "MemoryError", "RuntimeError", "AcceleratorError"],
)
def test_a_fault_is_a_sentence_and_its_run_resumes_to_the_same_bytes(tmp_path, error, words):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = Run(tmp_path / "whole")
    whole.go()
    broken = Run(tmp_path / "parts", error, at=5)  # within the second step's gradient
    sentence = broken.sentence()
    assert words in sentence
    assert f"up to update 1, is kept: resume={tmp_path / 'parts'}" in sentence
    resumed = Run(tmp_path / "parts")
    progress = load_checkpoint(tmp_path / "parts", resumed.model, resumed.optimisation)
    assert progress.updates == 1
    resumed.training.run(progress)
    assert resumed.state() == whole.state()


def test_before_the_first_update_nothing_is_kept(tmp_path):
    assert "before the first checkpoint" in Run(tmp_path, CUDA_MEMORY, at=2).sentence()
    assert not (tmp_path / FILE).exists()


def fail(*_, **__):
    raise LAUNCH


def test_a_device_that_gives_nothing_back_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    run = Run(tmp_path, LOST, at=8)
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(b"earlier")
    monkeypatch.setattr(run.model, "state_dict", fail)
    assert "the last checkpoint is kept: resume=" in run.sentence()
    assert (tmp_path / FILE).read_bytes() == b"earlier"


def test_an_update_cut_short_is_not_kept(tmp_path, monkeypatch):
    """The moments are not those of the count: nobody knows which update the parameters are of."""
    run = Run(tmp_path)
    update = run.optimisation.update

    def cut(spent):
        update(spent)
        raise CUDA_MEMORY

    monkeypatch.setattr(run.optimisation, "update", cut)
    with pytest.raises(UserError, match="nothing is kept"):
        run.training.run(Progress(updates=3, step=1))
    assert not (tmp_path / FILE).exists()


def test_another_process_may_have_the_last_word(tmp_path, monkeypatch):
    monkeypatch.setattr(type(ALONE), "has_last_word", lambda self: False)
    assert "nothing is kept" in Run(tmp_path, CUDA_MEMORY, at=8).sentence()


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory")])
def test_a_defect_of_the_program_is_no_fault(tmp_path, error):
    with pytest.raises(type(error), match=str(error)):
        Run(tmp_path, error, at=8).go()


@pytest.mark.parametrize("known", [True, False])
def test_a_gpu_is_called_by_its_name_where_it_can_still_tell(monkeypatch, known):
    monkeypatch.setattr(torch.cuda, "get_device_name", (lambda _: "NVIDIA L4") if known else fail)
    name = faults.device_name(torch.device("cuda"))
    assert name == ("cuda (NVIDIA L4)" if known else "cuda")
