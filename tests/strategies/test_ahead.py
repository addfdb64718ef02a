"""Working ahead changes when things are made, and nothing else."""

import gc
import itertools
import subprocess
import sys
import threading
import time
import weakref

import pytest
import torch

from zeta_exp.strategies import ahead as module
from zeta_exp.strategies.ahead import ahead

WAIT = 5.0  # seconds until a thread that should have ended is a leak


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


@pytest.fixture(autouse=True)
def _no_leak():
    before = len(workers())
    yield
    gc.collect()
    deadline = time.monotonic() + WAIT
    while len(workers()) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(workers()) == before


@pytest.mark.parametrize("depth", [1, 2, 100])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_the_items_and_their_order_are_kept(depth, count):
    assert list(ahead(iter(range(count)), depth)) == list(range(count))


def test_items_are_made_in_another_thread_one_at_a_time():
    names = list(ahead((threading.current_thread().name for _ in range(5)), depth=3))
    assert names == ["ahead"] * 5


def test_nothing_is_made_before_it_is_asked_for():
    made = []
    reader = ahead((made.append(i) for i in range(5)), depth=2)
    assert made == []
    assert not workers()
    reader.close()


def test_no_more_than_the_depth_is_made_ahead():
    made = []
    reached = threading.Event()

    def items():
        for i in itertools.count():
            made.append(i)
            if len(made) == 4:
                reached.set()
            yield i

    reader = ahead(items(), depth=3)
    assert next(reader) == 0
    assert reached.wait(WAIT)  # the one that was read, and three ahead
    time.sleep(0.05)
    assert len(made) == 4
    reader.close()


def test_what_is_read_is_not_kept():
    class Thing:
        pass

    reader = ahead((Thing() for _ in range(10)), depth=2)
    seen = weakref.ref(next(reader))
    next(reader)
    gc.collect()
    assert seen() is None
    reader.close()


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_is_raised_in_its_place(error):
    def items():
        yield 1
        yield 2
        raise error

    reader = ahead(items(), depth=4)
    assert [next(reader), next(reader)] == [1, 2]
    with pytest.raises(type(error)) as raised:
        next(reader)
    assert raised.value is error
    with pytest.raises(StopIteration):
        next(reader)


@pytest.mark.parametrize("depth", [1, 3])
def test_closing_ends_the_thread_and_the_source(depth):
    closed = []

    def items():
        try:
            yield from itertools.count()
        finally:
            closed.append(threading.current_thread().name)

    reader = ahead(items(), depth)
    assert next(reader) == 0
    reader.close()
    assert not workers()  # at once: closing waits for it
    assert closed == ["ahead"]


def test_an_abandoned_reader_ends_the_thread():
    for taken in ahead(itertools.count(), depth=2):
        if taken == 3:
            break
    gc.collect()
    assert not workers()


def test_a_reader_that_fails_ends_the_thread():
    def read():
        for taken in ahead(itertools.count(), depth=2):
            raise RuntimeError(taken)

    with pytest.raises(RuntimeError, match="0"):
        read()
    gc.collect()
    assert not workers()


def test_readers_can_be_nested():
    inner = ahead(iter(range(20)), depth=2)
    assert list(ahead((2 * i for i in inner), depth=3)) == list(range(0, 40, 2))
    outer = ahead((i for i in ahead(itertools.count(), depth=2)), depth=2)
    assert next(outer) == 0
    outer.close()
    gc.collect()
    assert not workers()


def test_the_thread_computes_with_the_threads_of_the_process():
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert list(ahead((torch.get_num_threads() for _ in range(1)), 1)) == [threads]
    finally:
        torch.set_num_threads(before)


def test_a_reader_dropped_within_its_own_thread_ends_it():
    box = []

    def items():
        yield 0
        box.clear()  # the last reference
        yield from itertools.count()

    box.append(ahead(items(), depth=2))
    assert next(box[0]) == 0


def test_a_process_ends_with_a_reader_half_read():
    script = (
        "import importlib.util, itertools, sys\n"
        "spec = importlib.util.spec_from_file_location('ahead', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "reader = module.ahead(itertools.count(), 2)\n"
        "next(reader)\n"
        "raise SystemExit(7)\n"
    )
    command = [sys.executable, "-c", script, module.__file__]
    assert subprocess.run(command, timeout=30, check=False).returncode == 7


def test_no_room_is_refused():
    with pytest.raises(ValueError, match="depth=0"):
        ahead(iter(()), depth=0)
