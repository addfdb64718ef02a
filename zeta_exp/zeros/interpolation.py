"""Local polynomials of a band-limited function sampled on an even grid.

Z(t)·(phase removed) near height t holds no frequency above θ'(t), and the grid has
`POINTS_PER_GAP` = 4 points a mean gap, so a sample spacing turns the fastest wave by Ω = π/4.  On
the cell between two samples the function is a polynomial of degree 11 in y ∈ [−1, 1], linear in
the 20 samples around.
"""

import flint
import numpy as np
from numpy.typing import NDArray

POINTS_PER_GAP = 4.0
WIDTH = 20  # samples of one cell
DEGREE = 11  # of a cell's polynomial
PADDING = WIDTH // 2 + 2  # samples needed on either side of the cells of a block
_BAND_MARGIN = 1.02
_RIDGE = "1e-28"  # bounds the weights, so that rounding of the samples isn't magnified
_PRECISION = 256  # bits: the Gram matrix is singular in float64


def _sampling_weights(positions: list[flint.arb], omega: flint.arb) -> flint.arb_mat:
    """Weights w (WIDTH, P) that minimise ∫_{−Ω}^{Ω} |e^{iωs} − Σ_k w_k e^{iωk}|² dω + ridge.

    positions: the points s (P,) in units of the sample spacing, the cell being [0, 1].
    The normal equations are Σ_j sinc(Ω(k − j)) w_j = sinc(Ω(s − k)).
    """
    samples = [k - (WIDTH // 2 - 1) for k in range(WIDTH)]
    gram = [((k - j) * omega).sinc() for k in samples for j in samples]
    for k in range(WIDTH):
        gram[k * WIDTH + k] += flint.arb(_RIDGE)
    right = [((s - k) * omega).sinc() for k in samples for s in positions]
    return flint.arb_mat(WIDTH, WIDTH, gram).solve(flint.arb_mat(WIDTH, len(positions), right))


def _cell_matrix() -> NDArray[np.float64]:
    """Matrix (WIDTH, DEGREE+1): samples → coefficients of y^d, y = 2s − 1, of the cell [0, 1].

    The weighted values at the DEGREE+1 Chebyshev nodes are interpolated exactly.
    """
    size = DEGREE + 1
    with flint.ctx.workprec(_PRECISION):
        omega = flint.arb.pi() * flint.arb(_BAND_MARGIN) / flint.arb(POINTS_PER_GAP)
        nodes = [(flint.arb(2 * i + 1) / (2 * size)).cos_pi() for i in range(size)]
        weights = _sampling_weights([(y + 1) / 2 for y in nodes], omega)
        vandermonde = flint.arb_mat(size, size, [y**d for y in nodes for d in range(size)])
        coefficients = vandermonde.solve(weights.transpose())
        rows = [[float(c.mid()) for c in row] for row in coefficients.transpose().tolist()]
    return np.array(rows)


CELL_MATRIX = _cell_matrix()
