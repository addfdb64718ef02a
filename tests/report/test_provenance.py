"""What beside the config may change the numbers is named, each once."""

from tests.verdict.sweeps import PROVENANCE
from zeta_exp.report.provenance import changed, circumstances


def result(**changes):
    return {"ranks": 1, "provenance": PROVENANCE | {"zeros_sha256": "a" * 64, "seed": 0} | changes}


def test_nothing_has_changed():
    assert changed(result(), result(seed=1)) == []


def test_each_change_is_named():
    other = result(git="0" * 40, dirty=True, threads=8, zeros_sha256="b" * 64, device="L4")
    other["provenance"]["versions"] = PROVENANCE["versions"] | {"torch": "3.0"}
    assert changed(result(), other | {"ranks": 2}) == [
        "commit 4433ac037d (now 0000000000)",
        "uncommitted changes none (now yes)",
        "torch 2.13.0 (now 3.0)",
        "device cpu (x86_64) (now L4)",
        "threads 1 (now 8)",
        "zeros' sha256 aaaaaaaaaa (now bbbbbbbbbb)",
        "processes 1 (now 2)",
    ]


def test_uncommitted_changes_are_told_even_where_both_had_some():
    assert changed(result(dirty=True), result(dirty=True)) == [
        "uncommitted changes both times, maybe not the same"
    ]


def test_what_nobody_recorded_is_unknown():
    assert "device unknown (now cpu (x86_64))" in changed({}, result())
    assert circumstances({}) == {}
