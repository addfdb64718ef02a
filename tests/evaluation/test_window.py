"""A model on a window: exact whatever the blocks, and with little of it in memory."""

from unittest.mock import Mock

import numpy as np
import pytest

from tests.conftest import make_line, make_model
from zeta_exp.evaluation import window
from zeta_exp.evaluation.window import Window
from zeta_exp.losses import make_loss
from zeta_exp.losses.weighted import add_statistics
from zeta_exp.ranks import Ranks

LOSS = make_loss({"mse": 1.0, "gue_mmd": 0.05}, "smooth", {"form": "block_spin", "scales": [2, 4]})


@pytest.fixture
def line():
    return make_line(offsets=(1, 2))


@pytest.fixture
def model(line):
    return make_model("relational", line)


def joined(pieces):
    """Predictions of all pieces and the values of all terms."""
    total = None
    for piece in (pieces := list(pieces)):
        total = add_statistics(total, piece.statistics)
    return np.concatenate([piece.residuals for piece in pieces]), LOSS.values(total)


def test_a_window_is_exact_whatever_its_blocks(line, model, monkeypatch):
    expected, values = joined(Window(line, 50, 350, halo=8).evaluate(model, LOSS))
    assert expected.shape == (300,)
    monkeypatch.setattr(window, "BLOCK", 64)
    pieces = list(Window(line, 50, 350, halo=8).evaluate(model, LOSS))
    assert [piece.start for piece in pieces] == [50, 114, 178, 242, 306]
    parts, part_values = joined(pieces)
    np.testing.assert_allclose(parts, expected, atol=1e-12)
    for name, value in values.items():
        assert float(part_values[name]) == pytest.approx(float(value), rel=1e-9)


def test_without_a_loss_there_are_no_statistics_and_no_graph(line, model):
    (piece,) = Window(line, 50, 90, halo=8).evaluate(model)
    assert piece.statistics == {}
    (piece,) = Window(line, 50, 90, halo=8).evaluate(model, LOSS)
    assert not any(sums.requires_grad for sums in piece.statistics.values())


@pytest.mark.parametrize(("room", "kept"), [(2**25, 5), (1000, 0)])
def test_batches_are_kept_while_their_features_take_little_room(
    line, model, monkeypatch, room, kept
):
    monkeypatch.setattr(window, "BLOCK", 64)
    monkeypatch.setattr(window, "KEPT_BYTES", room)
    here = Window(line, 50, 350, halo=8)
    first, again = (joined(here.evaluate(model, LOSS))[0] for _ in range(2))
    assert np.array_equal(first, again)
    assert len(here._kept) == kept


def test_nothing_is_computed_before_it_is_asked_for(line, model, monkeypatch):
    monkeypatch.setattr(window, "BLOCK", 64)
    spied = Mock(wraps=model)
    pieces = Window(line, 50, 350, halo=8).evaluate(spied)
    for count in (1, 2):
        next(pieces)
        assert spied.call_count == count


@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_ranks_have_all_blocks_between_them(line, model, monkeypatch, world):
    monkeypatch.setattr(window, "BLOCK", 64)
    whole, values = joined(Window(line, 50, 350, halo=8).evaluate(model, LOSS))
    shares = [
        list(Window(line, 50, 350, halo=8).evaluate(model, LOSS, Ranks(rank, world)))
        for rank in range(world)
    ]
    assert all(shares)  # a process without blocks has sums to add all the same
    together, shared_values = joined(piece for share in shares for piece in share)
    assert np.array_equal(together, whole)
    for name, value in values.items():
        assert float(shared_values[name]) == pytest.approx(float(value), rel=1e-12)
