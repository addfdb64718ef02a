"""The engine against python-flint, which proves its zeros with ball arithmetic."""

import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import flint
import numpy as np
import pytest

from zeta_exp.errors import UserError
from zeta_exp.theory.counting import smooth_count, unfold
from zeta_exp.zeros import MAX_ORDINAL, block, engine, generate, turing
from zeta_exp.zeros.blocks import FIRST_ORDER, blocks_from, order_edge
from zeta_exp.zeros.turing import FoundBlock

PRECISION = 120  # bits

# python-flint, acb.zeta_zeros(n, 1), prec 120
GOLDEN = {
    1: 14.134725142,
    10**4: 9877.782654006,
    10**5: 74920.827498994,
    10**6: 600269.677012445,
    10**7: 4992381.014003179,
    10**8: 42653549.760951556,
}
# γ_n beyond float64: whole part and the rest; python-flint, acb.zeta_zeros(n, 1), prec 100
HIGH = {
    10**9: (371870203, 0.83702805273405480),
    10**10: (3293531632, 0.3971367042089917),
    10**11: (29538618431, 0.613072810689561),
    10**12: (267653395648, 0.62594824214265),
    10**13: (2445999556030, 0.2468813938032397),
}
# Two zeros closer than a grid step, Lehmer's pair first; a search by sign changes loses the second
# and third pair.
CLOSE_PAIRS = [6709, 716_289, 919_314, 8_546_950]


def true_zeros(n: int, count: int) -> list[flint.arb]:
    with flint.ctx.workprec(PRECISION):
        return [zero.imag for zero in flint.acb.zeta_zeros(n, count)]


def errors(values: np.ndarray, true: list[flint.arb], base: float = 0.0) -> np.ndarray:
    """|base + values − true| without rounding."""
    with flint.ctx.workprec(PRECISION):
        pairs = zip(values, true, strict=True)
        return np.array([abs(float((t - base - float(v)).mid())) for v, t in pairs])


def test_first_300_zeros():
    ordinates = generate(1, 300)
    wrong = errors(ordinates, true_zeros(1, 300)) / np.spacing(ordinates)
    assert wrong[:3].max() < 3
    assert wrong[3:].max() <= 1


@pytest.mark.parametrize(
    ("n", "count"),
    [
        (649, 3),
        (1000, 20),
        (5000, 10),
        (10**4, 8),
        (21_900, 20),
        (10**5, 5),
        (10**6, 3),
        (10**7, 1),
    ],
)
def test_samples_are_right_to_the_last_place(n, count):
    ordinates = generate(n, count)
    wrong = errors(ordinates, true_zeros(n, count)) / np.spacing(ordinates)
    assert wrong.max() <= 1


@pytest.mark.parametrize(("n", "ordinate"), GOLDEN.items())
def test_golden_values(n, ordinate):
    assert generate(n, 1)[0] == pytest.approx(ordinate, abs=6e-10 + np.spacing(ordinate), rel=0)


@pytest.mark.parametrize("n", CLOSE_PAIRS)
@pytest.mark.parametrize("before", [0, 1, 10, 5000])
def test_close_pairs_from_several_starts(n, before):
    ordinates = generate(n - before, before + 2)[-2:]
    assert errors(ordinates, true_zeros(n, 2)).max() <= np.spacing(ordinates[0])


def test_one_zero():
    assert generate(1, 1) == pytest.approx([14.134725141734693790], abs=1e-14)
    assert generate(2, 1) == pytest.approx([21.022039638771554993], abs=1e-14)


def test_ordinates_ascend():
    assert np.all(np.diff(generate(1, 100_000)) > 0)


@pytest.mark.parametrize(
    ("start", "count"),
    [(1, 1), (1, 10_000), (500, 300), (9_999, 2), (21_000, 2_500), (64_000, 6_000), (70_000, 1)],
)
def test_bits_do_not_depend_on_the_request(start, count):
    whole = block(1, 70_000)
    part = block(start, count)
    asked = slice(start - 1, start - 1 + count)
    assert np.array_equal(part.residuals, whole.residuals[asked])
    assert np.array_equal(generate(start, count), generate(1, 70_000)[asked])


def test_bits_do_not_depend_on_the_request_far_up():
    whole = generate(5_000_000, 20_000)
    assert np.array_equal(generate(5_007_001, 12_000), whole[7_001:19_001])


@pytest.mark.parametrize("n", [n if n <= 10**12 else pytest.param(n, marks=pytest.mark.soak)
                               for n in HIGH])  # fmt: skip
def test_high_zeros(n):
    """The ordinal is found by Turing's method, python-flint finds it in its own way."""
    whole, rest = HIGH[n]
    zeros = block(n, 1)
    assert (zeros.base - whole) + zeros.offsets[0] == pytest.approx(rest, abs=1e-11, rel=0)
    with flint.ctx.workprec(PRECISION):
        theta = flint.arb_series([flint.arb(whole) + flint.arb(rest)], 1).riemann_siegel_theta()[0]
        true = float((theta / flint.arb.pi() + 1 - n + flint.arb(0.5)).mid())
    assert zeros.residuals[0] == pytest.approx(true, abs=1e-10)
    assert zeros.turing < 1


def test_bits_do_not_depend_on_the_request_at_the_twelfth_decade():
    whole, part = block(10**12 - 40, 60), block(10**12, 7)
    assert np.array_equal(part.residuals, whole.residuals[40:47])


@pytest.mark.parametrize("order", [FIRST_ORDER, 57, 58, 100, 309, 1000, 2604])
def test_zeros_on_either_side_of_a_change_of_order(order):
    """The last two zeros of N − 1 terms (or of Euler–Maclaurin) and the first two of N."""
    n = next(
        n for n, zeros in around(order_edge(order)) if zeros[1] < order_edge(order) <= zeros[2]
    )
    ordinates = generate(n, 4)
    assert (errors(ordinates, true_zeros(n, 4)) / np.spacing(ordinates)).max() <= 1


def around(height: float):
    """(n, zeros n … n+3) near a height."""
    first = round(float(smooth_count(height))) - 8
    ordinates = generate(first, 20)
    return [(first + i, ordinates[i : i + 4]) for i in range(17)]


def test_zeros_on_either_side_of_the_low_blocks_edges():
    low = [b for b in islice(blocks_from(10.0, from_bottom_below=20.0), 40) if not b.riemann_siegel]
    assert len(low) > 10
    ordinates = generate(1, 22_000)
    for edge in [b.lower for b in low[1:]]:
        n = int(np.searchsorted(ordinates, edge))  # zeros below the edge
        pair = ordinates[n - 1 : n + 1]
        assert (errors(pair, true_zeros(n, 2)) / np.spacing(pair)).max() <= 1


@pytest.mark.parametrize("workers", [2, 3])
def test_bits_do_not_depend_on_the_number_of_threads(workers):
    alone, together = block(900, 60_000), block(900, 60_000, workers=workers)
    assert np.array_equal(together.offsets, alone.offsets)
    assert np.array_equal(together.residuals, alone.residuals)
    assert together.turing == alone.turing


def test_calls_from_several_threads():
    starts = [1, 500_000, 3, 40_000, 10**7, 7000]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda start: generate(start, 500), starts))
    for start, ordinates in zip(starts, together, strict=True):
        assert np.array_equal(ordinates, generate(start, 500))


@pytest.mark.parametrize(("start", "count"), [(1, 9000), (30_000, 1), (999_999, 40_000)])
def test_a_stream_tiles_the_request(start, count):
    parts = list(engine.stream(start, count))
    assert [part.start for part in parts] == [start, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop == start + count
    assert all(4 * part.base == int(4 * part.base) for part in parts)
    ordinates = np.concatenate([part.base + part.offsets for part in parts])
    assert np.array_equal(ordinates, generate(start, count))
    assert np.array_equal(
        np.concatenate([part.residuals for part in parts]), block(start, count).residuals
    )
    for part in parts:
        assert math.isnan(part.turing) == (part.base < turing.VALID_FROM) or part.turing < 1


def test_a_stream_stops_early_without_harm():
    stream = engine.stream(1, 10**9, workers=2)
    first = next(stream)
    stream.close()
    assert first.start == 1


def test_a_stretch_has_the_same_residuals():
    zeros = block(10**6, 3000)
    assert zeros.stretch.residuals() == pytest.approx(zeros.residuals, abs=1e-10)
    assert zeros.stretch.start == 10**6
    assert zeros.stop == zeros.stretch.stop == 10**6 + 3000


def test_a_start_above_the_first_block_is_a_defect(monkeypatch):
    monkeypatch.setattr(engine, "_COUNT_MARGIN", -9000.0)
    with pytest.raises(RuntimeError, match="zero 1000000 was looked for above"):
        generate(10**6, 10)


def test_parameters_fit_a_manifest():
    assert json.loads(json.dumps(engine.parameters())) == engine.parameters()


def test_residuals_are_the_unfolded_ordinates():
    zeros = block(1, 20_000)
    assert zeros.residuals == pytest.approx(
        unfold(generate(1, 20_000), np.arange(1, 20_001)), abs=1e-10
    )


def test_residuals_keep_digits_that_ordinates_have_lost():
    n = 10**7
    zeros = block(n, 2)
    with flint.ctx.workprec(PRECISION):
        true = [
            float((gamma_theta / flint.arb.pi() + 1 - (n + i) + flint.arb(0.5)).mid())
            for i, gamma_theta in enumerate(
                flint.arb_series([gamma], 1).riemann_siegel_theta()[0] for gamma in true_zeros(n, 2)
            )
        ]
    assert zeros.residuals == pytest.approx(true, abs=1e-10)


def test_offsets_keep_digits_that_ordinates_have_lost():
    zeros = block(10**7, 2)
    assert zeros.base == int(zeros.base)
    assert errors(zeros.offsets, true_zeros(10**7, 2), zeros.base).max() < 1e-11
    assert zeros.base + zeros.offsets == pytest.approx(generate(10**7, 2), rel=3e-16)


def test_spread_of_residuals():
    # 0.289 over the first 10^4: mpmath.siegeltheta at flint's zeros
    assert block(1, 10_000).residuals.std() == pytest.approx(0.289, abs=1e-3)


@pytest.mark.parametrize(
    ("start", "count", "message"),
    [
        (0, 10, "start=0"),
        (-5, 10, "start=-5"),
        (1, 0, "count=0"),
        (1, -1, "count=-1"),
        (MAX_ORDINAL, 2, str(MAX_ORDINAL + 1)),
        (1, 10**15, "lower the start"),
        (10**13 + 1, 1, "lower the start"),
    ],
)
@pytest.mark.parametrize("function", [generate, block, engine.stream])
def test_requests_that_cannot_be_met(function, start, count, message):
    with pytest.raises(UserError, match=message):
        function(start, count)


@pytest.mark.parametrize("workers", [0, -1, 2000])
def test_no_sensible_number_of_threads(workers):
    with pytest.raises(UserError, match=f"workers={workers}"):
        generate(1, 10, workers=workers)


@pytest.mark.parametrize(("start", "count"), [(10**10, 1), (10**10 - 5, 6), (10**12, 3)])
def test_ordinates_where_float64_is_too_coarse(start, count):
    with pytest.raises(UserError, match=r"use block\(start, count\)"):
        generate(start, count)


def faulty(found: FoundBlock, place: float, kind: str) -> FoundBlock:
    """The block with a zero (or two) lost or invented at a relative place in [0, 1]."""
    index = round(place * (found.offsets.size - 2))
    if kind == "missing":
        offsets = np.delete(found.offsets, index)
    elif kind == "pair missing":
        offsets = np.delete(found.offsets, [index, index + 1])
    else:
        offsets = np.insert(found.offsets, index + 1, found.offsets[index : index + 2].mean())
    return FoundBlock(found.block, found.centre, offsets)


@pytest.mark.parametrize("start", [1, 30_000, 2_000_000])
@pytest.mark.parametrize("kind", ["missing", "pair missing", "extra"])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_a_lost_zero_never_shows_in_the_result(monkeypatch, start, kind, place):
    """Whichever block is hit: Turing's check raises, or only zeros not asked for were hit."""
    right, find_zeros, blocks = generate(start, 3000), engine.find_zeros, []
    monkeypatch.setattr(engine, "find_zeros", lambda b: blocks.append(b) or find_zeros(b))
    generate(start, 3000)
    caught = 0
    for hit in [b for b in blocks if b.lower > 30]:

        def find(block, hit=hit):
            found = find_zeros(block)
            return faulty(found, place, kind) if block == hit else found

        monkeypatch.setattr(engine, "find_zeros", find)
        try:
            assert np.array_equal(generate(start, 3000), right)
        except RuntimeError as error:
            assert "Turing" in str(error)  # noqa: PT017 - either outcome is right
            caught += 1
    assert caught >= len(blocks) - 3


def test_a_wrong_count_is_caught(monkeypatch):
    most_likely_below = FoundBlock.most_likely_below
    monkeypatch.setattr(FoundBlock, "most_likely_below", lambda self: most_likely_below(self) + 1)
    with pytest.raises(RuntimeError, match="Turing"):
        generate(10**6, 10)


def test_import_is_cheap():
    code = "import sys, zeta_exp.zeros; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.soak
def test_every_block_up_to_the_eighth_decade():
    """All 10^8 zeros: Turing's check, |S| and no zero near an edge, where rounding would decide."""
    last, blocks = 10**8, blocks_from(10.0, from_bottom_below=turing.VALID_FROM)
    for found, below, _ in engine._checked_blocks(blocks, 2):
        lower, upper = (
            edge - found.centre.height for edge in (found.block.lower, found.block.upper)
        )
        assert min(found.offsets[0] - lower, upper - found.offsets[-1]) > 1e-6
        assert np.abs(found.residuals(below)).max() + 0.5 < 2.2
        assert np.all(np.diff(found.offsets) > 0)
        if below + found.offsets.size >= last:
            break


@pytest.mark.soak
@pytest.mark.parametrize("start", [10**9, 10**10, 10**11, 10**12, 9 * 10**12])
def test_many_blocks_high_up(start):
    for zeros in engine.stream(start, 10**7, workers=2):
        assert zeros.turing < 1
        assert np.abs(zeros.residuals).max() < 3.5
        assert np.all(np.diff(zeros.offsets) > 0)
