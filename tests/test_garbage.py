"""The search for reference cycles: stopped for a while, and never for good."""

import gc
import subprocess
import sys

import pytest

from zeta_exp import garbage


def fresh(program: str) -> str:
    """What a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_pause_ends_however_it_is_left() -> None:
    with garbage.paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), garbage.paused():
        raise KeyError
    assert gc.isenabled()


def test_a_pause_within_a_pause_does_not_end_it() -> None:
    with garbage.paused():
        with garbage.paused():
            pass
        assert not gc.isenabled()


def test_only_what_existed_at_the_first_call_is_spared() -> None:
    program = """
import gc, weakref
from zeta_exp import garbage
class Node: pass
garbage.spare_imports()
spared = gc.get_freeze_count()
node = Node(); node.itself = node
known = weakref.ref(node)
garbage.spare_imports()
del node
gc.collect()
print(spared > 0, known() is None)
"""
    assert fresh(program) == "True True"


def test_what_runs_at_exit_still_runs() -> None:
    program = """
import atexit, gc
from zeta_exp import garbage
atexit.register(lambda: print(gc.get_freeze_count() > 0))  # the last registered runs first
garbage.spare_exit(); garbage.spare_exit()
print("end")
"""
    assert fresh(program) == "end\nTrue"
