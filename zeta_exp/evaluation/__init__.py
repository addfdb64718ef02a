"""Floor 5: how far off a prediction is, and what it must be compared with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Evaluation:
    """What the measures of a run may vary."""

    max_prime: int  # largest prime of the explicit formula and of the prime-tail scale
