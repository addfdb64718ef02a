"""gue_mmd: a kernel distance, its sampling term, its windows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conftest import make_line, make_model
from tests.losses.given import lookup, measured
from zeta_exp.errors import UserError
from zeta_exp.graph import Block
from zeta_exp.labels import EVERY_ZERO, Labels
from zeta_exp.losses.gue_mmd import GueMaximumMeanDiscrepancy
from zeta_exp.losses.reference import LAWS, WINDOWS, Gaudin, Surmise, scaled
from zeta_exp.losses.spacing import mean_spacing, noise_variance, smooth_spacing
from zeta_exp.split import Split
from zeta_exp.target import Truth
from zeta_exp.theory.gue import (
    gaudin_law,
    gauss_hermite_frequencies,
    surmise_density,
    surmise_expectation,
)

OMEGA, WEIGHT = gauss_hermite_frequencies()
EXACT = {"surmise": surmise_density, "gaudin": gaudin_law().density}


def term(law="gaudin", windows=(1,)):
    return GueMaximumMeanDiscrepancy(smooth_spacing, LAWS[law](), windows)


def drawn(law, count, rng):
    """Independent spacings of a law, by inversion of its distribution function on a fine grid."""
    grid = np.linspace(0, 6, 60_001)
    cdf = np.cumsum(EXACT[law](grid))
    return np.interp(rng.random(count), cdf / cdf[-1], grid)


def kernel_mmd(s, law):
    """The same distance as a double sum: E k(s, s′) − 2·E k(s, y) + E k(y, y′), k of width 1/3."""

    def kernel(x, y):
        return np.exp(-4.5 * np.subtract.outer(x, y) ** 2)

    mean = gaudin_law().expectation if law == "gaudin" else surmise_expectation
    mixed = mean(lambda y: kernel(s, y)).mean()
    own = mean(lambda y: mean(lambda x: kernel(y, x)))
    return kernel(s, s).mean() - 2 * mixed + own


@pytest.mark.parametrize("law", EXACT)
@pytest.mark.parametrize("sample", ["gue", "no repulsion", "picket fence"])
def test_the_quadrature_is_the_double_sum_over_pairs(law, sample):
    """For gaps that differ by at most 3: others turn faster than 64 nodes can tell."""
    count, rng = 2000, np.random.default_rng(3)
    s = {
        "gue": lambda: drawn("gaudin", count, rng),
        "no repulsion": lambda: np.minimum(rng.exponential(size=count), 3),
        "picket fence": lambda: np.full(count, 0.886),
    }[sample]()
    value = measured(term(law), np.concatenate([[0.0], np.cumsum(s - 1)]))
    assert value == pytest.approx(kernel_mmd(s, law), rel=1e-6)


@pytest.mark.parametrize("law", EXACT)
def test_its_mean_over_independent_spacings_of_the_law_is_the_sampling_term(law):
    rng, count = np.random.default_rng(4), 300
    phi = LAWS[law]().characteristic(OMEGA, 1)
    expected = float(WEIGHT @ (1 - np.abs(phi) ** 2)) / count
    one, lines = term(law), np.cumsum(drawn(law, 100 * count, rng).reshape(100, count) - 1, axis=1)
    values = np.array([measured(one, np.concatenate([[0.0], line])) for line in lines])
    assert values.mean() == pytest.approx(expected, abs=4 * values.std() / np.sqrt(len(values)))


@pytest.mark.parametrize("m", WINDOWS)
def test_halves_of_unitary_matrices_have_mean_zero_and_others_more(m, unitary):
    """Whatever the correlation of neighbours, where the halves are independent."""
    one, size, pairs = term(windows=[m]), 100, 50
    rng = np.random.default_rng(5)
    batch = make_line(count=size).runs([Block(1, size + 1, 1, size + 1)])

    def values(lines):
        totals = [one.statistics(batch, lookup(line)(batch), None) for line in lines]
        halves = zip(totals[::2], totals[1::2], strict=True)
        return np.array([float(one.value_of_halves(*two)) for two in halves])

    found = values(unitary.reshape(2 * pairs, size))
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(pairs)
    poisson = np.cumsum(rng.exponential(size=(20, size)) - 1, axis=1)
    for other in (poisson, np.zeros((2, size))):
        assert values(other).mean() > 10 * abs(found.mean())
        assert values(other).mean() > 0.01


def test_windows_are_averaged_and_see_what_single_gaps_cannot(unitary):
    shuffled = np.cumsum(np.random.default_rng(7).permutation(np.diff(unitary)))
    alone = {m: measured(term(windows=[m]), shuffled) for m in WINDOWS}
    assert alone[1] < 2e-4
    assert min(alone[m] for m in (2, 5, 8)) > 5e-3
    together = measured(term(windows=[8, 2, 1, 5]), shuffled)
    assert together == pytest.approx(np.mean(list(alone.values())), rel=1e-12)


def test_a_window_is_the_sum_of_consecutive_spacings():
    residual = np.random.default_rng(8).normal(0, 0.3, 60)
    batch = make_line(count=60).runs([Block.with_halo(3, 40, 9)])
    output = lookup(residual)(batch)
    single, _ = smooth_spacing(batch, output)
    for m in WINDOWS:
        window, counted = smooth_spacing(batch, output, m)
        summed = np.lib.stride_tricks.sliding_window_view(single.numpy(), m, axis=-1).sum(-1)
        np.testing.assert_allclose(window, summed, atol=1e-12)
        assert counted.sum() == 37  # owned by their first ordinal, whoever owns the others
        total = term(windows=[m]).statistics(batch, output, None)
        assert total[-1] == 37
        phases = np.exp(1j * np.multiply.outer(OMEGA, scaled(window[counted].numpy(), m))).sum(1)
        np.testing.assert_allclose(total[:64], np.concatenate([phases.real, phases.imag]))


def test_windows_stay_within_a_cluster():
    ordinals, part = np.array([3, 4, 5, 6, 8, 9, 10]), np.array([0, 0, 0, 1, 1, 1, 1])
    batch = make_line().cluster(ordinals, part, (1, 20))
    assert batch.windows(1).tolist() == [True, True, False, False, True, True]
    assert batch.windows(2).tolist() == [True, False, False, False, True]
    assert batch.windows(7).tolist() == []


def test_a_cluster_without_long_windows_measures_the_short_ones():
    both, short = term(windows=[1, 5]), term(windows=[1])
    batch = make_line().runs([Block(4, 8, 4, 8)])
    output = make_model("linear", make_line())(batch)
    totals = [t.statistics(batch, output, None) for t in (both, short)]
    assert totals[0][64::65].tolist() == [3, 0]
    assert both.count(totals[0]) == 3
    assert both.value(totals[0]) == short.value(totals[1])


def test_gradients_reach_every_output_of_a_window():
    one = term(windows=WINDOWS)
    batch = make_line(count=40).runs([Block.with_halo(5, 21, 8)])
    residual = torch.randn(batch.ordinals.shape, dtype=torch.float64, requires_grad=True)

    def value(residual):
        return one.value(one.statistics(batch, residual, None))

    assert torch.autograd.gradcheck(value, residual)
    (gradient,) = torch.autograd.grad(value(residual), residual)
    seen = batch.ordinals[0][gradient[0] != 0]
    assert (seen.min(), seen.max()) == (5, 28)  # 20 owned the last window, of 8 gaps


@pytest.mark.parametrize("windows", [[], [3], [1, 1], [0, 1], [1, 2, 5, 8, 9]])
def test_windows_without_a_reference_are_refused(windows):
    with pytest.raises(UserError, match=r"is no choice of 1, 2, 5, 8"):
        term(windows=windows)


def test_combinations_without_sense_are_refused():
    with pytest.raises(UserError, match=r"surmise knows single gaps.*sums of 5.*gaudin"):
        term("surmise", [1, 5])
    with pytest.raises(UserError, match=r"windows=\[2\] with loss.spacing=mean.*spacing=smooth"):
        GueMaximumMeanDiscrepancy(mean_spacing, Gaudin(), [2])
    GueMaximumMeanDiscrepancy(mean_spacing, Surmise(), [1])
    with pytest.raises(UserError, match=r"no 8 consecutive gaps in blocks of 8.*block_size=9"):
        term(windows=[1, 8]).check_block(size=8, view=8, receptive_field=0)
    term(windows=[1, 8]).check_block(size=8, view=9, receptive_field=0)


def predicted_with(residual, error, labels=EVERY_ZERO, windows=(1,), calibrated=True):
    """Statistics of the prediction δ − e on a line whose zeros have the residuals δ."""
    count = len(residual)
    line = make_line(count=count, max_prime=2)
    truth = Truth(line.target, lambda lo, hi: residual[lo - 1 : hi - 1], 1, count + 1, labels)
    batch = replace(line, truth=truth).runs([Block(1, count + 1, 1, count + 1)])
    mmd = GueMaximumMeanDiscrepancy(smooth_spacing, Gaudin(), windows, calibrated)
    output = torch.from_numpy(residual - error)[None]
    return mmd, mmd.statistics(batch, output, None), batch, output


class TestCalibrated:
    """The law of the prediction, convolved with that of its errors."""

    COUNT = 40_000

    @pytest.mark.parametrize("windows", [(1,), (2, 5)])
    @pytest.mark.parametrize("memory", [0.0, 0.8], ids=["independent", "correlated"])
    def test_a_prediction_without_its_noise_is_as_near_as_the_truth(self, windows, memory):
        """Errors independent of the prediction, each like the one before it or not."""
        rng = np.random.default_rng(5)
        gaps = rng.gamma(12, 1 / 12, self.COUNT)
        guess = np.cumsum(gaps - 1)
        error = 0.15 * rng.normal(size=self.COUNT)
        for n in range(1, self.COUNT):
            error[n] = memory * error[n - 1] + np.sqrt(1 - memory**2) * error[n]
        _, total, _, _ = predicted_with(guess + error, error, windows=windows)
        mmd, _, _, _ = predicted_with(guess, np.zeros(self.COUNT), windows=windows)
        plain, of_truth, _, _ = predicted_with(
            guess + error, np.zeros(self.COUNT), windows=windows, calibrated=False
        )
        assert float(mmd.value(total)) == pytest.approx(float(plain.value(of_truth)), rel=0.08)
        _, narrow, _, _ = predicted_with(guess + error, error, windows=windows, calibrated=False)
        assert float(plain.value(narrow)) > 1.2 * float(plain.value(of_truth))

    def test_few_labels_say_how_large_the_errors_are(self):
        """Of one zero in fifty there are few pairs: their errors count as independent."""
        rng = np.random.default_rng(6)
        residual, error = rng.normal(0, 0.3, (2, 20_000))
        labels = Labels(0.02, split=Split(1, 30_000))
        _, total, _, _ = predicted_with(residual, error, labels)
        assert float(noise_variance(total[-4:])) == pytest.approx(2 * 0.09, rel=0.15)

    def test_hidden_zeros_say_nothing(self):
        rng = np.random.default_rng(7)
        residual, error = rng.normal(0, 0.3, (2, 2_000))
        labels = Labels(0.2, split=Split(1, 3_000))
        _, expected, _, _ = predicted_with(residual, error, labels)
        known = labels.between(1, 2_001)
        shifted = np.where(known, residual, 0.77)
        _, total, _, _ = predicted_with(shifted, shifted - (residual - error), labels)
        torch.testing.assert_close(total, expected, rtol=1e-5, atol=1e-5)

    def test_no_gradient_goes_through_the_noise(self):
        rng = np.random.default_rng(8)
        residual, error = rng.normal(0, 0.2, (2, 300))
        mmd, total, batch, output = predicted_with(residual, error)
        output.requires_grad_()
        found = mmd.statistics(batch, output, None)
        (slope,) = torch.autograd.grad(mmd.value(found), output)
        shrink = mmd._shrink(total.view(1, -1))

        def fixed(output):
            sums = mmd.statistics(batch, output, None).view(1, -1)
            deviation = mmd._deviation(sums, shrink, torch.tensor([True]))
            return (mmd._weights * deviation.square()).sum()

        (expected,) = torch.autograd.grad(fixed(output), output)
        torch.testing.assert_close(slope, expected)

    def test_without_a_label_nothing_is_measured(self):
        labels = Labels(0.0, split=Split(1, 900))
        mmd, total, _, _ = predicted_with(*np.random.default_rng(9).normal(size=(2, 100)), labels)
        assert float(mmd.count(total)) == 0
        plain, total, _, _ = predicted_with(
            *np.random.default_rng(9).normal(size=(2, 100)), labels, calibrated=False
        )
        assert float(plain.count(total)) == 99

    def test_raw_gaps_are_refused(self):
        with pytest.raises(UserError, match=r"calibrated=true .* loss.spacing=smooth"):
            GueMaximumMeanDiscrepancy(mean_spacing, Gaudin(), (1,), True)
