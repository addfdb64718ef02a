"""Kept errors of baselines are those that would be computed, to the bit, or are computed."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zeta_exp.evaluation import baseline_cache
from zeta_exp.evaluation.baseline_cache import BaselineCache, Compared, default_folder
from zeta_exp.features import LogIndex, PrimePhases, RandomPhases, WrongHeight
from zeta_exp.labels import Labels
from zeta_exp.split import Split
from zeta_exp.zeros import ComputedZeros, CueZeros, PoissonZeros, ShuffledZeros

SPLIT = Split(1, 300)
ZEROS = ComputedZeros()


def matrix(features):
    return lambda ordinals: features(ordinals).numpy()


def compared(**changed):
    usual = Compared(SPLIT, ZEROS.residuals, matrix(PrimePhases(7)), 7)
    return replace(usual, **changed)


@pytest.fixture
def cache(tmp_path):
    return BaselineCache(str(tmp_path / "kept"))


@pytest.fixture
def computed(monkeypatch):
    """How often the baselines were computed, not read."""
    calls = []

    def counted(*arguments, labels, real=baseline_cache.baseline_errors):
        calls.append(arguments)
        return real(*arguments, labels=labels)

    monkeypatch.setattr(baseline_cache, "baseline_errors", counted)
    return calls


def as_bytes(errors):
    return json.dumps(errors).encode()


def test_a_hit_is_a_miss_to_the_bit(cache, computed):
    first, second = cache.errors(compared()), cache.errors(compared())
    without = BaselineCache(False).errors(compared())
    assert as_bytes(first) == as_bytes(second) == as_bytes(without)
    assert len(computed) == 2  # by the first and the last


def test_errors_that_are_no_numbers_come_back_as_they_were(cache, monkeypatch):
    strange = {"smooth": {"next100": float("nan"), "next10pct": float("inf")}}
    monkeypatch.setattr(baseline_cache, "baseline_errors", lambda *_, **__: strange)
    cache.errors(compared())
    monkeypatch.setattr(baseline_cache, "baseline_errors", lambda *_, **__: {})
    assert as_bytes(cache.errors(compared())) == as_bytes(strange)


def others():
    """Each differs from the usual in one thing."""
    spoilt = lambda start, stop: np.where(  # noqa: E731
        np.arange(start, stop) == 305, 0.0, ZEROS.residuals(start, stop)
    )
    return {
        "range": {"split": Split(1, 310)},
        "start": {"split": Split(2, 300)},
        "max_prime": {"max_prime": 11},
        "labels": {"labels": Labels(0.5, split=SPLIT)},
        "shuffled": {"residuals": ShuffledZeros(SPLIT, 0).residuals},
        "shuffled anew": {"residuals": ShuffledZeros(SPLIT, 1).residuals},
        "cue": {"residuals": CueZeros(16, 0).residuals},
        "poisson": {"residuals": PoissonZeros(16, 0).residuals},
        "one zero beyond": {"residuals": spoilt},
        "log n": {"features": matrix(LogIndex())},
        "primes": {"features": matrix(PrimePhases(11))},
        "random": {"features": matrix(RandomPhases(7, 0))},
        "random anew": {"features": matrix(RandomPhases(7, 1))},
        "wrong height": {"features": matrix(WrongHeight(7, 10**6))},
    }


def test_whatever_differs_has_a_key_of_its_own(cache):
    paths = [cache.path(compared(**changed)) for changed in ({}, *others().values())]
    assert len(set(paths)) == len(paths)
    assert cache.path(compared()) == paths[0]


@pytest.mark.parametrize("name", ["FORMULAS", "PACKAGES"])
def test_the_code_is_in_the_key(cache, monkeypatch, name):
    path = cache.path(compared())
    monkeypatch.setattr(baseline_cache, name, {"FORMULAS": 10**6, "PACKAGES": ("numpy",)}[name])
    assert cache.path(compared()) != path


def test_what_rounds_is_in_the_key(cache, monkeypatch):
    path = cache.path(compared())
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "77")
    assert cache.path(compared()) != path


def test_the_features_of_a_long_line_are_probed_evenly(monkeypatch):
    monkeypatch.setattr(baseline_cache, "PROBES", 50)
    asked = []

    def features(ordinals):
        asked.append(ordinals)
        return PrimePhases(7)(ordinals).numpy()

    compared(features=features).content()
    (probes,) = asked
    assert 25 <= probes.size <= 50
    assert probes[0] == 1
    assert probes[-1] > SPLIT.next_tenth[0]


def damage(content):
    kept = json.loads(content or "{}")
    return {
        "empty": b"",
        "truncated": content[:-9],
        "bytes": b"\xff\x00",
        "list": b"[1]",
        "nothing": b"{}",
        "number": json.dumps(kept | {"errors": kept.get("errors", {}) | {"smooth": {}}}).encode(),
        "other": json.dumps(kept | {"content": {}}).encode(),
    }


@pytest.mark.parametrize("fault", damage(b"").keys())
def test_a_damaged_entry_is_replaced_with_a_warning(cache, computed, caplog, fault):
    true = cache.errors(compared())
    path = Path(cache.path(compared()))
    path.write_bytes(damage(path.read_bytes())[fault])
    with caplog.at_level(logging.WARNING, "zeta_exp"):
        assert as_bytes(cache.errors(compared())) == as_bytes(true)
    assert "not usable" in caplog.text
    caplog.clear()
    cache.errors(compared())
    assert not caplog.records
    assert len(computed) == 2


def test_a_folder_that_can_not_be_written_is_warned_of(tmp_path, computed, caplog):
    (tmp_path / "taken").write_text("no folder")
    with caplog.at_level(logging.WARNING, "zeta_exp"):
        errors = BaselineCache(str(tmp_path / "taken")).errors(compared())
    assert "could not be kept" in caplog.text
    assert as_bytes(errors) == as_bytes(BaselineCache(False).errors(compared()))


def test_a_cache_can_be_an_address(computed):
    cache = BaselineCache("memory://baselines/here")
    assert as_bytes(cache.errors(compared())) == as_bytes(cache.errors(compared()))
    assert len(computed) == 1


def test_nothing_is_kept_where_nobody_wants_it(monkeypatch, tmp_path, computed):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(2):
        BaselineCache(False).errors(compared())
    assert list(tmp_path.iterdir()) == []
    assert len(computed) == 2


@pytest.mark.parametrize("folder", [None, True])
def test_the_default_folder_is_the_users_cache(monkeypatch, tmp_path, folder):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == str(tmp_path / "zeta_exp" / "baselines")
    assert BaselineCache(folder).path(compared()).startswith(default_folder())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert default_folder() == str(tmp_path / ".cache" / "zeta_exp" / "baselines")
