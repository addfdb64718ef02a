"""Width, depth and length of a run where nothing is asked for: functions of N, the height and P.

The rules are read off the runs of `experiment=recipe` and others like them, on validation alone.
They are defined for every number, for a bad one is refused where it is read.
"""

import math

UPDATES = 2_400  # of mini-batches; more gain little, fewer lose
BLOCK = 64  # ordinals of a mini-batch's block
MOST_EPOCHS = 60  # of a short line: more would only over-fit it
FULL_UPDATES = 1_200  # of steps on the whole line at N = 10^4
MOST_EXACT_UPDATES = 4_000
FEW_STEPS = 20  # of an epoch, which are nearly the whole line each
# classes of features that are cosines, sines and a height
PHASES = ("PrimePhases", "IntegerPhases", "RandomPhases", "WrongHeight")
SHALLOWEST, DEEPEST = 3, 16
NARROWEST, WIDEST = 8, 48
UNKNOWN = 0.03  # mean spacings of error left by missing primes, from which they are noise
LEAST_ROOM = 0.2  # share of the squared error below which no loss can matter
LEFT = 10.0  # mean spacings × √labelled zeros: more than training leaves beside missing primes


def unknown(last: int, max_prime: int) -> float:
    """Error in mean spacings left by the primes from max_prime to τ = √(t/2π), at ordinal `last`.

    The prime-tail scale by Mertens' theorem, √(½ log(log τ/log P))/π; 0 where P ≥ τ.
    """
    share = math.log(cut_off(last)) / math.log(max(max_prime, 2))
    return math.sqrt(math.log(max(share, 1.0)) / 2) / math.pi


def expected_room(N: int, start: int, max_prime: int | None, fraction: float) -> float | None:
    """Most of the room (`zeta_exp.verdict.room`) of runs that are not made yet; None: unknown.

    The floor is `unknown`.  What training leaves beside it is taken for 10/√(N f) mean spacings, f
    the share of labels: .1 at N = 10^4, where .07 was measured near n = 10^6 and .003 near 1, and
    .01 at N = 10^6, where that was .002.
    """
    if max_prime is None or fraction <= 0:
        return None
    floor, excess = unknown(start + N, max_prime), LEFT / math.sqrt(N * fraction)
    return excess**2 / (excess**2 + floor**2)


def cut_off(n: int) -> float:
    """τ = √(t/2π) at ordinal n, to a per cent: N̄(t) ≈ (t/2π)(log(t/2π) − 1)."""
    n = max(n, 2)
    x = max(n / max(math.log(n), 1.0), 4.0)  # t/2π
    for _ in range(20):
        x = max(n / (math.log(x) - 1), 4.0)
    return math.sqrt(x)


def hidden(N: int, start: int, max_prime: int) -> int:
    """Width of the relational model: 32 at N = 10^4, 48 from 80,000 on.

    Where primes are missing what they would say is noise, which a model with more parameters than
    a tenth of the zeros learns by heart: there 16 at N = 10^5, as its square root else.
    """
    if unknown(start + N, max_prime) > UNKNOWN:
        return min(max(round(16 * math.sqrt(max(N, 0) / 100_000) / 4) * 4, NARROWEST), WIDEST)
    return 32 if N < 80_000 else WIDEST


def layers(N: int, start: int, max_prime: int) -> int:
    """Depth of the relational model, which is how far it sees: more where phases turn faster."""
    if unknown(start + N, max_prime) > UNKNOWN:
        return 8
    return min(max(round(4 * math.log10(max(start + N, 1)) - 12), SHALLOWEST), DEEPEST)


def reflection(features: str, target: str) -> bool:
    """Whether the relational model is odd under t → −t: with features of phases, and residuals.

    features: the name of their class, dotted or not.
    """
    return features.rpartition(".")[2] in PHASES and target == "residual"


def blocks_per_step(N: int) -> int:
    """Blocks of 64 in an update of mini-batches: 4, 8, 16, 32 at N = 10^4, 10^5, 10^6, 10^7."""
    return max(4, round(4 * (max(N, 0) / 10_000) ** math.log10(2)))


def minibatch_epochs(N: int, blocks: int) -> int:
    """Visits of the training range in about `UPDATES` updates; one at least."""
    return min(max(round(UPDATES * blocks * BLOCK / (0.9 * max(N, 1))), 1), MOST_EPOCHS)


def exact_epochs(N: int, steps: int) -> int:
    """Visits of the training range in `steps` exact steps each.

    From `FULL_UPDATES` updates of the whole line at N = 10^4, fewer of a longer one, to
    `MOST_EXACT_UPDATES` of its parts.
    """
    updates = min(MOST_EXACT_UPDATES, FULL_UPDATES * math.sqrt(10_000 * max(steps, 1) / max(N, 1)))
    return max(round(updates / max(steps, 1)), 1)


def muon_rate(steps: int) -> float:
    """Highest learning rate of Muon: a third where an epoch has many exact steps.

    Each is then of one short stretch of the line, whose zeros say nearly the same of the height:
    N = 10^6 in 700 steps an epoch ends at .0048 with .01 and at .0024 with .003, after 4,200.
    """
    return 0.01 if steps <= FEW_STEPS else 0.003


def exact_noise(steps: int) -> float:
    """Noise on the weights where an epoch has so few exact steps that nothing else is random."""
    return 0.03 if steps <= FEW_STEPS else 0.0
