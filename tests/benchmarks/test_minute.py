"""The clock of a run by part: every second is counted once."""

import time

import pytest

from benchmarks.minute import PARTS, Clock, beside


def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_part_within_another_is_not_counted_twice():
    clock = Clock()
    before = time.process_time()
    with clock.part("evaluation"):
        clock.timed("zeros", busy)(0.02)
        with clock.part("baselines"):
            clock.timed("zeros", busy)(0.02)
    passed = time.process_time() - before
    assert clock.seconds["zeros"] >= 0.04
    assert sum(clock.seconds.values()) <= passed


def test_a_part_that_fails_is_closed():
    clock = Clock()
    with pytest.raises(KeyError), clock.part("figures"):
        raise KeyError
    with clock.part("training"):
        busy(0.01)
    assert clock.seconds["training"] >= 0.01


def test_training_and_validation_are_not_beside_the_training():
    seconds = dict.fromkeys(PARTS, 1.0) | {"total": float(len(PARTS))}
    assert beside(seconds) == len(PARTS) - 2
