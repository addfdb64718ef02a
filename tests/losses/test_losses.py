"""A loss is a sum that can be carried: blocks of any size give the full-batch loss and gradient."""

import math

import numpy as np
import pytest
import torch

from tests.conftest import make_line, make_model
from tests.losses.given import Fixed, lookup
from zeta_exp.errors import UserError
from zeta_exp.graph import Block
from zeta_exp.graph.blocks import contiguous
from zeta_exp.losses import make_loss
from zeta_exp.losses.gue_nll import GueNegativeLogLikelihood
from zeta_exp.losses.rg import RG_FORMS, SCALES, Dilation
from zeta_exp.losses.spacing import smooth_spacing
from zeta_exp.losses.weighted import add_statistics
from zeta_exp.split import Split
from zeta_exp.target import OrdinateTarget
from zeta_exp.theory.gue import (
    characteristic_mmd,
    gauss_hermite_frequencies,
    sample_cue_residuals,
    surmise_characteristic,
    surmise_nll,
)

TERMS = ("mse", "gue_nll", "gue_nll_matched", "gue_mmd", "rg")
ONES = dict.fromkeys(TERMS, 1.0)
NO_MEANS = {"gue_nll_matched", "gue_mmd"}
WINDOWED = {"reference": "gaudin", "windows": [1, 2, 5, 8]}
GLOBAL_FORMS = ["block_spin", "dilation"]


def whole(line, start, stop, model, loss):
    block = Block.with_halo(start, stop, model.receptive_field + loss.margin())
    return line.runs([block])


def value(loss, batch, model):
    with torch.no_grad():
        values = loss.values(loss.statistics(batch, model(batch), model))
    return {name: float(v) for name, v in values.items()}


@pytest.mark.parametrize("form", GLOBAL_FORMS)
@pytest.mark.parametrize(("start", "stop", "size"), [(1, 203, 17), (38, 240, 64), (6, 107, 101)])
def test_streamed_statistics_give_the_full_batch_gradient(
    line, model_name, form, start, stop, size
):
    model = make_model(model_name, line)
    loss = make_loss(ONES, "smooth", {"form": form}, WINDOWED)
    batch = whole(line, start, stop, model, loss)
    statistics = loss.statistics(batch, model(batch), model)
    total = loss.total(loss.values(statistics))
    expected = torch.autograd.grad(total, list(model.parameters()))

    halo = model.receptive_field + loss.margin()
    summed = None
    for block in contiguous(start, stop, size, halo):
        part = line.runs([block], scope=(start, stop))
        summed = add_statistics(summed, loss.statistics(part, model(part), model))
    for name, sums in statistics.items():
        torch.testing.assert_close(summed[name], sums, rtol=1e-11, atol=1e-11)
    gradient = torch.autograd.grad(loss.total(loss.values(summed)), list(model.parameters()))
    for ours, theirs in zip(gradient, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("form", GLOBAL_FORMS)
@pytest.mark.parametrize("name", TERMS)
def test_gradients_are_the_derivatives(form, name):
    line = make_line()
    model = make_model("relational", line)
    loss = make_loss({name: 1.0}, "smooth", {"form": form}, WINDOWED)
    batch = whole(line, 1, 60, model, loss)
    parameter = model.embed.weight
    direction = torch.randn_like(parameter)

    def at(step):
        with torch.no_grad():
            parameter.add_(step * direction)
            values = loss.values(loss.statistics(batch, model(batch), model, [name]))
            parameter.sub_(step * direction)
        return float(loss.total(values))

    total = loss.total(loss.values(loss.statistics(batch, model(batch), model, [name])))
    total.backward()
    slope = float((parameter.grad * direction).sum())
    numeric = (at(1e-6) - at(-1e-6)) / 2e-6
    if (name, form) == ("rg", "dilation"):  # its target f(x_2n) is held fixed by definition
        assert slope != pytest.approx(numeric, rel=1e-3)
    else:
        assert slope == pytest.approx(numeric, rel=1e-4, abs=1e-8)


def test_mse_is_the_mean_square_over_owned_ordinals():
    line = make_line(count=50)
    loss = make_loss(ONES, "smooth", {"form": "block_spin"})
    zero = Fixed(lambda n: torch.zeros(n.shape, dtype=torch.float64))
    batch = whole(line, 11, 41, zero, loss)
    truth = line.truth(np.arange(11, 41)).double()
    assert value(loss, batch, zero)["mse"] == pytest.approx(float(truth.square().mean()))


def test_spacing_terms_are_the_laws_of_the_theory():
    residual = sample_cue_residuals(400, 40, np.random.default_rng(1))
    loss = make_loss(ONES, "smooth", {"form": "block_spin"})
    model = lookup(residual)
    batch = whole(make_line(), 1, 400, model, loss)
    values = value(loss, batch, model)
    spacing = 1 + np.diff(residual)
    assert values["gue_mmd"] == pytest.approx(characteristic_mmd(spacing), rel=1e-9)
    wide = spacing[spacing > 0.3]  # where softplus(s/τ)τ is s
    assert len(wide) > 300
    assert values["gue_nll"] == pytest.approx(surmise_nll(np.maximum(spacing, 0.05)).mean(), 0.02)


def test_a_crossing_is_penalised_in_the_right_direction():
    """Neighbours that swapped order are pushed apart, at any distance, with a finite gradient."""
    line = make_line()
    term = GueNegativeLogLikelihood(smooth_spacing)
    for spacing in (0.5, 0.01, -0.3, -3.0, -50.0):
        gap = torch.tensor(spacing, dtype=torch.float64, requires_grad=True)
        model = Fixed(lambda n, gap=gap: (n - 20) * (gap - 1))
        batch = line.runs([Block.with_halo(20, 21, 1)])
        term.value(term.statistics(batch, model(batch), model)).backward()
        assert math.isfinite(gap.grad)
        assert gap.grad < 0


def test_gue_terms_prefer_the_gue():
    rng = np.random.default_rng(2)
    loss = make_loss(ONES, "smooth", {"form": "block_spin"})
    line = make_line(count=2000)
    unitary = sample_cue_residuals(2000, 100, rng)
    poisson = np.cumsum(rng.exponential(size=2000) - 1)
    picket = np.zeros(2000)
    mmd = [
        value(loss, whole(line, 1, 2000, lookup(r), loss), lookup(r))["gue_mmd"]
        for r in (unitary, poisson, picket)
    ]
    assert mmd[0] < 0.05 * min(mmd[1:])


def test_block_spin_vanishes_for_a_pointwise_affine_model():
    line = make_line()
    for name in ("linear", "mlp"):
        model = make_model(name, line)
        loss = make_loss(ONES, "smooth", {"form": "block_spin"})
        residue = value(loss, whole(line, 1, 300, model, loss), model)["rg"]
        # features are float32 numbers: the mean of a cell is rounded
        assert (residue < 1e-10) == (name == "linear")


@pytest.mark.parametrize("scales", [[2, 4], [3], [5, 2, 7]])
def test_block_spin_by_hand(scales):
    line = make_line()
    model = lookup(torch.arange(1.0, 400.0, dtype=torch.float64) ** 2)
    loss = make_loss(ONES, "smooth", {"form": "block_spin", "scales": scales})
    expected = []
    for b in scales:
        cells = [k for k in range(1, 200) if (k - 1) * b + 1 >= 6 and k * b < 101]
        means = [np.mean([n**2 for n in range((k - 1) * b + 1, k * b + 1)]) for k in cells]
        expected.append(np.mean([(k**2 - m) ** 2 for k, m in zip(cells, means, strict=True)]))
    batch = whole(line, 6, 101, model, loss)
    assert value(loss, batch, model)["rg"] == pytest.approx(np.mean(expected))


def test_incomplete_cells_are_dropped_and_counted():
    line = make_line()
    term = RG_FORMS["block_spin"](SCALES)
    model = make_model("linear", line)
    batch = line.runs([Block.with_halo(1, 102, 4)])  # 101 ordinals: 50 pairs, 25 fours
    statistics = term.statistics(batch, model(batch), model).tolist()
    assert statistics[1::3] == [50, 25]
    assert statistics[2::3] == [1, 1]


def test_cells_cut_at_either_end_are_counted():
    line = make_line()
    term = RG_FORMS["block_spin"](SCALES)
    model = make_model("linear", line)
    batch = line.runs([Block.with_halo(4, 102, 8)], scope=(4, 102))
    summed = term.statistics(batch, model(batch), model)
    assert summed[1::3].tolist() == [48, 24]  # pairs (5, 6) … (99, 100), fours 5–8 … 97–100
    assert summed[2::3].tolist() == [2, 2]  # (3, 4) and (101, 102); 1–4 and 101–104
    parts = [line.runs([b], scope=(4, 102)) for b in contiguous(4, 102, 9, halo=8)]
    again = sum(term.statistics(part, model(part), model) for part in parts)
    torch.testing.assert_close(again, summed)


def test_a_scale_without_cells_does_not_dilute_the_others():
    line = make_line()
    model = make_model("relational", line)
    term = RG_FORMS["block_spin"](SCALES)
    batch = line.runs([Block.with_halo(5, 8, 20)], scope=(5, 8))  # one pair, no four
    with torch.no_grad():
        statistics = term.statistics(batch, model(batch), model)
    assert statistics[1::3].tolist() == [1, 0]
    assert float(term.value(statistics)) == pytest.approx(float(statistics[0]))
    assert float(term.count(statistics)) == 1


def test_dilation_by_hand():
    line = make_line()
    model = lookup(torch.arange(1.0, 400.0, dtype=torch.float64) ** 2)
    term = Dilation()
    batch = line.runs([Block.with_halo(3, 101, 1)])
    total = term.statistics(batch, model(batch), model)
    n = np.arange(3, 51)  # 2n < 101
    assert total[1] == len(n)
    assert float(term.value(total)) == pytest.approx(np.mean(((2 * n) ** 2 / 2 - n**2) ** 2))
    far = line.runs([Block.with_halo(60, 101, 1)])  # no 2n within: all n count
    assert term.statistics(far, model(far), model)[1] == 41


def test_local_block_spin_counts_exact_cells_only():
    line = make_line()
    model = make_model("relational", line)
    local, whole_line = RG_FORMS["local"](SCALES), RG_FORMS["block_spin"](SCALES)
    wide = line.runs([Block.with_halo(33, 97, 20)])  # every cell's neighbourhood is in view
    torch.testing.assert_close(
        local.statistics(wide, model(wide), model), whole_line.statistics(wide, model(wide), model)
    )
    narrow = line.runs([Block.with_halo(33, 97, 2)])
    counted = local.statistics(narrow, model(narrow), model)[1::3].tolist()
    assert counted == [32 - 2, 16 - 4]  # one or two cells at either end see too little


def test_local_cells_without_their_neighbourhood_are_dropped():
    line = make_line(offsets=(1, 2))
    model = make_model("relational", line)  # receptive field 4 cells
    batch = line.runs([Block(40, 72, 40, 72)])
    statistics = RG_FORMS["local"](SCALES).statistics(batch, model(batch), model)
    # fours inside [40, 72): cells 11 … 17, of which none sees 4 cells on both sides
    assert statistics[1::3].tolist() == [15 - 8, 0]


def test_only_owned_spacings_count():
    line = make_line()
    ordinals = np.array([3, 4, 5, 8, 9, 12])
    part = np.array([0, 0, 1, 1, 1, 0])
    batch = line.cluster(ordinals, part, (1, 20))
    assert batch.pairs.tolist() == [True, False, False, True, False]


def test_mean_unfolding_drops_crossings_and_divides_by_the_mean():
    target = OrdinateTarget(Split(start=1, N=100))
    base = make_line(count=100)
    line = type(base)(base.features, base.offsets, target, None, base.device, base.dtype)
    heights = np.array([14.0, 20.0, 19.0, 25.0, 31.0])
    model = lookup(heights / target.unit)
    loss = make_loss({"gue_nll": 1.0}, "mean", {"form": "block_spin"})
    batch = line.runs([Block.with_halo(1, 5, 1)])
    total = loss.terms["gue_nll"].statistics(batch, model(batch), model)
    assert total[1] == 3
    assert float(total[0] / 3) == pytest.approx(float(surmise_nll(np.array([1.0]))[0]), abs=1e-6)
    with pytest.raises(UserError, match="target=ordinate"):
        loss.statistics(base.runs([Block.with_halo(1, 5, 1)]), model(batch), model)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            {"gue_mdd": 1.0},
            "'gue_mdd' is unknown; known: gue_mmd, gue_nll, gue_nll_matched, mse, rg",
        ),
        ({"mse": -1.0}, "loss.weights.mse=-1.0 must be a number"),
        ({"mse": math.nan}, "loss.weights.mse=nan must be a number"),
        ({"mse": 0.0, "rg": 0.0}, "all loss weights are zero"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(UserError, match=message):
        make_loss(weights, "smooth", {"form": "block_spin"})


def test_unknown_forms_are_refused():
    with pytest.raises(UserError, match=r"loss.rg.form=spin .*block_spin, dilation, local"):
        make_loss(ONES, "smooth", {"form": "spin"})
    with pytest.raises(UserError, match=r"loss.spacing=raw .*mean, smooth"):
        make_loss(ONES, "raw", {"form": "local"})


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ([], "coarse-grains nothing"),
        ([2, 1], r"scales=\[2, 1\] coarse-grains nothing.*each 2 or more"),
        ([4, -2], "each 2 or more"),
        ([2, 4, 2], "names a level twice"),
    ],
)
@pytest.mark.parametrize("form", RG_FORMS)
def test_levels_that_coarse_grain_nothing_are_refused(form, scales, message):
    with pytest.raises(UserError, match=message):
        make_loss(ONES, "smooth", {"form": form, "scales": scales})


def test_margin_and_views_follow_the_levels():
    for scales in ([2, 4], [3], [2, 16, 8]):
        term = make_loss(ONES, "smooth", {"form": "block_spin", "scales": scales}).terms["rg"]
        assert term.margin == max(scales) - 1
        assert term.view_nodes == pytest.approx(sum(1 / b for b in scales))
        local = make_loss(ONES, "smooth", {"form": "local", "scales": scales}).terms["rg"]
        assert local.margin == 0
        b = max(scales)
        local.check_block(size=4 * b, view=4 * b, receptive_field=1)
        with pytest.raises(UserError, match=f"cell of {b} in blocks of {3 * b}"):
            local.check_block(size=3 * b, view=3 * b, receptive_field=1)


def test_what_does_not_add_up_over_blocks_says_so():
    def cut(spacing, form):
        terms = make_loss(ONES, spacing, {"form": form}).terms
        return {name for name, term in terms.items() if term.not_additive}

    assert cut("smooth", "block_spin") == cut("smooth", "dilation") == set()
    assert cut("smooth", "local") == {"rg"}
    assert cut("mean", "block_spin") == {"gue_nll", "gue_nll_matched", "gue_mmd"}


# halves


def halved(half, loss, line, model):
    """Statistics of three blocks, and which are of the first half."""
    blocks = [
        Block.with_halo(first, first + 20, model.receptive_field + 4) for first in (9, 50, 90)
    ]
    batch = line.runs(blocks, scope=(1, 200), half=None if half is None else np.array(half))
    return loss.statistics(batch, model(batch), model)


def test_halves_add_up_to_the_whole():
    line = make_line()
    model = make_model("relational", line)
    loss = make_loss(ONES, "smooth", {"form": "block_spin"})
    whole = halved(None, loss, line, model)
    parts = halved([True, False, False], loss, line, model)
    for name, sums in whole.items():
        if name in NO_MEANS:
            assert parts[name].shape == (2, *sums.shape)
            assert loss.terms[name].count(parts[name][0]) == 20
            torch.testing.assert_close(parts[name].sum(0), sums)
        else:
            torch.testing.assert_close(parts[name], sums)
        if name not in NO_MEANS:
            torch.testing.assert_close(loss.values(parts)[name], loss.values(whole)[name])


def test_the_value_of_halves_is_the_product_of_their_deviations():
    loss = make_loss(ONES, "smooth", {"form": "block_spin"})
    line = make_line()
    model = make_model("relational", line)
    term = loss.terms["gue_mmd"]
    totals = halved([True, False, False], loss, line, model)["gue_mmd"]
    omega, weight = gauss_hermite_frequencies()
    law = surmise_characteristic(omega)
    first, second = (
        (t[:32] + 1j * t[32:64]).detach().numpy() / float(t[64].detach()) - law for t in totals
    )
    expected = float(weight @ (first * second.conj()).real)
    assert loss.values({"gue_mmd": totals})["gue_mmd"].item() == pytest.approx(expected)
    same = torch.stack([totals[0], totals[0]])
    assert term.value_of_halves(*same).item() == pytest.approx(term.value(totals[0]).item())


def test_a_mean_of_halves_is_the_mean():
    term = make_loss(ONES, "smooth", {"form": "block_spin"}).terms["mse"]
    first, second = torch.tensor([3.0, 2.0]), torch.tensor([5.0, 6.0])
    assert float(term.value_of_halves(first, second)) == 1.0


@pytest.mark.parametrize("half", [[True] * 3, [False] * 3])
def test_an_empty_half_leaves_no_value(half):
    line = make_line()
    model = make_model("relational", line)
    loss = make_loss(ONES, "smooth", {"form": "block_spin"})
    values = loss.values(halved(half, loss, line, model))
    assert values.keys() == {"mse", "gue_nll", "rg"}
