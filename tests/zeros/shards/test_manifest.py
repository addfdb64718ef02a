"""A manifest comes back from its bytes, and nothing else passes for one."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.zeros.shards import FORMS, WHOLE, Manifest, Plan, Shard, Slice
from zeta_exp.zeros.shards.manifest import known, parse, read_bytes

FLOATS = st.floats(allow_nan=False)
KNOWN = st.none() | st.floats(-5, 5)


@st.composite
def manifests(draw):
    size, count, start = (draw(st.integers(*limits)) for limits in ((2, 40), (1, 200), (1, 10**13)))
    plan = Plan(start, count, size, draw(st.sampled_from(FORMS)), {"name": "test", "method": 3})
    of = draw(st.integers(1, min(plan.shards, 4)))
    part = Slice(draw(st.integers(1, of)), of)
    shards = []
    for index in plan.indices(part):
        span = plan.span(index)
        if draw(st.booleans()):
            inner = draw(st.sets(st.integers(span.start, span.stop - 1), max_size=3))
            bases = sorted({span.start, *inner}) if plan.form.has_bases else []
            shards.append(
                Shard(
                    *(plan.form.file(index), span.start, span.count),
                    *(draw(FLOATS), draw(FLOATS), "ab" * 32),
                    *(draw(KNOWN), draw(KNOWN), draw(KNOWN)),
                    tuple((base, draw(FLOATS)) for base in bases),
                )
            )
    return Manifest(plan, part, tuple(shards))


@given(manifests())
def test_bytes_and_back(manifest):
    content = manifest.to_bytes()
    assert Manifest.from_bytes(content, manifest.part) == manifest
    assert Manifest.from_bytes(content, manifest.part).to_bytes() == content
    there = {shard.start for shard in manifest.shards}
    spans = [manifest.plan.span(index) for index in manifest.plan.indices(manifest.part)]
    missing = [manifest.plan.span(index) for index in manifest.missing()]
    assert missing == [span for span in spans if span.start not in there]


def test_a_nan_comes_back():
    shard = Shard("zeros_00000.npy", 1, 2, math.nan, math.inf, "", None, None, None)
    again = Shard.from_json(json.loads(json.dumps(shard.to_json(), allow_nan=False)))
    assert math.isnan(again.first)
    assert again.last == math.inf


def test_only_finite_values_are_known():
    assert [known(value) for value in (1.5, math.nan, -math.inf)] == [1.5, None, None]


@pytest.fixture
def manifest():
    plan = Plan(11, 25, 10, FORMS[1], {"name": "test"})
    shards = [
        Shard(
            plan.form.file(index), span.start, span.count, 0.5, 1.5, "00", 0.1, -1.0, 1.0,
            ((span.start, 7.25),),
        )
        for index, span in enumerate(map(plan.span, range(3)))
    ]  # fmt: skip
    return Manifest(plan, WHOLE, tuple(shards))


def spoil(manifest, **keys):
    """Its bytes with other values."""
    return json.dumps({**json.loads(manifest.to_bytes()), **keys}).encode()


@pytest.mark.parametrize(
    "keys",
    [
        {"format": "other"},
        {"version": 2},
        {"slice": [1, 2]},
        {"form": "heights"},
        {"form": ["offsets"]},
        {"form": "ordinates"},  # which have no bases
        {"start": "11"},
        {"start": 12},
        {"start": True},
        {"count": 24},
        {"count": 0},
        {"count": 1e3},
        {"shard_size": 5},
        {"shard_size": 0},
        {"source": 7},
        {"source": {"tolerance": "fine"}},
        {"source": {"tolerance": -1.0}},
        {"source": {"tolerance": [1.0]}},
        {"shards": None},
        {"shards": [5]},
        {"shards": [{}]},
    ],
    ids=str,
)
def test_a_spoilt_key_is_refused(manifest, keys):
    with pytest.raises(UserError, match=r"^zeros/manifest.json is no manifest .*\(.+\): .*delete"):
        parse("zeros", WHOLE, spoil(manifest, **keys))


@pytest.mark.parametrize(
    "entry",
    [
        {"file": "../../etc/passwd"},
        {"start": 12},
        {"count": 9},
        {"first": 0.5},
        {"first": "0x1p99999"},
        {"last": "high"},
        {"turing": "low"},
        {"bases": []},
        {"bases": [[12, "0x1p3"]]},
        {"bases": [[11, "0x1p3"], [11, "0x1p4"]]},
        {"bases": [[11, "0x1p3"], [21, "0x1p4"]]},
        {"bases": [11]},
    ],
    ids=str,
)
def test_a_spoilt_shard_is_refused(manifest, entry):
    shards = json.loads(manifest.to_bytes())["shards"]
    with pytest.raises(UserError, match="no manifest of a table"):
        parse("zeros", WHOLE, spoil(manifest, shards=[{**shards[0], **entry}, *shards[1:]]))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"{}"])
def test_other_bytes_are_refused(content):
    with pytest.raises(UserError, match=r"zeros/manifest_00001_of_00002.json is no manifest"):
        parse("zeros", Slice(1, 2), content)


def test_shards_out_of_order_or_doubled_are_refused(manifest):
    one, two, three = manifest.shards
    for shards in ((two, one, three), (one, one, two)):
        content = replace(manifest, shards=shards).to_bytes()
        with pytest.raises(UserError, match="not where the plan has it"):
            parse("zeros", WHOLE, content)


def test_more_slices_than_shards_are_refused(manifest):
    content = replace(manifest, part=Slice(1, 9), shards=()).to_bytes()
    with pytest.raises(UserError, match="9 slices are more than its 3 shards"):
        parse("zeros", Slice(1, 9), content)


def test_a_file_without_end_is_no_manifest(tmp_path, monkeypatch):
    monkeypatch.setattr("zeta_exp.zeros.shards.manifest._LARGEST", 10)
    (tmp_path / "manifest.json").write_bytes(b" " * 11)
    with pytest.raises(UserError, match="over a gigabyte"):
        read_bytes(str(tmp_path), WHOLE)
