"""Integrals over a range of spacings: Gauss–Legendre in panels."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray

Function = Callable[[NDArray[np.float64]], NDArray[Any]]  # spacings (Q,) to (..., Q)

PANEL = 0.25  # mean spacings: phases turn by 8 in it, and a softplus of scale 0.05 is smooth
NODES = 16  # of a panel: error 1e-15


@functools.cache
def panels(stop: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of ∫_0^stop, (Q,) each."""
    count = math.ceil(stop / PANEL)
    width = stop / count
    node, weight = leggauss(NODES)
    nodes = (np.arange(count)[:, None] + (node + 1) / 2) * width
    return nodes.ravel(), np.tile(weight * width / 2, count)


def expectation(density: Function, stop: float, function: Function) -> NDArray[Any]:
    """∫_0^stop f(s) p(s) ds, (...) of f: (Q,) to (..., Q)."""
    node, weight = panels(stop)
    return np.asarray(function(node) @ (weight * density(node)))
