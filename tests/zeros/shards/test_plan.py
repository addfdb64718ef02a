"""Shards tile a table, slices tile its shards."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeta_exp.errors import UserError
from zeta_exp.zeros.shards import FORMS, WHOLE, Plan, Slice, slice_from
from zeta_exp.zeros.shards.plan import slice_of_manifest

PLANS = st.builds(
    Plan,
    start=st.integers(1, 10**13),
    count=st.integers(1, 5000),
    shard_size=st.integers(1, 700),
    form=st.sampled_from(FORMS),
    source=st.just({"name": "test"}),
)


@given(PLANS)
def test_shards_tile_the_table(plan):
    spans = [plan.span(index) for index in range(plan.shards)]
    assert spans[0].start == plan.start
    assert spans[-1].stop == plan.stop
    assert all(span.count >= 1 for span in spans)
    assert all(one.stop == other.start for one, other in pairwise(spans))
    assert all(span.count == plan.shard_size for span in spans[:-1])


@given(PLANS, st.integers(1, 12))
def test_slices_tile_the_shards_evenly(plan, of):
    slices = [plan.indices(Slice(i, of)) for i in range(1, of + 1)]
    assert [index for indices in slices for index in indices] == list(range(plan.shards))
    assert max(map(len, slices)) - min(map(len, slices)) <= 1


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_manifest_names_its_slice(i, of):
    part = Slice(min(i, of), max(i, of))
    assert slice_of_manifest(part.manifest) == part
    assert slice_from(str(part)) == part


def test_the_whole_table_is_one_slice():
    assert slice_from("1/1") == WHOLE
    assert WHOLE.manifest == "manifest.json"
    assert slice_from("2/8").manifest == "manifest_00002_of_00008.json"


@pytest.mark.parametrize(
    "name",
    [
        "manifest.txt",
        "Manifest.json",
        "manifest_00000_of_00008.json",
        "manifest_00009_of_00008.json",
        "manifest_00001_of_00001.json",
        "manifest_2_of_8.json",
        "manifest_000002_of_00008.json",
        "zeros_00000.npy",
    ],
)
def test_other_names_are_no_manifests(name):
    assert slice_of_manifest(name) is None


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/4/2", "1.0/4"])
def test_no_slice(text):
    with pytest.raises(UserError, match="i/K"):
        slice_from(text)


@pytest.mark.parametrize("size", [0, -3, 10**12])
def test_shards_of_no_size_or_too_large(size):
    with pytest.raises(UserError, match=f"shard of {size} zeros"):
        Plan(1, 10, size, FORMS[0], {}).validate(WHOLE)


def test_more_slices_than_shards():
    plan = Plan(1, 100, 30, FORMS[0], {})
    plan.validate(Slice(4, 4))
    with pytest.raises(UserError, match="make at most 4"):
        plan.validate(Slice(1, 5))


def test_the_difference_names_what_differs():
    plan = Plan(1, 100, 30, FORMS[0], {"name": "computed", "method": 1})
    assert plan.difference(plan) is None
    assert plan.difference(Plan(1, 7, 30, FORMS[0], plan.source)) == "count=100, not count=7"
    assert plan.difference(Plan(1, 7, 30, FORMS[0], plan.source), ignore=("count",)) is None
    other_form = plan.difference(Plan(1, 100, 30, FORMS[2], plan.source))
    assert other_form == "form=ordinates, not form=residuals"
    other_source = plan.difference(Plan(1, 100, 30, FORMS[0], {"name": "computed", "method": 2}))
    assert other_source == "source={method: 1}, not source={method: 2}"
