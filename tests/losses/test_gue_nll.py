"""gue_nll and gue_nll_matched: what the pointwise form prefers, and what the matched one does."""

import numpy as np
import pytest
import torch

from tests.conftest import make_line
from tests.losses.given import measured
from zeta_exp.graph import Block
from zeta_exp.losses.gue_nll import GueMatchedLikelihood, GueNegativeLogLikelihood, softened_nll
from zeta_exp.losses.reference import Gaudin, Surmise
from zeta_exp.losses.spacing import smooth_spacing
from zeta_exp.theory.gue import surmise_expectation

MODE = np.sqrt(np.pi) / 2


def line_of(spacings):
    return np.concatenate([[0.0], np.cumsum(spacings - 1)])


def surmise_sample(count, rng):
    return np.sqrt(rng.gamma(1.5, np.pi / 4, count))


def nll(s):
    return softened_nll(torch.from_numpy(s)).numpy()


def test_the_mean_over_the_laws_is_their_level_and_more_elsewhere(unitary):
    plain = GueNegativeLogLikelihood(smooth_spacing)
    rng = np.random.default_rng(1)
    sample = surmise_sample(10_000, rng)
    error = nll(sample).std() / np.sqrt(len(sample))
    level = GueMatchedLikelihood(smooth_spacing, Surmise()).level
    assert measured(plain, line_of(sample)) == pytest.approx(level, abs=4 * error)
    gaudin = GueMatchedLikelihood(smooth_spacing, Gaudin()).level
    assert measured(plain, unitary) == pytest.approx(gaudin, abs=4 * error)
    assert measured(plain, line_of(rng.exponential(size=10_000))) > level + 1
    assert measured(plain, line_of(np.full(2000, MODE))) < level - 0.4  # the picket fence is less


def test_matched_has_the_variance_of_the_mean_as_sampling_term():
    matched = GueMatchedLikelihood(smooth_spacing, Surmise())
    rng, count = np.random.default_rng(2), 200
    values = np.array([measured(matched, line_of(surmise_sample(count, rng))) for _ in range(100)])
    variance = float(surmise_expectation(lambda s: (nll(s) - matched.level) ** 2))
    assert values.mean() == pytest.approx(
        variance / count, abs=4 * values.std() / np.sqrt(len(values))
    )


def test_matched_is_zero_at_the_level_and_above_it_on_both_sides(unitary):
    matched = GueMatchedLikelihood(smooth_spacing, Gaudin())
    rng = np.random.default_rng(3)
    assert measured(matched, unitary) < 2e-4
    assert measured(matched, line_of(rng.exponential(size=10_000))) > 1
    assert measured(matched, line_of(np.full(2000, MODE))) > 0.1


def test_independent_halves_have_mean_zero():
    matched = GueMatchedLikelihood(smooth_spacing, Surmise())
    rng = np.random.default_rng(4)

    def totals():
        spacings = torch.from_numpy(surmise_sample(100, rng))
        return torch.stack([softened_nll(spacings).sum(), torch.tensor(100.0)])

    found = np.array([float(matched.value_of_halves(totals(), totals())) for _ in range(300)])
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(len(found))
    total = totals()
    assert matched.value_of_halves(total, total) == matched.value(total)


@pytest.mark.parametrize("spacing", [1.3, 0.2, 0.01, -0.4])
def test_gradients(spacing):
    batch = make_line(count=40).runs([Block.with_halo(5, 9, 1)])
    residual = spacing * torch.arange(batch.ordinals.numel(), dtype=torch.float64)[None]
    residual.requires_grad_()
    for term in (
        GueNegativeLogLikelihood(smooth_spacing),
        GueMatchedLikelihood(smooth_spacing, Gaudin()),
    ):
        assert torch.autograd.gradcheck(
            lambda r, term=term: term.value(term.statistics(batch, r, None)), residual
        )
