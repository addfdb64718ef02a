"""Several processes give the numbers of one."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
import torch

from tests import warm
from tests.gradients import cases, everything
from zeta_exp import ranks as module
from zeta_exp.ranks import ALONE, Ranks, joined
from zeta_exp.torchrun import LostRankError, Place, launched

ROOT = Path(__file__).parents[1]
WORLDS = (3,)


def environment(rank, world, port):
    """What torchrun tells the process."""
    names = {"RANK": rank, "WORLD_SIZE": world, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": world}
    where = {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"}
    return {name: str(value) for name, value in (names | where).items()}


def start(world, *command):
    """Processes of one run, as torchrun starts them."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    return [
        subprocess.Popen(
            [*warm.python(), *command],
            cwd=ROOT,
            env=os.environ | environment(rank, world, port),
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """The gradients of every case by one process and by several."""
    directory = tmp_path_factory.mktemp("gradients")
    files = {world: directory / f"{world}.pt" for world in WORLDS}
    started = [p for w in WORLDS for p in start(w, "-m", "tests.gradients", str(files[w]))]
    results = {1: everything(ALONE)}
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    return results | {world: torch.load(path) for world, path in files.items()}


def test_the_gradient_is_that_of_one_process(computed):
    """One test of all cases: several would be shared out, and each process compute them all."""
    for world in WORLDS:
        for name, _ in cases():
            one, several = computed[1][name], computed[world][name]
            assert one.shape == several.shape, name
            distance = (several - one).norm(dim=1) / one.norm(dim=1)
            assert float(distance.max()) < 1e-10, (name, world)


def test_shares_are_consecutive_and_even():
    items = list(range(10))
    for world in (1, 2, 3, 7, 11):
        shares = [Ranks(rank, world).share(items) for rank in range(world)]
        assert [item for share in shares for item in share] == items
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_nothing_is_sent():
    ones = [torch.ones(2), torch.ones(3, dtype=torch.float64)]
    ALONE.sum_(ones)
    assert all(torch.equal(tensor, torch.ones_like(tensor)) for tensor in ones)
    assert ALONE.agree("value") == "value"
    assert ALONE.alike("value")
    assert ALONE.has_last_word()
    assert launched() == Place()
    with joined() as ranks:
        assert ranks is ALONE


@pytest.fixture
def itself(monkeypatch):
    """A run of one process that is connected as one of several is."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    for name, value in environment(0, 1, port).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(module, "launched", lambda: Place(0, 2))
    with joined() as ranks:
        yield ranks
    assert not torch.distributed.is_initialized()


def test_sums_keep_shapes_and_types(itself):
    tensors = [torch.rand(2, 3), torch.rand(4, dtype=torch.float64), torch.rand(())]
    before = [tensor.clone() for tensor in tensors]
    itself.sum_(tensors)
    itself.sum_([])
    assert all(torch.equal(*pair) for pair in zip(tensors, before, strict=True))
    assert itself.agree({"a": 1}) == {"a": 1}
    assert itself.alike(("a", 1))


def test_the_last_word_is_had_once(itself):
    other = Ranks(1, 2, store=itself.store)
    assert itself.has_last_word()
    assert itself.has_last_word()
    assert not other.has_last_word()


def test_where_nobody_can_be_asked_each_has_its_say(itself):
    class Gone:
        def set_timeout(self, timeout):
            raise torch.distributed.DistNetworkError("connection reset")

    assert Ranks(1, 2, store=Gone()).has_last_word()


def test_a_sum_without_the_others_says_so(itself, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr(torch.distributed, "all_reduce", fail)
    monkeypatch.setattr(torch.distributed, "broadcast_object_list", fail)
    with pytest.raises(LostRankError, match="another process of the run has gone"):
        itself.sum_([torch.ones(1)])
    with pytest.raises(LostRankError):
        itself.agree(1)
    with pytest.raises(LostRankError):
        itself.alike(1)
