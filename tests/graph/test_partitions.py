"""METIS clusters cover the line, cut few edges, and are computed once."""

import json

import numpy as np
import pytest
import torch

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.graph import ClusterGraph, adelic_offsets, partitions
from zeta_exp.graph.partitions import (
    MAX_NODES,
    Clusters,
    PartitionCache,
    adjacency,
    check_size,
    default_folder,
    metis_membership,
    partition_key,
)

OFFSETS = adelic_offsets([2, 3, 5, 7, 11, 13])
NODES, PARTS = 300, 6


@pytest.fixture
def cache(tmp_path):
    return PartitionCache(str(tmp_path / "kept"))


@pytest.fixture
def computed(monkeypatch):
    """The graphs that were partitioned, not read."""
    graphs = []

    def counted(nodes, offsets, parts, real=metis_membership):
        graphs.append((nodes, tuple(offsets), parts))
        return real(nodes, offsets, parts)

    monkeypatch.setattr(partitions, "metis_membership", counted)
    return graphs


def test_a_partition_covers_every_node_once_and_cuts_few_edges():
    membership = metis_membership(NODES, OFFSETS, PARTS)
    sizes = np.bincount(membership, minlength=PARTS)
    assert len(sizes) == PARTS
    assert sizes.max() <= 1.2 * NODES / PARTS
    # METIS finds what the order of ordinals gives: far fewer cut edges than a random partition
    edge_index, _ = ClusterGraph(torch.arange(101, 101 + NODES), OFFSETS).edges
    cut = (membership[edge_index[0]] != membership[edge_index[1]]).mean()
    random = np.random.default_rng(0).permutation(membership)
    assert cut < 0.4 * (random[edge_index[0]] != random[edge_index[1]]).mean()


@pytest.mark.parametrize("start", [1, 5, 10**6])
@pytest.mark.parametrize(("nodes", "offsets"), [(40, OFFSETS), (9, OFFSETS), (30, (1,)), (1, (1,))])
def test_the_graph_is_the_same_from_any_start(start, nodes, offsets, monkeypatch):
    """So the start needs no place in the key: edges below ordinal 1 lie in no range."""
    monkeypatch.setattr(partitions, "PIECE", 7)
    edge_index, _ = ClusterGraph(torch.arange(start, start + nodes), offsets).edges
    expected = {(int(a), int(b)) for a, b in edge_index.T if a != b}
    rows, neighbours = adjacency(nodes, offsets)
    found = [(i, int(j)) for i in range(nodes) for j in neighbours[rows[i] : rows[i + 1]]]
    assert len(found) == len(expected) == rows[-1]
    assert set(found) == expected
    assert found == sorted(found)


def test_clusters_are_the_members_of_each_part():
    membership = np.array([4, 0, 4, 2, 0, 0], dtype=np.int32)  # 1 and 3 are empty
    clusters = Clusters.of(membership)
    members = [clusters.members(k).tolist() for k in range(len(clusters))]
    assert members == [[1, 4, 5], [3], [0, 2]]
    assert [clusters.size(k) for k in range(len(clusters))] == [3, 1, 2]


def test_a_partition_is_computed_once(cache, computed):
    first = cache.partition(NODES, OFFSETS, PARTS)
    second = cache.partition(NODES, OFFSETS, PARTS)
    assert computed == [(NODES, OFFSETS, PARTS)]
    assert first.notes == second.notes == ()
    assert first.membership.dtype == second.membership.dtype == np.int32
    np.testing.assert_array_equal(first.membership, second.membership)
    np.testing.assert_array_equal(second.membership, metis_membership(NODES, OFFSETS, PARTS))


@pytest.mark.parametrize(
    "other",
    [(NODES + 1, OFFSETS, PARTS), (NODES, OFFSETS[:-1], PARTS), (NODES, OFFSETS, PARTS + 1)],
    ids=["nodes", "offsets", "parts"],
)
def test_the_partition_of_another_graph_is_never_used(cache, computed, other):
    graph = (NODES, OFFSETS, PARTS)
    cache.partition(*other)
    assert cache.path(*other) != cache.path(*graph)
    cache.partition(*graph)
    assert computed == [other, graph]


def test_the_key_is_that_of_the_content(monkeypatch):
    import pymetis

    key = partition_key(NODES, OFFSETS, PARTS)
    assert key == partition_key(NODES, OFFSETS[::-1], PARTS)
    assert len(key) == 64
    monkeypatch.setattr(pymetis, "version", "another")
    assert key != partition_key(NODES, OFFSETS, PARTS)


def damage(content):
    """Files that are no partition of the graph, one made from the right one."""
    short, long = np.zeros(NODES - 1, np.int32), np.zeros(NODES + 1, np.int32)
    return {
        "truncated": content[:-5],
        "longer": content + b"0",
        "empty": b"",
        "text": json.dumps([0] * NODES).encode(),
        "short": npy(short),
        "long": npy(long),
        "float": npy(np.zeros(NODES)),
        "table": npy(np.zeros((NODES, 1), np.int32)),
        "parts": npy(np.full(NODES, PARTS, np.int32)),
        "negative": npy(np.full(NODES, -1, np.int32)),
        "objects": npy(np.array([None] * NODES)),
    }


def npy(array):
    import io

    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("fault", damage(b"").keys())
def test_a_file_that_does_not_fit_is_replaced_with_a_note(cache, computed, fault):
    true = cache.partition(NODES, OFFSETS, PARTS).membership
    path = cache.path(NODES, OFFSETS, PARTS)
    with open(path, "rb") as file:
        content = file.read()
    with files.writing(path) as file:
        file.write(damage(content)[fault])
    again = cache.partition(NODES, OFFSETS, PARTS)
    np.testing.assert_array_equal(again.membership, true)
    (note,) = again.notes
    assert path in note
    assert "not usable" in note
    assert len(computed) == 2
    assert cache.partition(NODES, OFFSETS, PARTS).notes == ()
    assert len(computed) == 2


def test_a_folder_that_can_not_be_written_is_noted(tmp_path, computed):
    (tmp_path / "taken").write_text("no folder")
    cache = PartitionCache(str(tmp_path / "taken"))
    for _ in range(2):
        partition = cache.partition(NODES, OFFSETS, PARTS)
        assert len(partition.membership) == NODES
        (note,) = partition.notes
        assert "could not be kept" in note
    assert len(computed) == 2


def test_a_folder_in_the_place_of_the_file_is_noted_twice(cache):
    import os

    os.makedirs(cache.path(NODES, OFFSETS, PARTS))
    partition = cache.partition(NODES, OFFSETS, PARTS)
    assert len(partition.membership) == NODES
    assert len(partition.notes) == 2


def test_a_cache_can_be_an_address(computed):
    cache = PartitionCache("memory://partitions/here")
    for _ in range(2):
        assert len(cache.partition(NODES, OFFSETS, PARTS).membership) == NODES
    assert len(computed) == 1


def test_the_default_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == str(tmp_path / "zeta_exp" / "partitions")
    assert PartitionCache(None).path(9, (1,), 2).startswith(default_folder())
    for unset in ("", None):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        if unset is not None:
            monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert default_folder() == str(tmp_path / ".cache" / "zeta_exp" / "partitions")


def test_graphs_too_large_for_metis_are_refused(monkeypatch):
    check_size(MAX_NODES)
    with pytest.raises(UserError, match=r"100000001 training ordinals.*partition=contiguous"):
        check_size(MAX_NODES + 1)
    with pytest.raises(UserError, match="takes 100000000 at most"):
        metis_membership(MAX_NODES + 1, (1,), 2)
    monkeypatch.setattr(partitions, "MAX_ENTRIES", 500)
    adjacency(251, (1,))
    with pytest.raises(UserError, match=r"502 neighbours.*fewer graph.primes"):
        adjacency(252, (1,))
