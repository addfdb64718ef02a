"""What the matrix products of a step would take alone, at the fastest rate of this machine."""

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

PEAK_SIZE = 2048  # of the square float32 product whose rate is the peak
PEAK_OPERATIONS = 2 * PEAK_SIZE**3
PEAK = "peak"  # its name among the functions that take turns


def square_product() -> Callable[[], object]:
    """The product, to be timed."""
    square = torch.randn(PEAK_SIZE, PEAK_SIZE)
    return lambda: square @ square


def product_operations(step: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products in one call, the backward pass included."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()
